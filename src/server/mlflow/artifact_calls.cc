#include "server/mlflow/artifact_calls.h"

#include "artifacts/tree.h"
#include "base/clock.h"
#include "base/text.h"
#include "metadata/database.h"
#include "net/byte_range.h"
#include "server/mlflow/endpoint.h"
#include "server/mlflow/json_writer.h"
#include "server/mlflow/run_wire.h"
#include "tracking/logged_model.h"
#include "tracking/tracker.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <utility>

namespace martlet::server::mlflow {

namespace {

using metadata::ReadTransaction;
using metadata::Transaction;
using net::Request;
using net::Response;

constexpr std::size_t kMostUploadBytes = std::size_t{10} << 20;  // by the web interface's own call

constexpr std::array<std::pair<std::string_view, std::string_view>, 16> kTypes{
    {{"txt", "text/plain; charset=utf-8"},
     {"log", "text/plain; charset=utf-8"},
     {"md", "text/markdown; charset=utf-8"},
     {"yaml", "text/plain; charset=utf-8"},
     {"yml", "text/plain; charset=utf-8"},
     {"csv", "text/csv; charset=utf-8"},
     {"html", "text/html; charset=utf-8"},
     {"json", "application/json"},
     {"py", "text/x-python; charset=utf-8"},
     {"png", "image/png"},
     {"jpg", "image/jpeg"},
     {"jpeg", "image/jpeg"},
     {"gif", "image/gif"},
     {"svg", "image/svg+xml"},
     {"pdf", "application/pdf"},
     {"zip", "application/zip"}}};

std::string_view type_of(std::string_view file) {
  const std::string ending = lower_ascii(file.substr(file.rfind('.') + 1));
  for (const auto& [known, type] : kTypes)
    if (known == ending) return type;
  return "application/octet-stream";
}

// What is still encoded after decoding once was encoded twice.
bool hides_something(std::string_view path) {
  const std::string lower = lower_ascii(path);
  for (const std::string_view hidden : {"%2e", "%2f", "%5c", "%25", "%00"})
    if (lower.find(hidden) != std::string::npos) return true;
  return false;
}

tl::unexpected<Error> invalid_path(std::string_view path) {
  return invalid_argument(
      fmt::format("Invalid path: '{}': files lie under EXPERIMENT/RUN/artifacts/ or "
                  "EXPERIMENT/models/MODEL/artifacts/, by plain names without '..', '#' or '?'",
                  path.substr(0, 300)));
}

// RFC 8187: any name, spelled in ASCII.
std::string disposition_of(std::string_view file) {
  std::string name;
  for (const char c : file.substr(file.rfind('/') + 1)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-' || c == '_';
    name += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return "attachment; filename*=UTF-8''" + name;
}

class BlobSource : public net::BodySource {
 public:
  explicit BlobSource(std::unique_ptr<artifacts::BlobReader> reader) : reader_(std::move(reader)) {}
  std::uint64_t size_bytes() const override { return reader_->size_bytes(); }
  Result<std::size_t> read(std::uint64_t offset, std::span<char> into) override {
    MARTLET_TRY_SET(const std::string bytes, reader_->read_at(offset, into.size()));
    std::memcpy(into.data(), bytes.data(), bytes.size());
    return bytes.size();
  }

 private:
  std::unique_ptr<artifacts::BlobReader> reader_;
};

Result<Response> fetch(const ArtifactContext& context, const tracking::FileOwner& owner,
                       const std::string& file, const Request& request) {
  MARTLET_TRY_SET(const tracking::Artifact found,
                  context.database.read([&](const ReadTransaction& tx) {
                    return tracking::find_file(tx, owner, file);
                  }));
  MARTLET_TRY_SET(std::unique_ptr<artifacts::BlobReader> reader, context.blobs.open(found.digest));
  net::Content content;
  content.source = std::make_shared<BlobSource>(std::move(reader));
  content.content_type = std::string(type_of(file));
  content.etag = net::entity_tag(found.digest.hex());
  content.headers = {{"Content-Disposition", disposition_of(file)},
                     {"X-Content-Type-Options", "nosniff"}};
  return net::content_response(request, std::move(content));
}

// That the owner is there, and of that experiment.
Result<void> check_place(const ReadTransaction& tx, const ArtifactPlace& place) {
  MARTLET_TRY_SET(const ExperimentId experiment, tracking::experiment_of(tx, place.owner));
  if (experiment == place.experiment) return {};
  return not_found(fmt::format("No such artifact: experiment {} has no such run or model",
                               place.experiment.text()));
}

Result<tracking::Artifact> store(const ArtifactContext& context, const std::string& file,
                                 net::RequestBody body, std::optional<std::size_t> most) {
  MARTLET_TRY(artifacts::check_relative_path(file));
  MARTLET_TRY_SET(const artifacts::StoredBlob blob, store_body(context, body, most));
  return tracking::Artifact{file, blob.digest, static_cast<std::int64_t>(blob.size_bytes),
                            context.clock.now()};
}

Result<Response> put(const ArtifactContext& context, const Request& request,
                     net::RequestBody body) {
  MARTLET_TRY_SET(const ArtifactPlace place, artifact_place(request.path_value("path")));
  if (place.file.empty()) return invalid_path(request.path_value("path"));
  // Before the bytes come, so that nobody sends gigabytes for nothing.
  MARTLET_TRY(
      context.database.read([&](const ReadTransaction& tx) { return check_place(tx, place); }));
  MARTLET_TRY_SET(const tracking::Artifact file, store(context, place.file, body, std::nullopt));
  MARTLET_TRY(context.database.write(
      [&](Transaction& tx) { return tracking::put_file(tx, place.owner, file); }));
  return Response::json(200, "{}");
}

Result<Response> get(const ArtifactContext& context, const Request& request) {
  MARTLET_TRY_SET(const ArtifactPlace place, artifact_place(request.path_value("path")));
  MARTLET_TRY(
      context.database.read([&](const ReadTransaction& tx) { return check_place(tx, place); }));
  return fetch(context, place.owner, place.file, request);
}

Result<Response> remove(const ArtifactContext& context, const Request& request) {
  MARTLET_TRY_SET(const ArtifactPlace place, artifact_place(request.path_value("path")));
  MARTLET_TRY_SET(const std::int64_t removed,
                  context.database.write([&](Transaction& tx) -> Result<std::int64_t> {
                    MARTLET_TRY(check_place(tx, place));
                    return tracking::remove_files(tx, place.owner, place.file);
                  }));
  if (removed == 0)
    return not_found(
        fmt::format("No such artifact: '{}'", request.path_value("path").substr(0, 300)));
  return Response::json(200, "{}");
}

void write_files(JsonWriter& json, const std::vector<tracking::FileEntry>& entries,
                 const std::string& prefix) {
  if (entries.empty()) return;
  json.key("files").begin_array();
  for (const tracking::FileEntry& entry : entries) {
    json.begin_object().text_always("path", prefix + entry.name);
    json.boolean("is_dir", entry.is_directory);
    if (!entry.is_directory) json.integer("file_size", entry.size_bytes);
    json.end_object();
  }
  json.end_array();
}

Result<std::vector<tracking::FileEntry>> entries_of(const ArtifactContext& context,
                                                    const tracking::FileOwner& owner,
                                                    const std::string& directory) {
  return context.database.read(
      [&](const ReadTransaction& tx) { return tracking::list_files(tx, owner, directory); });
}

// By the client itself, for mlflow-artifacts: places: names within the directory.
Result<Response> list(const ArtifactContext& context, const Request& request) {
  std::string path(request.query_value("path").value_or(""));
  while (path.ends_with('/')) path.pop_back();
  JsonWriter json;
  json.begin_object();
  // Above a run's own files there is nothing to be seen.
  MARTLET_TRY_SET(const ArtifactPlace place, artifact_place(path));
  const auto there =
      context.database.read([&](const ReadTransaction& tx) { return check_place(tx, place); });
  if (there.has_value()) {
    MARTLET_TRY_SET(const auto entries, entries_of(context, place.owner, place.file));
    write_files(json, entries, "");
  } else if (there.error().code() != ErrorCode::NotFound) {
    return fail(there.error());
  }
  return Response::json(200, json.end_object().take());
}

// A directory named by a caller; "" is the root.
Result<std::string> directory_of(const std::optional<std::string>& path) {
  std::string directory = path.value_or("");
  while (directory.ends_with('/')) directory.pop_back();
  if (!directory.empty() &&
      (!artifacts::check_relative_path(directory).has_value() || hides_something(directory)))
    return invalid_argument(fmt::format("Invalid path: '{}'", directory.substr(0, 300)));
  return directory;
}

Result<std::string> list_of(const ArtifactContext& context, const tracking::FileOwner& owner,
                            const std::string& directory) {
  MARTLET_TRY_SET(const ExperimentId experiment,
                  context.database.read([&](const ReadTransaction& tx) {
                    return tracking::experiment_of(tx, owner);
                  }));
  MARTLET_TRY_SET(const auto entries, entries_of(context, owner, directory));
  JsonWriter json;
  json.begin_object().text("root_uri", artifact_uri(experiment, owner));
  write_files(json, entries, directory.empty() ? "" : directory + "/");
  return json.end_object().take();
}

Result<std::string> list_of_run(const ArtifactContext& context, Message& message) {
  const Fields fields = message.fields();
  const tracking::FileOwner owner{.run = RunId(fields.required_name("run_id", "run_uuid"))};
  const std::optional<std::string> path = fields.text("path");
  MARTLET_TRY(message.check());
  MARTLET_TRY_SET(const std::string directory, directory_of(path));
  return list_of(context, owner, directory);
}

Result<std::string> list_of_model(const ArtifactContext& context, Message& message,
                                  const Request& request) {
  const std::optional<std::string> path = message.fields().text("artifact_directory_path");
  MARTLET_TRY(message.check());
  MARTLET_TRY_SET(const std::string directory, directory_of(path));
  return list_of(context, {.run = {}, .model = std::string(request.path_value("model_id"))},
                 directory);
}

Result<RunId> run_in_query(const Request& request) {
  const auto run = request.query_value("run_id");
  const auto old = request.query_value("run_uuid");
  if (!run.has_value() && !old.has_value())
    return invalid_argument("Missing value for required parameter 'run_id'.");
  return RunId(std::string(run.has_value() ? *run : *old));
}

Result<Response> get_artifact(const ArtifactContext& context, const Request& request) {
  MARTLET_TRY_SET(const RunId run, run_in_query(request));
  const std::string path(request.query_value("path").value_or(""));
  MARTLET_TRY_SET(const std::string file, directory_of(path));
  if (file.empty()) return invalid_argument("Missing value for required parameter 'path'.");
  return fetch(context, {.run = run}, file, request);
}

Result<Response> get_artifact_of_model(const ArtifactContext& context, const Request& request) {
  const std::string path(request.query_value("artifact_file_path").value_or(""));
  MARTLET_TRY_SET(const std::string file, directory_of(path));
  if (file.empty())
    return invalid_argument("Request must include the \"artifact_file_path\" query parameter.");
  return fetch(context, {.run = {}, .model = std::string(request.path_value("model_id"))}, file,
               request);
}

Result<Response> upload_artifact(const ArtifactContext& context, const Request& request,
                                 net::RequestBody body) {
  MARTLET_TRY_SET(const RunId run, run_in_query(request));
  const std::string path(request.query_value("path").value_or(""));
  MARTLET_TRY_SET(const tracking::Artifact file, store(context, path, body, kMostUploadBytes));
  MARTLET_TRY(context.database.write(
      [&](Transaction& tx) { return tracking::put_file(tx, {.run = run}, file); }));
  return Response::json(200, "{}");
}

}  // namespace

Result<ArtifactPlace> artifact_place(std::string_view path) {
  const auto parts = split(path, '/');
  ArtifactPlace place;
  if (parts.size() < 3) return invalid_path(path);
  place.experiment = ExperimentId(std::string(parts[0]));
  std::size_t used = 0;
  const bool of_model = parts[1] == "models";
  if ((of_model || parts[1] == "traces") && parts.size() >= 4 && parts[3] == "artifacts") {
    (of_model ? place.owner.model : place.owner.trace) = std::string(parts[2]);
    used = 4;
  } else if (parts[2] == "artifacts") {
    place.owner.run = RunId(std::string(parts[1]));
    used = 3;
  } else {
    return invalid_path(path);
  }
  for (std::size_t i = used; i < parts.size(); ++i)
    place.file += (i == used ? "" : "/") + std::string(parts[i]);
  if (parts.size() > used && (!artifacts::check_relative_path(place.file).has_value() ||
                              place.file.find_first_of("#?") != std::string::npos))
    return invalid_path(path);
  if (hides_something(path)) return invalid_path(path);
  return place;
}

Result<artifacts::StoredBlob> store_body(const ArtifactContext& context, net::RequestBody body,
                                         std::optional<std::size_t> most) {
  MARTLET_TRY_SET(const std::unique_ptr<artifacts::BlobWriter> writer, context.blobs.writer());
  std::size_t taken = 0;
  while (true) {
    MARTLET_TRY_SET(const std::string_view piece, body.read());
    if (piece.empty()) return writer->finish();
    taken += piece.size();
    if (most.has_value() && taken > *most)
      return invalid_argument(fmt::format("an upload by this call has at most {} bytes", *most));
    MARTLET_TRY(writer->append(piece));
  }
}

void add_artifact_calls(Calls& calls, const ArtifactContext& context) {
  const auto raw = [context](Result<Response> (*function)(const ArtifactContext&, const Request&)) {
    return [context, function](const Request& request) { return function(context, request); };
  };
  constexpr std::string_view kFile = "/mlflow-artifacts/artifacts/{path...}";
  calls.stream_call(net::Method::Put, "2.0", kFile, "Stores a file of a run or of a logged model.",
                    [context](const Request& request, net::RequestBody body) {
                      return put(context, request, body);
                    });
  calls.raw_call(net::Method::Get, "2.0", kFile, "A file, whole or in part.", raw(get));
  calls.raw_call(net::Method::Delete, "2.0", kFile, "Removes a file or a directory.", raw(remove));
  calls.raw_call(net::Method::Get, "2.0", "/mlflow-artifacts/artifacts", "What a directory holds.",
                 raw(list));
  calls.get("artifacts/list", "What a directory of a run holds.",
            [context](Message& message, const Request&) { return list_of_run(context, message); });
  calls.get("logged-models/{model_id}/artifacts/directories",
            "What a directory of a logged model holds.",
            [context](Message& message, const Request& request) {
              return list_of_model(context, message, request);
            });
  calls.raw_call(net::Method::Get, "2.0", "/mlflow/logged-models/{model_id}/artifacts/files",
                 "A file of a logged model.", raw(get_artifact_of_model));
  calls.raw(net::Method::Get, "/get-artifact", "A file of a run.", raw(get_artifact));
  calls.stream_call(net::Method::Post, "2.0", "/mlflow/upload-artifact", "A small file of a run.",
                    [context](const Request& request, net::RequestBody body) {
                      return upload_artifact(context, request, body);
                    });
}

}  // namespace martlet::server::mlflow

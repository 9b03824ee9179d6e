#include "server/mlflow/upload_calls.h"

#include "artifacts/blob_store.h"
#include "artifacts/tree.h"
#include "base/clock.h"
#include "base/quantity.h"
#include "base/text.h"
#include "metadata/database.h"
#include "platform/system_random.h"
#include "server/mlflow/endpoint.h"
#include "server/mlflow/json_writer.h"
#include "tracking/upload.h"

#include <fmt/format.h>

namespace martlet::server::mlflow {

namespace {

using metadata::ReadTransaction;
using metadata::Transaction;
using net::Request;
using net::Response;
using tracking::Upload;
using tracking::UploadPart;

constexpr std::int64_t kMostParts = 10'000;
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
constexpr std::string_view kPartCall = "/mlflow-artifacts/mpu/part/{upload_id}/{number}";

// Where a file is to lie: below the directory of the URL, by the last name of the client's path.
Result<ArtifactPlace> place_of(const Request& request, const std::string& client_path) {
  std::string_view name = client_path;
  name = name.substr(name.find_last_of("/\\") + 1);  // npos + 1 is 0
  MARTLET_TRY_SET(ArtifactPlace place, artifact_place(request.path_value("path")));
  place.file += (place.file.empty() ? "" : "/") + std::string(name);
  MARTLET_TRY(artifacts::check_relative_path(place.file));
  return place;
}

// Where the client sends the parts.
std::string credentials(const Upload& upload, const Request& request) {
  JsonWriter json;
  json.begin_object().text("upload_id", upload.id).key("credentials").begin_array();
  for (std::int64_t number = 1; number <= upload.parts; ++number) {
    json.begin_object();
    json.text("url", fmt::format("http://{}/api/2.0/mlflow-artifacts/mpu/part/{}/{}",
                                 request.header("host"), upload.id, number));
    json.integer("part_number", number).key("headers").begin_object().end_object().end_object();
  }
  return json.end_array().end_object().take();
}

Result<Response> create(const ArtifactContext& context, Message& message, const Request& request,
                        Once& once) {
  const Fields fields = message.fields();
  const std::string path = fields.required_name("path");
  const std::int64_t parts = fields.integer("num_parts").value_or(1);
  if (parts < 1 || parts > kMostParts)
    fields.refuse("num_parts", fmt::format("it is between 1 and {}", kMostParts));
  MARTLET_TRY(message.check());
  MARTLET_TRY_SET(const ArtifactPlace place, place_of(request, path));
  const Upload upload{platform::SystemRandom().hex(32), place.owner, place.file, parts,
                      context.clock.now()};
  const auto begin = [&](const metadata::Also<Upload>& also) {
    return context.database.write([&](Transaction& tx) -> Result<Upload> {
      MARTLET_TRY_SET(const ExperimentId experiment, tracking::experiment_of(tx, place.owner));
      if (experiment != place.experiment)
        return not_found(fmt::format("No such artifact: experiment {} has no such run or model",
                                     place.experiment.text()));
      MARTLET_TRY(tracking::begin_upload(tx, upload));
      return metadata::with<Upload>(tx, upload, also);
    });
  };
  return once.answer<Upload>(begin,
                             [&](const Upload& begun) { return credentials(begun, request); });
}

Result<Response> put(const ArtifactContext& context, const Request& request,
                     net::RequestBody body) {
  const std::string id(request.path_value("upload_id"));
  MARTLET_TRY_SET(const std::int64_t number, parse_integer(request.path_value("number")));
  MARTLET_TRY(context.database.read(
      [&](const ReadTransaction& tx) { return tracking::find_upload(tx, id); }));
  MARTLET_TRY_SET(const artifacts::StoredBlob blob, store_body(context, body, std::nullopt));
  const UploadPart part{number, blob.digest, static_cast<std::int64_t>(blob.size_bytes)};
  MARTLET_TRY(
      context.database.write([&](Transaction& tx) { return tracking::put_part(tx, id, part); }));
  Response response = Response::json(200, "{}");
  response.headers.emplace_back("ETag", "\"" + blob.digest.hex() + "\"");
  return response;
}

// One blob of all parts, in order.
Result<artifacts::StoredBlob> join(const ArtifactContext& context,
                                   const std::vector<UploadPart>& parts) {
  if (parts.size() == 1)
    return artifacts::StoredBlob{parts[0].digest, static_cast<std::uint64_t>(parts[0].size_bytes)};
  MARTLET_TRY_SET(const std::unique_ptr<artifacts::BlobWriter> writer, context.blobs.writer());
  for (const UploadPart& part : parts) {
    MARTLET_TRY_SET(const std::unique_ptr<artifacts::BlobReader> reader,
                    context.blobs.open(part.digest));
    for (std::uint64_t at = 0; at < reader->size_bytes();) {
      MARTLET_TRY_SET(const std::string piece, reader->read_at(at, kPieceBytes));
      MARTLET_TRY(writer->append(piece));
      at += piece.size();
    }
  }
  return writer->finish();
}

Result<Upload> named(const ArtifactContext& context, Message& message, const Request& request) {
  const Fields fields = message.fields();
  const std::string id = fields.required_name("upload_id");
  const std::string path = fields.required_name("path");
  MARTLET_TRY(message.check());
  MARTLET_TRY_SET(const ArtifactPlace place, place_of(request, path));
  MARTLET_TRY_SET(Upload upload, context.database.read([&](const ReadTransaction& tx) {
    return tracking::find_upload(tx, id);
  }));
  if (upload.path == place.file && upload.owner == place.owner) return upload;
  return invalid_argument(fmt::format("upload {} is of another file, '{}'", id, upload.path));
}

Result<Response> complete(const ArtifactContext& context, Message& message, const Request& request,
                          Once& once) {
  MARTLET_TRY_SET(const Upload upload, named(context, message, request));
  MARTLET_TRY_SET(const std::vector<UploadPart> parts,
                  context.database.read(
                      [&](const ReadTransaction& tx) { return tracking::parts_of(tx, upload); }));
  const Fields fields = message.fields();
  for (const Fields& part : fields.objects("parts")) {
    const std::int64_t number = part.required_integer("part_number");
    const std::string etag = part.text("etag").value_or("");
    const bool known = number >= 1 && number <= std::ssize(parts);
    if (!known ||
        (!etag.empty() &&
         etag.find(parts[static_cast<std::size_t>(number - 1)].digest.hex()) == std::string::npos))
      part.refuse("part_number", "the part that the server has is another one");
  }
  MARTLET_TRY(message.check());
  MARTLET_TRY_SET(const artifacts::StoredBlob blob, join(context, parts));
  const tracking::Artifact file{upload.path, blob.digest,
                                static_cast<std::int64_t>(blob.size_bytes), context.clock.now()};
  const auto store = [&](const metadata::Also<Upload>& also) {
    return context.database.write([&](Transaction& tx) -> Result<Upload> {
      MARTLET_TRY(tracking::put_file(tx, upload.owner, file));
      MARTLET_TRY(tracking::end_upload(tx, upload.id));
      return metadata::with<Upload>(tx, upload, also);
    });
  };
  return once.answer<Upload>(store, [](const Upload&) { return "{}"; });
}

Result<Response> abort(const ArtifactContext& context, const Request& request) {
  MARTLET_TRY_SET(const std::unique_ptr<Message> message, Message::read(request));
  MARTLET_TRY_SET(const Upload upload, named(context, *message, request));
  MARTLET_TRY(
      context.database.write([&](Transaction& tx) { return tracking::end_upload(tx, upload.id); }));
  return Response::json(200, "{}");
}

}  // namespace

void add_upload_calls(Calls& calls, const ArtifactContext& context) {
  const auto creation =
      [&](Result<Response> (*function)(const ArtifactContext&, Message&, const Request&, Once&)) {
        return [context, function](Message& message, const Request& request, Once& once) {
          return function(context, message, request, once);
        };
      };
  calls.raw_create("2.0", "/mlflow-artifacts/mpu/create/{path...}", "Begins a file in parts.",
                   creation(create));
  calls.raw_create("2.0", "/mlflow-artifacts/mpu/complete/{path...}", "Makes the parts a file.",
                   creation(complete));
  calls.raw_call(net::Method::Post, "2.0", "/mlflow-artifacts/mpu/abort/{path...}",
                 "Forgets the parts.",
                 [context](const Request& request) { return abort(context, request); });
  calls.stream_call(net::Method::Put, "2.0", kPartCall, "Stores a part.",
                    [context](const Request& request, net::RequestBody body) {
                      return put(context, request, body);
                    });
}

}  // namespace martlet::server::mlflow

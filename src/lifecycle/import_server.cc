// Reads an MLflow server by its REST API 2.0: everything page by page, artifacts file by file.
#include "artifacts/blob_store.h"
#include "artifacts/tree.h"
#include "lifecycle/internal/import_source.h"
#include "net/http_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace martlet::lifecycle {

namespace {

using tracking::Experiment;
using tracking::Metric;

constexpr int kPageOfRuns = 200;
constexpr int kPageOfExperiments = 1000;
constexpr int kPageOfPoints = 25'000;  // as MLflow's own client asks
constexpr int kMaxPages = 1'000'000;   // a server that never comes to an end is left
constexpr int kMaxArtifactDepth = 64;
constexpr std::size_t kAnswerBytes = std::size_t{256} << 20;
constexpr std::size_t kArtifactBytes = std::size_t{1} << 30;  // they pass through memory
constexpr std::chrono::seconds kTimeout{60};
constexpr std::chrono::minutes kArtifactTimeout{30};
constexpr int kAttempts = 3;

std::string encoded(std::string_view text, bool keep_slashes = false) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~' || (keep_slashes && c == '/');
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string text_of(const Json& object, const char* key) {
  if (!object.is_object()) return "";
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// Numbers, and texts of numbers, as protobuf writes them.
std::optional<std::int64_t> integer_of(const Json& object, const char* key) {
  if (!object.is_object()) return std::nullopt;
  const auto found = object.find(key);
  if (found == object.end()) return std::nullopt;
  if (found->is_number_integer()) return found->get<std::int64_t>();
  if (!found->is_string()) return std::nullopt;
  const std::string text = found->get<std::string>();
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

std::optional<double> number_of(const Json& object, const char* key) {
  if (!object.is_object()) return std::nullopt;
  const auto found = object.find(key);
  if (found == object.end()) return std::nullopt;
  if (found->is_number()) return mlflow_value(found->get<double>());
  if (!found->is_string()) return std::nullopt;
  const std::string text = found->get<std::string>();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

std::optional<Timestamp> time_of(const Json& object, const char* key) {
  const auto millis = integer_of(object, key);
  return millis.has_value() ? mlflow_time(*millis) : std::nullopt;
}

bool is_true(const Json& object, const char* key) {
  if (!object.is_object()) return false;
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

// A list that is left out when it is empty.
const Json& list_of(const Json& object, const char* key) {
  static const Json kNone = Json::array();
  if (!object.is_object()) return kNone;
  const auto found = object.find(key);
  return found != object.end() && found->is_array() ? *found : kNone;
}

void read_pairs(const Json& list, tracking::Texts& texts) {
  for (const Json& pair : list) texts[text_of(pair, "key")] = text_of(pair, "value");
}

const Json& part_of(const Json& object, const char* key) {
  static const Json kNone = Json::object();
  if (!object.is_object()) return kNone;
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : kNone;
}

class ServerSource : public ImportSource {
 public:
  ServerSource(std::string url, const ImportRequest& request, Findings& findings)
      : url_(std::move(url)), request_(request), findings_(findings) {}

  std::string_view kind() const override { return "server"; }

  Result<std::vector<Experiment>> experiments() override {
    std::vector<Experiment> found;
    MARTLET_TRY(pages("/api/2.0/mlflow/experiments/search",
                      Json{{"max_results", kPageOfExperiments}, {"view_type", "ALL"}},
                      [&](const Json& page) -> Result<void> {
                        for (const Json& item : list_of(page, "experiments"))
                          found.push_back(read_experiment(item));
                        return {};
                      }));
    return found;
  }

  Result<void> for_each_run(const Experiment& experiment,
                            const std::function<Result<void>(const SourceRun&)>& visit) override {
    return pages("/api/2.0/mlflow/runs/search",
                 Json{{"experiment_ids", Json::array({experiment.id.text()})},
                      {"run_view_type", "ALL"},
                      {"max_results", kPageOfRuns},
                      {"order_by", Json::array({"attributes.start_time ASC"})}},
                 [&](const Json& page) -> Result<void> {
                   for (const Json& item : list_of(page, "runs")) {
                     const auto run = read_run(experiment, item);
                     if (!run.has_value()) continue;
                     keys_.clear();
                     for (const Json& metric : list_of(part_of(item, "data"), "metrics"))
                       keys_.push_back(text_of(metric, "key"));
                     MARTLET_TRY(visit(*run));
                   }
                   return {};
                 });
  }

  Result<void>
  for_each_points(const SourceRun& run,
                  const std::function<Result<void>(std::span<const Metric>)>& visit) override {
    std::vector<Metric> points;
    std::int64_t bad = 0;
    for (const std::string& key : keys_) {
      const std::string path =
          fmt::format("/api/2.0/mlflow/metrics/get-history?run_id={}&metric_key={}&max_results={}",
                      encoded(run.run.id.text()), encoded(key), kPageOfPoints);
      std::string token;
      for (int page = 0; page < kMaxPages; ++page) {
        MARTLET_TRY_SET(const Json answer,
                        get(token.empty() ? path : path + "&page_token=" + encoded(token)));
        for (const Json& item : list_of(answer, "metrics")) {
          const auto value = number_of(item, "value");
          const auto at = time_of(item, "timestamp");
          if (!value.has_value() || !at.has_value()) {
            ++bad;
            continue;
          }
          points.push_back({key, *value, integer_of(item, "step").value_or(0), *at});
        }
        if (points.size() >= kPointsAtOnce) {
          MARTLET_TRY(visit(points));
          points.clear();
        }
        token = text_of(answer, "next_page_token");
        if (token.empty()) break;
      }
    }
    if (bad > 0)
      report(findings_, fmt::format("run {} metrics", run.run.id.text()), "bad_point",
             fmt::format("{} points have no time or no value; they were left out", bad));
    if (points.empty()) return {};
    return visit(points);
  }

  Result<std::vector<SourceArtifact>> artifacts(const SourceRun& run) override {
    std::vector<SourceArtifact> found;
    auto listed = list_artifacts(run, "", 0, found);
    if (listed.has_value()) return found;
    if (!is_answer(listed.error())) return fail(std::move(listed).error());
    report(findings_, fmt::format("run {} artifacts", run.run.id.text()), "artifacts_unreadable",
           "the server doesn't list them: " + listed.error().message());
    return std::vector<SourceArtifact>();
  }

  Result<tracking::Artifact> fetch(const SourceRun& run, const SourceArtifact& artifact,
                                   artifacts::BlobStore& blobs) override {
    const std::string path = fmt::format("/get-artifact?run_id={}&path={}",
                                         encoded(run.run.id.text()), encoded(artifact.path));
    const auto answer = send(net::Method::Get, path, "", kArtifactBytes, kArtifactTimeout);
    if (!answer.has_value()) {
      if (answer.error().code() != ErrorCode::ResourceExhausted) return fail(answer.error());
      return invalid_argument(fmt::format("it is larger than {} MiB, which is the most that is "
                                          "read from a server; import from its folder instead",
                                          kArtifactBytes >> 20));
    }
    if (answer->status != 200) return fail(refused(path, *answer));
    if (artifact.size_bytes > 0 && std::ssize(answer->body) != artifact.size_bytes)
      return unavailable(
          fmt::format("{} bytes came, {} were promised", answer->body.size(), artifact.size_bytes));
    MARTLET_TRY_SET(const Digest digest, blobs.put(answer->body));
    return tracking::Artifact{artifact.path, digest, std::ssize(answer->body), {}};
  }

  Result<void> look_for_more() override {
    const auto models = get("/api/2.0/mlflow/registered-models/search?max_results=1");
    if (models.has_value() && !list_of(*models, "registered_models").empty())
      report(findings_, "registered_models", "not_imported",
             "registered models were left out: only experiments and runs are imported");
    return {};
  }

 private:
  // An answer that isn't a good one, rather than none.
  static bool is_answer(const Error& error) {
    return error.code() == ErrorCode::InvalidArgument || error.code() == ErrorCode::NotFound;
  }

  static Experiment read_experiment(const Json& item) {
    Experiment experiment;
    experiment.id = ExperimentId(text_of(item, "experiment_id"));
    experiment.name = text_of(item, "name");
    if (text_of(item, "lifecycle_stage") == "deleted")
      experiment.lifecycle = tracking::Lifecycle::Deleted;
    experiment.created = time_of(item, "creation_time").value_or(Timestamp{});
    experiment.updated = time_of(item, "last_update_time").value_or(experiment.created);
    read_pairs(list_of(item, "tags"), experiment.tags);
    return experiment;
  }

  std::optional<SourceRun> read_run(const Experiment& experiment, const Json& item) {
    const Json& info = part_of(item, "info");
    const Json& data = part_of(item, "data");
    SourceRun found;
    tracking::Run& run = found.run;
    const std::string id = text_of(info, "run_id");
    const auto status = mlflow_status(text_of(info, "status"));
    if (!is_run_id(id) || !status.has_value()) {
      report(findings_, "run " + id.substr(0, 80), "bad_run", "its id or its status isn't one");
      return std::nullopt;
    }
    run.id = RunId(id);
    run.experiment = experiment.id;
    run.name = text_of(info, "run_name");
    run.user = text_of(info, "user_id");
    run.status = *status;
    if (text_of(info, "lifecycle_stage") == "deleted") run.lifecycle = tracking::Lifecycle::Deleted;
    run.ended = time_of(info, "end_time");
    run.started = time_of(info, "start_time").value_or(run.ended.value_or(Timestamp{}));
    found.artifact_uri = text_of(info, "artifact_uri");
    read_pairs(list_of(data, "params"), run.params);
    read_pairs(list_of(data, "tags"), run.tags);
    for (const Json& input : list_of(part_of(item, "inputs"), "dataset_inputs")) {
      const Json& dataset = part_of(input, "dataset");
      tracking::DatasetInput made;
      made.name = text_of(dataset, "name");
      made.digest = text_of(dataset, "digest");
      made.details = dataset_details(text_of(dataset, "source_type"), text_of(dataset, "source"),
                                     text_of(dataset, "schema"), text_of(dataset, "profile"));
      for (const Json& tag : list_of(input, "tags")) {
        if (text_of(tag, "key") == kContextTag) made.context = text_of(tag, "value");
      }
      run.inputs.push_back(std::move(made));
    }
    return found;
  }

  Result<void> list_artifacts(const SourceRun& run, const std::string& folder, int depth,
                              std::vector<SourceArtifact>& found) {
    const std::string path =
        fmt::format("/api/2.0/mlflow/artifacts/list?run_id={}", encoded(run.run.id.text())) +
        (folder.empty() ? "" : "&path=" + encoded(folder));
    std::string token;
    for (int page = 0; page < kMaxPages; ++page) {
      MARTLET_TRY_SET(const Json answer,
                      get(token.empty() ? path : path + "&page_token=" + encoded(token)));
      for (const Json& file : list_of(answer, "files")) {
        const std::string name = text_of(file, "path");
        const auto whole =
            fmt::format("run {} artifact {}", run.run.id.text(), name.substr(0, 200));
        const auto checked = artifacts::check_relative_path(name);
        const bool below = folder.empty() || name.starts_with(folder + "/");
        if (!checked.has_value() || !below) {
          report(findings_, whole, "bad_path", "it is no path of the run's artifacts");
        } else if (!is_true(file, "is_dir")) {
          found.push_back({name, integer_of(file, "file_size").value_or(0)});
        } else if (depth < kMaxArtifactDepth) {
          MARTLET_TRY(list_artifacts(run, name, depth + 1, found));
        } else {
          report(findings_, whole, "bad_path", "it lies too deep");
        }
      }
      token = text_of(answer, "next_page_token");
      if (token.empty()) break;
    }
    return {};
  }

  // Posts `question` again with the page token of the last answer, until there is none.
  Result<void> pages(const std::string& path, Json question,
                     const std::function<Result<void>(const Json&)>& visit) {
    for (int page = 0; page < kMaxPages; ++page) {
      MARTLET_TRY_SET(const net::HttpResponse answer,
                      send(net::Method::Post, path, to_text(question), kAnswerBytes, kTimeout));
      MARTLET_TRY_SET(const Json json, json_of(path, answer));
      MARTLET_TRY(visit(json));
      const std::string token = text_of(json, "next_page_token");
      if (token.empty()) return {};
      question["page_token"] = token;
    }
    return unavailable(fmt::format("reading {}{}: the pages come to no end", url_, path));
  }

  Result<Json> get(const std::string& path) {
    MARTLET_TRY_SET(const net::HttpResponse answer,
                    send(net::Method::Get, path, "", kAnswerBytes, kTimeout));
    return json_of(path, answer);
  }

  Result<Json> json_of(const std::string& path, const net::HttpResponse& answer) const {
    if (answer.status != 200) return fail(refused(path, answer));
    JsonLimits limits;
    limits.size_bytes = kAnswerBytes;
    auto json = parse_json(answer.body, limits);
    if (json.has_value() && json->is_object()) return json;
    return invalid_argument(fmt::format("reading {}{}: the answer is no JSON object; is it an "
                                        "MLflow server?",
                                        url_, path.substr(0, path.find('?'))));
  }

  Error refused(const std::string& path, const net::HttpResponse& answer) const {
    std::string said = answer.body.substr(0, 300);
    if (const auto json = parse_json(answer.body); json.has_value() && json->is_object())
      said = text_of(*json, "message").substr(0, 300);
    const ErrorCode code = answer.status == 401   ? ErrorCode::Unauthenticated
                           : answer.status == 403 ? ErrorCode::PermissionDenied
                           : answer.status == 404 ? ErrorCode::NotFound
                           : answer.status >= 500 ? ErrorCode::Unavailable
                                                  : ErrorCode::InvalidArgument;
    return Error(code, fmt::format("reading {}{}: the server answers {}: {}", url_,
                                   path.substr(0, path.find('?')), answer.status, said));
  }

  // Tries again what may pass: everything here only reads.
  Result<net::HttpResponse> send(net::Method method, const std::string& path,
                                 const std::string& body, std::size_t limit,
                                 std::chrono::milliseconds timeout) {
    net::HttpCall call;
    call.method = method;
    call.url = url_ + path;
    if (!body.empty()) call.headers.emplace_back("content-type", "application/json");
    call.body = body;
    call.bearer = request_.token;
    call.timeout = timeout;
    call.response_limit_bytes = limit;
    call.policy = std::nullopt;  // whoever calls the command names the server
    for (int attempt = 1;; ++attempt) {
      auto answer = client_.send(call, Deadline::none(), request_.cancel);
      const bool passing = answer.has_value() ? answer->status == 429 || answer->status >= 500
                                              : answer.error().code() == ErrorCode::Unavailable;
      if (!passing || attempt == kAttempts) return answer;
    }
  }

  std::string url_;
  const ImportRequest& request_;
  Findings& findings_;
  net::HttpClient client_;
  std::vector<std::string> keys_;  // of the metrics of the run that is visited
};

}  // namespace

Result<std::unique_ptr<ImportSource>> open_server_source(const ImportRequest& request,
                                                         Findings& findings) {
  std::string url = request.source;
  while (url.ends_with('/')) url.pop_back();
  return std::unique_ptr<ImportSource>(
      std::make_unique<ServerSource>(std::move(url), request, findings));
}

}  // namespace martlet::lifecycle

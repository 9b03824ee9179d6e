// Reads an MLflow server by its REST API 2.0: everything page by page, artifacts file by file.
#include "artifacts/blob_store.h"
#include "artifacts/tree.h"
#include "lifecycle/internal/import_source.h"
#include "lifecycle/internal/server_models.h"
#include "lifecycle/internal/server_reader.h"

#include <fmt/format.h>

namespace martlet::lifecycle {

namespace {

using tracking::Experiment;
using tracking::Metric;

constexpr int kPageOfRuns = 200;
constexpr int kPageOfExperiments = 1000;
constexpr int kPageOfPoints = 25'000;  // as MLflow's own client asks
constexpr int kMaxArtifactDepth = 64;
constexpr std::size_t kArtifactBytes = std::size_t{1} << 30;  // they pass through memory
constexpr std::chrono::minutes kArtifactTimeout{30};

class ServerSource : public ImportSource {
 public:
  ServerSource(std::string url, const ImportRequest& request, Findings& findings)
      : reader_(std::move(url), request), findings_(findings) {}

  std::string_view kind() const override { return "server"; }

  Result<std::vector<Experiment>> experiments() override {
    std::vector<Experiment> found;
    MARTLET_TRY(reader_.pages("/api/2.0/mlflow/experiments/search",
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
    return reader_.pages("/api/2.0/mlflow/runs/search",
                         Json{{"experiment_ids", Json::array({experiment.id.text()})},
                              {"run_view_type", "ALL"},
                              {"max_results", kPageOfRuns},
                              {"order_by", Json::array({"attributes.start_time ASC"})}},
                         [&](const Json& page) -> Result<void> {
                           for (const Json& item : list_of(page, "runs")) {
                             std::optional<SourceRun> run = read_run(experiment, item);
                             if (!run.has_value()) continue;
                             MARTLET_TRY(add_given_models(run->run));
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
      MARTLET_TRY(reader_.get_pages(path, [&](const Json& answer) -> Result<void> {
        for (const Json& item : list_of(answer, "metrics")) {
          const auto value = number_of(item, "value");
          const auto at = time_of(item, "timestamp");
          if (!value.has_value() || !at.has_value()) {
            ++bad;
            continue;
          }
          points.push_back({key, *value, integer_of(item, "step").value_or(0), *at});
        }
        if (points.size() < kPointsAtOnce) return {};
        auto visited = visit(points);
        points.clear();
        return visited;
      }));
    }
    if (bad > 0)
      add_finding(findings_, fmt::format("run {} metrics", run.run.id.text()), "bad_point",
                  fmt::format("{} points have no time or no value; they were left out", bad));
    if (points.empty()) return {};
    return visit(points);
  }

  Result<void> for_each_logged_model(
      const Experiment& experiment,
      const std::function<Result<void>(const SourceLoggedModel&)>& visit) override {
    return server_logged_models(reader_, experiment, findings_, visit);
  }

  Result<void> for_each_registered_model(
      const std::function<Result<void>(const SourceRegisteredModel&)>& visit) override {
    return server_registered_models(reader_, findings_, visit);
  }

  Result<std::vector<SourceArtifact>> artifacts(const SourceOwner& owner) override {
    std::vector<SourceArtifact> found;
    auto listed = list_artifacts(owner, "", 0, found);
    if (listed.has_value()) return found;
    if (!ServerReader::is_answer(listed.error())) return fail(std::move(listed).error());
    add_finding(findings_, owner.told() + " artifacts", "artifacts_unreadable",
                "the server doesn't list them: " + listed.error().message());
    return std::vector<SourceArtifact>();
  }

  Result<tracking::Artifact> fetch(const SourceOwner& owner, const SourceArtifact& artifact,
                                   artifacts::BlobStore& blobs) override {
    const std::string path =
        owner.kind == SourceOwner::Kind::Run
            ? fmt::format("/get-artifact?run_id={}&path={}", encoded(owner.id),
                          encoded(artifact.path))
            : fmt::format("/ajax-api/2.0/mlflow/logged-models/{}/artifacts/files"
                          "?artifact_file_path={}",
                          encoded(owner.id), encoded(artifact.path));
    const auto answer = reader_.send(net::Method::Get, path, "", kArtifactBytes, kArtifactTimeout);
    if (!answer.has_value()) {
      if (answer.error().code() != ErrorCode::ResourceExhausted) return fail(answer.error());
      return invalid_argument(fmt::format("it is larger than {} MiB, which is the most that is "
                                          "read from a server; import from its folder instead",
                                          kArtifactBytes >> 20));
    }
    if (answer->status != 200) return fail(reader_.refused(path, *answer));
    if (artifact.size_bytes > 0 && std::ssize(answer->body) != artifact.size_bytes)
      return unavailable(
          fmt::format("{} bytes came, {} were promised", answer->body.size(), artifact.size_bytes));
    MARTLET_TRY_SET(const Digest digest, blobs.put(answer->body));
    return tracking::Artifact{artifact.path, digest, std::ssize(answer->body), {}};
  }

  Result<void> look_for_more() override { return {}; }

 private:
  static Experiment read_experiment(const Json& item) {
    Experiment experiment;
    experiment.id = ExperimentId(text_of(item, "experiment_id"));
    experiment.name = text_of(item, "name");
    experiment.created = time_of(item, "creation_time").value_or(Timestamp{});
    experiment.updated = time_of(item, "last_update_time").value_or(experiment.created);
    if (text_of(item, "lifecycle_stage") == "deleted") {
      experiment.lifecycle = tracking::Lifecycle::Deleted;
      experiment.deleted = experiment.updated;  // the last that was done to it
    }
    read_pairs(list_of(item, "tags"), experiment.tags);
    return experiment;
  }

  static void add_model(const Json& item, std::vector<tracking::RunModel>& models) {
    std::string id = text_of(item, "model_id");
    if (is_run_id(id)) models.push_back({std::move(id), integer_of(item, "step").value_or(0)});
  }

  // A search doesn't say which models a run was given (MLflow 3.17); asked for itself, it does.
  Result<void> add_given_models(tracking::Run& run) {
    if (!run.model_inputs.empty()) return {};
    auto answer = reader_.get("/api/2.0/mlflow/runs/get?run_id=" + encoded(run.id.text()));
    if (!answer.has_value()) {
      if (ServerReader::is_answer(answer.error())) return {};  // it was removed meanwhile
      return fail(std::move(answer).error());
    }
    for (const Json& model : list_of(part_of(part_of(*answer, "run"), "inputs"), "model_inputs"))
      add_model(model, run.model_inputs);
    return {};
  }

  std::optional<SourceRun> read_run(const Experiment& experiment, const Json& item) {
    const Json& info = part_of(item, "info");
    const Json& data = part_of(item, "data");
    SourceRun found;
    tracking::Run& run = found.run;
    const std::string id = text_of(info, "run_id");
    const auto status = mlflow_status(text_of(info, "status"));
    if (!is_run_id(id) || !status.has_value()) {
      add_finding(findings_, "run " + id.substr(0, 80), "bad_run",
                  "its id or its status isn't one");
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
    found.owner = {SourceOwner::Kind::Run, experiment.id.text(), id, text_of(info, "artifact_uri"),
                   ""};
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
    for (const Json& model : list_of(part_of(item, "inputs"), "model_inputs"))
      add_model(model, run.model_inputs);
    for (const Json& model : list_of(part_of(item, "outputs"), "model_outputs"))
      add_model(model, run.model_outputs);
    return found;
  }

  Result<void> list_artifacts(const SourceOwner& owner, const std::string& folder, int depth,
                              std::vector<SourceArtifact>& found) {
    const bool of_run = owner.kind == SourceOwner::Kind::Run;
    std::string path = of_run
                           ? "/api/2.0/mlflow/artifacts/list?run_id=" + encoded(owner.id)
                           : fmt::format("/api/2.0/mlflow/logged-models/{}/artifacts/directories",
                                         encoded(owner.id));
    if (!folder.empty())
      path += (of_run ? "&path=" : "?artifact_directory_path=") + encoded(folder);
    return reader_.get_pages(path, [&](const Json& answer) -> Result<void> {
      for (const Json& file : list_of(answer, "files")) {
        const std::string name = text_of(file, "path");
        const auto whole = fmt::format("{} artifact {}", owner.told(), name.substr(0, 200));
        const auto checked = artifacts::check_relative_path(name);
        const bool below = folder.empty() || name.starts_with(folder + "/");
        if (!checked.has_value() || !below) {
          add_finding(findings_, whole, "bad_path", "it is no path of its artifacts");
        } else if (!is_true(file, "is_dir")) {
          found.push_back({name, integer_of(file, "file_size").value_or(0)});
        } else if (depth < kMaxArtifactDepth) {
          MARTLET_TRY(list_artifacts(owner, name, depth + 1, found));
        } else {
          add_finding(findings_, whole, "bad_path", "it lies too deep");
        }
      }
      return {};
    });
  }

  ServerReader reader_;
  Findings& findings_;
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

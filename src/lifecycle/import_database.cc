// Reads MLflow's SQLite database.
#include "artifacts/blob_store.h"
#include "base/text.h"
#include "lifecycle/internal/artifact_folders.h"
#include "lifecycle/internal/database_models.h"
#include "lifecycle/internal/import_source.h"
#include "lifecycle/internal/mlflow_tables.h"
#include "metadata/foreign_file.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

namespace martlet::lifecycle {

namespace {

using metadata::equal;
using metadata::ForeignFile;
using metadata::Query;
using tracking::Experiment;
using tracking::Metric;

template <class R>
Result<void> check_table(const ForeignFile& file) {
  MARTLET_TRY_SET(const std::vector<std::string> missing, file.missing_columns<R>());
  if (missing.empty()) return {};
  return invalid_argument(
      fmt::format("its table {} lacks {}; it is no MLflow database, or one of a version before "
                  "2.4: bring a copy of it up to date with `mlflow db upgrade` and import that",
                  R::kRecord.table, join(missing, ", ")));
}

class DatabaseSource : public ImportSource {
 public:
  DatabaseSource(std::unique_ptr<ForeignFile> file, ArtifactFolders folders, Findings& findings)
      : file_(std::move(file)), folders_(std::move(folders)), findings_(findings) {}

  Result<void> check() const {
    MARTLET_TRY(check_table<mlflow::ExperimentRow>(*file_));
    MARTLET_TRY(check_table<mlflow::ExperimentTagRow>(*file_));
    MARTLET_TRY(check_table<mlflow::RunRow>(*file_));
    MARTLET_TRY(check_table<mlflow::ParamRow>(*file_));
    MARTLET_TRY(check_table<mlflow::TagRow>(*file_));
    MARTLET_TRY(check_table<mlflow::MetricRow>(*file_));
    MARTLET_TRY(check_table<mlflow::DatasetRow>(*file_));
    MARTLET_TRY(check_table<mlflow::InputRow>(*file_));
    return check_table<mlflow::InputTagRow>(*file_);
  }

  std::string_view kind() const override { return "database"; }

  Result<std::vector<Experiment>> experiments() override {
    MARTLET_TRY_SET(const auto rows,
                    file_->select<mlflow::ExperimentRow>(Query().order_by("experiment_id")));
    std::vector<Experiment> found;
    for (const mlflow::ExperimentRow& row : rows) {
      Experiment experiment;
      experiment.id = ExperimentId(std::to_string(row.id));
      experiment.name = row.name.value_or("");
      if (row.lifecycle == "deleted") experiment.lifecycle = tracking::Lifecycle::Deleted;
      experiment.created = time_or(row.created, {});
      experiment.updated = time_or(row.updated, experiment.created);
      // Deleting is the last that was done to it.
      if (experiment.lifecycle == tracking::Lifecycle::Deleted)
        experiment.deleted = experiment.updated;
      MARTLET_TRY_SET(const auto tags,
                      file_->select<mlflow::ExperimentTagRow>(equal("experiment_id", row.id)));
      for (const mlflow::ExperimentTagRow& tag : tags)
        experiment.tags[tag.key] = tag.value.value_or("");
      found.push_back(std::move(experiment));
    }
    return found;
  }

  Result<void> for_each_run(const Experiment& experiment,
                            const std::function<Result<void>(const SourceRun&)>& visit) override {
    const std::string& text = experiment.id.text();  // made by experiments()
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    // The ids first: what the visitor does takes time, and the file's owner may want to write.
    std::vector<std::string> ids;
    MARTLET_TRY(
        file_->for_each<mlflow::RunRow>(Query(equal("experiment_id", number)).order_by("run_uuid"),
                                        [&](const mlflow::RunRow& row) -> Result<void> {
                                          ids.push_back(row.id);
                                          return {};
                                        }));
    for (const std::string& id : ids) {
      MARTLET_TRY_SET(const auto rows, file_->select<mlflow::RunRow>(equal("run_uuid", id)));
      if (rows.empty()) continue;  // removed meanwhile
      MARTLET_TRY_SET(const std::optional<SourceRun> run, read_run(experiment, rows.front()));
      if (run.has_value()) MARTLET_TRY(visit(*run));
    }
    return {};
  }

  Result<void>
  for_each_points(const SourceRun& run,
                  const std::function<Result<void>(std::span<const Metric>)>& visit) override {
    std::vector<Metric> points;
    std::int64_t bad = 0;
    MARTLET_TRY(file_->for_each<mlflow::MetricRow>(
        equal("run_uuid", run.run.id), [&](mlflow::MetricRow row) -> Result<void> {
          const auto at = mlflow_time(row.at);
          if (!at.has_value()) {
            ++bad;
            return {};
          }
          const double value = row.is_nan.value_or(0) != 0
                                   ? std::numeric_limits<double>::quiet_NaN()
                                   : mlflow_value(row.value);
          points.push_back({std::move(row.key), value, row.step, *at});
          if (points.size() < kPointsAtOnce) return {};
          auto visited = visit(points);
          points.clear();
          return visited;
        }));
    if (bad > 0)
      add_finding(findings_, fmt::format("run {} metrics", run.run.id.text()), "bad_point",
                  fmt::format("the times of {} points are out of range; they were left out", bad));
    if (points.empty()) return {};
    return visit(points);
  }

  Result<void> for_each_logged_model(
      const Experiment& experiment,
      const std::function<Result<void>(const SourceLoggedModel&)>& visit) override {
    return database_logged_models(*file_, experiment, findings_, visit);
  }

  Result<void> for_each_registered_model(
      const std::function<Result<void>(const SourceRegisteredModel&)>& visit) override {
    return database_registered_models(*file_, findings_, visit);
  }

  Result<std::vector<SourceArtifact>> artifacts(const SourceOwner& owner) override {
    folder_ = folders_.folder_of(owner);
    if (folder_.empty()) return std::vector<SourceArtifact>();
    return files_below(folder_, owner.told() + " artifact", findings_);
  }

  Result<tracking::Artifact> fetch(const SourceOwner& /*owner*/, const SourceArtifact& artifact,
                                   artifacts::BlobStore& blobs) override {
    MARTLET_TRY_SET(const artifacts::StoredBlob stored,
                    blobs.put_file(join_path(folder_, artifact.path)));
    return tracking::Artifact{
        artifact.path, stored.digest, static_cast<std::int64_t>(stored.size_bytes), {}};
  }

  Result<void> look_for_more() override {
    MARTLET_TRY_SET(const std::int64_t traces, file_->rows_of("trace_info"));
    if (traces > 0)
      add_finding(findings_, "trace_info", "not_imported",
                  fmt::format("{} traces were left out: they are not imported", traces));
    folders_.report_elsewhere(findings_);
    return {};
  }

 private:
  Result<std::optional<SourceRun>> read_run(const Experiment& experiment,
                                            const mlflow::RunRow& row) {
    SourceRun found;
    tracking::Run& run = found.run;
    const auto status = mlflow_status(row.status.value_or(""));
    if (!is_run_id(row.id) || !status.has_value()) {
      add_finding(findings_, "run " + row.id.substr(0, 80), "bad_run",
                  status.has_value()
                      ? "its id isn't one"
                      : fmt::format("its status is \"{}\"", row.status.value_or("").substr(0, 40)));
      return std::optional<SourceRun>();
    }
    run.id = RunId(row.id);
    run.experiment = experiment.id;
    run.name = row.name.value_or("");
    run.user = row.user.value_or("");
    run.status = *status;
    if (row.lifecycle == "deleted") run.lifecycle = tracking::Lifecycle::Deleted;
    if (row.ended.has_value()) run.ended = mlflow_time(*row.ended);
    run.started = time_or(row.started, run.ended.value_or(Timestamp{}));
    if (run.lifecycle == tracking::Lifecycle::Deleted && row.deleted.has_value())
      run.deleted = mlflow_time(*row.deleted);
    found.owner = {SourceOwner::Kind::Run, experiment.id.text(), row.id,
                   row.artifact_uri.value_or(""), ""};
    MARTLET_TRY_SET(const auto params, file_->select<mlflow::ParamRow>(equal("run_uuid", row.id)));
    for (const mlflow::ParamRow& param : params) run.params[param.key] = param.value.value_or("");
    MARTLET_TRY_SET(const auto tags, file_->select<mlflow::TagRow>(equal("run_uuid", row.id)));
    for (const mlflow::TagRow& tag : tags) run.tags[tag.key] = tag.value.value_or("");
    MARTLET_TRY(read_inputs(run));
    MARTLET_TRY(database_run_models(*file_, run));
    return std::optional<SourceRun>(std::move(found));
  }

  Result<void> read_inputs(tracking::Run& run) {
    MARTLET_TRY_SET(const auto inputs,
                    file_->select<mlflow::InputRow>(equal("destination_type", "RUN") &&
                                                    equal("destination_id", run.id) &&
                                                    equal("source_type", "DATASET")));
    for (const mlflow::InputRow& input : inputs) {
      MARTLET_TRY_SET(const auto datasets,
                      file_->select<mlflow::DatasetRow>(equal("dataset_uuid", input.source_id)));
      if (datasets.empty()) {
        add_finding(findings_, fmt::format("run {} inputs", run.id.text()), "bad_dataset",
                    "the database has no dataset " + input.source_id.substr(0, 80));
        continue;
      }
      const mlflow::DatasetRow& dataset = datasets.front();
      tracking::DatasetInput made;
      made.name = dataset.name;
      made.digest = dataset.digest;
      made.details = dataset_details(dataset.source_type.value_or(""), dataset.source.value_or(""),
                                     dataset.schema.value_or(""), dataset.profile.value_or(""));
      MARTLET_TRY_SET(const auto tags,
                      file_->select<mlflow::InputTagRow>(equal("input_uuid", input.id) &&
                                                         equal("name", kContextTag)));
      if (!tags.empty()) made.context = tags.front().value;
      run.inputs.push_back(std::move(made));
    }
    return {};
  }

  std::unique_ptr<ForeignFile> file_;
  ArtifactFolders folders_;
  Findings& findings_;
  std::string folder_;  // of the artifacts that were listed last
};

}  // namespace

Result<std::unique_ptr<ImportSource>> open_database_source(const ImportRequest& request,
                                                           Findings& findings) {
  std::string path = request.source;
  // As MLflow writes them: sqlite:///relative, sqlite:////absolute.
  for (const std::string_view prefix : {"sqlite:///", "sqlite:"}) {
    if (path.starts_with(prefix)) {
      path = path.substr(prefix.size());
      break;
    }
  }
  MARTLET_TRY_SET(std::unique_ptr<ForeignFile> file, ForeignFile::open(path));
  // Where MLflow keeps artifacts unless it is told otherwise: beside the database.
  const std::string beside = parent_path(path).empty() ? "." : parent_path(path);
  ArtifactFolders folders({join_path(beside, "mlruns")},
                          {request.artifacts_directory, join_path(beside, "mlartifacts")});
  auto source = std::make_unique<DatabaseSource>(std::move(file), std::move(folders), findings);
  if (auto checked = source->check(); !checked.has_value())
    return fail(std::move(checked).error().with_context("importing " + path));
  return std::unique_ptr<ImportSource>(std::move(source));
}

}  // namespace martlet::lifecycle

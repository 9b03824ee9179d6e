// Reads MLflow's file store: a folder of experiments, each a folder of runs, each with a meta.yaml
// and one file per param, tag and metric; a key with '/' is a path of folders.
#include "artifacts/blob_store.h"
#include "lifecycle/internal/artifact_folders.h"
#include "lifecycle/internal/file_models.h"
#include "lifecycle/internal/file_store_reader.h"
#include "lifecycle/internal/import_source.h"

#include <fmt/format.h>

#include <map>

namespace martlet::lifecycle {

namespace {

using tracking::Experiment;
using tracking::Metric;

class FileSource : public ImportSource {
 public:
  FileSource(FileSystem& files, std::string root, ArtifactFolders folders, Findings& findings)
      : reader_(files, findings), root_(std::move(root)), folders_(std::move(folders)),
        findings_(findings) {}

  std::string_view kind() const override { return "files"; }

  Result<std::vector<Experiment>> experiments() override {
    std::vector<Experiment> found;
    for (const std::string& parent : {root_, join_path(root_, ".trash")}) {
      for (const std::string& name : reader_.folders_in(parent)) {
        if (name == ".trash" || name == "models") continue;
        const std::string folder = join_path(parent, name);
        auto meta = reader_.meta_of(folder);
        if (!meta.has_value()) continue;
        Experiment experiment;
        experiment.id = ExperimentId(name);
        experiment.name = scalar_of(*meta, "name");
        experiment.created = time_of(*meta, "creation_time").value_or(Timestamp{});
        experiment.updated = time_of(*meta, "last_update_time").value_or(experiment.created);
        if (scalar_of(*meta, "lifecycle_stage") == "deleted") {
          experiment.lifecycle = tracking::Lifecycle::Deleted;
          experiment.deleted = experiment.updated;  // the last that was done to it
        }
        MARTLET_TRY(reader_.read_values(join_path(folder, "tags"), experiment.tags));
        places_[name] = folder;
        found.push_back(std::move(experiment));
      }
    }
    return found;
  }

  Result<void> for_each_run(const Experiment& experiment,
                            const std::function<Result<void>(const SourceRun&)>& visit) override {
    const std::string& folder = places_.at(experiment.id.text());
    for (const std::string& name : reader_.folders_in(folder)) {
      // What lies beside the runs; traces are counted by nobody.
      if (name == "tags" || name == "datasets" || name == "models" || name == "traces") continue;
      const std::string place = join_path(folder, name);
      const auto meta = reader_.meta_of(place);
      if (!meta.has_value()) continue;
      MARTLET_TRY_SET(const std::optional<SourceRun> run, read_run(experiment, place, name, *meta));
      if (run.has_value()) MARTLET_TRY(visit(*run));
    }
    return {};
  }

  Result<void>
  for_each_points(const SourceRun& run,
                  const std::function<Result<void>(std::span<const Metric>)>& visit) override {
    std::vector<std::string> keys;
    MARTLET_TRY(reader_.list_keys(join_path(run.owner.place, "metrics"), keys));
    std::vector<Metric> points;
    for (const std::string& key : keys) MARTLET_TRY(read_points(run, key, points, visit));
    if (points.empty()) return {};
    return visit(points);
  }

  Result<void> for_each_logged_model(
      const Experiment& experiment,
      const std::function<Result<void>(const SourceLoggedModel&)>& visit) override {
    return file_logged_models(reader_, places_.at(experiment.id.text()), experiment, findings_,
                              visit);
  }

  Result<void> for_each_registered_model(
      const std::function<Result<void>(const SourceRegisteredModel&)>& visit) override {
    return file_registered_models(reader_, join_path(root_, "models"), findings_, visit);
  }

  Result<std::vector<SourceArtifact>> artifacts(const SourceOwner& owner) override {
    std::string folder = join_path(owner.place, "artifacts");
    if (!FileStoreReader::is_folder(folder)) folder = folders_.folder_of(owner);
    folder_ = folder;
    if (folder.empty()) return std::vector<SourceArtifact>();
    return files_below(folder, owner.told() + " artifact", findings_);
  }

  Result<tracking::Artifact> fetch(const SourceOwner& /*owner*/, const SourceArtifact& artifact,
                                   artifacts::BlobStore& blobs) override {
    MARTLET_TRY_SET(const artifacts::StoredBlob stored,
                    blobs.put_file(join_path(folder_, artifact.path)));
    return tracking::Artifact{
        artifact.path, stored.digest, static_cast<std::int64_t>(stored.size_bytes), {}};
  }

  Result<void> look_for_more() override {
    folders_.report_elsewhere(findings_);
    return {};
  }

 private:
  Result<std::optional<SourceRun>> read_run(const Experiment& experiment, const std::string& place,
                                            const std::string& name, const Yaml& meta) {
    SourceRun found;
    tracking::Run& run = found.run;
    const std::string id = scalar_of(meta, "run_id");
    run.id = RunId(id.empty() ? scalar_of(meta, "run_uuid") : id);
    if (run.id.text() != name || !is_run_id(name)) {
      add_finding(findings_, place, "bad_run",
                  fmt::format("its meta.yaml says run \"{}\"", run.id.text().substr(0, 80)));
      return std::optional<SourceRun>();
    }
    run.experiment = experiment.id;
    found.owner = {SourceOwner::Kind::Run, experiment.id.text(), name,
                   scalar_of(meta, "artifact_uri"), place};
    run.name = scalar_of(meta, "run_name");
    run.user = scalar_of(meta, "user_id");
    const std::string status = scalar_of(meta, "status");
    const auto known = mlflow_status(status);
    if (!known.has_value()) {
      add_finding(findings_, place, "bad_run",
                  fmt::format("its status is \"{}\"", status.substr(0, 40)));
      return std::optional<SourceRun>();
    }
    run.status = *known;
    if (scalar_of(meta, "lifecycle_stage") == "deleted")
      run.lifecycle = tracking::Lifecycle::Deleted;
    if (run.lifecycle == tracking::Lifecycle::Deleted) run.deleted = time_of(meta, "deleted_time");
    run.ended = time_of(meta, "end_time");
    run.started = time_of(meta, "start_time").value_or(run.ended.value_or(Timestamp{}));
    MARTLET_TRY(reader_.read_values(join_path(place, "params"), run.params));
    MARTLET_TRY(reader_.read_values(join_path(place, "tags"), run.tags));
    read_inputs(parent_path(place), found);
    read_outputs(found);
    return std::optional<SourceRun>(std::move(found));
  }

  void read_inputs(const std::string& experiment, SourceRun& found) {
    const std::string folder = join_path(found.owner.place, "inputs");
    for (const std::string& name : reader_.folders_in(folder)) {
      const auto input = reader_.meta_of(join_path(folder, name));
      if (!input.has_value()) continue;
      const std::string kind = scalar_of(*input, "source_type");
      const std::string id = scalar_of(*input, "source_id");
      if (kind == "MODEL" && is_run_id(id)) found.run.model_inputs.push_back({id, 0});
      if (kind != "DATASET") continue;
      // It becomes part of a path.
      if (!is_run_id(id)) {
        add_finding(findings_, join_path(folder, name), "bad_dataset", "it names no dataset");
        continue;
      }
      const auto dataset = reader_.meta_of(join_path(join_path(experiment, "datasets"), id));
      if (!dataset.has_value()) continue;
      tracking::DatasetInput made;
      made.name = scalar_of(*dataset, "name");
      made.digest = scalar_of(*dataset, "digest");
      if (const Yaml* tags = input->find("tags"); tags != nullptr)
        made.context = scalar_of(*tags, kContextTag);
      made.details =
          dataset_details(scalar_of(*dataset, "source_type"), scalar_of(*dataset, "source"),
                          scalar_of(*dataset, "schema"), scalar_of(*dataset, "profile"));
      found.run.inputs.push_back(std::move(made));
    }
  }

  // Each is a folder of the model's id.
  void read_outputs(SourceRun& found) {
    const std::string folder = join_path(found.owner.place, "outputs");
    for (const std::string& name : reader_.folders_in(folder)) {
      const auto output = reader_.meta_of(join_path(folder, name));
      if (output.has_value() && is_run_id(name))
        found.run.model_outputs.push_back({name, integer_of(*output, "step").value_or(0)});
    }
  }

  Result<void> read_points(const SourceRun& run, const std::string& key,
                           std::vector<Metric>& points,
                           const std::function<Result<void>(std::span<const Metric>)>& visit) {
    const std::string path = join_path(join_path(run.owner.place, "metrics"), key);
    MARTLET_TRY_SET(const std::int64_t bad,
                    reader_.for_each_line(path, [&](std::string_view line) -> Result<bool> {
                      auto point = point_of(key, line);
                      if (!point.has_value()) return false;
                      points.push_back(std::move(*point));
                      if (points.size() < kPointsAtOnce) return true;
                      MARTLET_TRY(visit(points));
                      points.clear();
                      return true;
                    }));
    if (bad > 0)
      add_finding(
          findings_, path, "bad_point",
          fmt::format("{} of its lines are no points (time, value, step); they were left out",
                      bad));
    return {};
  }

  FileStoreReader reader_;
  std::string root_;
  ArtifactFolders folders_;
  Findings& findings_;
  std::map<std::string, std::string> places_;  // folders of experiments, by id
  std::string folder_;                         // of the artifacts that were listed last
};

}  // namespace

Result<std::unique_ptr<ImportSource>>
open_file_source(FileSystem& files, const ImportRequest& request, Findings& findings) {
  std::string root = request.source;
  // The folder that holds mlruns is named as often.
  if (FileStoreReader::is_folder(join_path(root, "mlruns"))) root = join_path(root, "mlruns");
  const FileStoreReader reader(files, findings);
  bool has_experiment = false;
  for (const std::string& name : reader.folders_in(root))
    has_experiment = has_experiment || files.exists(join_path(join_path(root, name), "meta.yaml"));
  if (!has_experiment) {
    return invalid_argument(fmt::format(
        "importing {}: it is no MLflow store: none of its folders has a meta.yaml; name the folder "
        "\"mlruns\", a database (sqlite:///PATH) or a server (http://HOST:PORT)",
        request.source));
  }
  ArtifactFolders folders({root}, {request.artifacts_directory});
  return std::unique_ptr<ImportSource>(
      std::make_unique<FileSource>(files, std::move(root), std::move(folders), findings));
}

}  // namespace martlet::lifecycle

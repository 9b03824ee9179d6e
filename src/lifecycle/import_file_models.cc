// Reads the logged and registered models of MLflow's file store.
#include "base/quantity.h"
#include "base/text.h"
#include "lifecycle/internal/file_models.h"

#include <fmt/format.h>

namespace martlet::lifecycle {

namespace {

constexpr std::string_view kVersionFolder = "version-";

// "1700000000000 0.5 1 RUN", and the dataset's name and digest where it was measured on one.
std::optional<tracking::LoggedModelMetric>
measured_of(const std::string& model, const std::string& key, std::string_view line) {
  const auto point = point_of(key, line);
  const std::vector<std::string_view> words = split(line, ' ');
  if (!point.has_value() || (words.size() != 4 && words.size() != 6)) return std::nullopt;
  tracking::LoggedModelMetric made;
  made.measured.model = model;
  made.measured.metric = *point;
  made.run = RunId(std::string(words[3]));
  if (words.size() == 6) {
    made.measured.dataset_name = std::string(words[4]);
    made.measured.dataset_digest = std::string(words[5]);
  }
  return made;
}

Result<void> read_metrics(FileStoreReader& reader, const std::string& place,
                          tracking::LoggedModel& model, Findings& findings) {
  const std::string folder = join_path(place, "metrics");
  std::vector<std::string> keys;
  MARTLET_TRY(reader.list_keys(folder, keys));
  for (const std::string& key : keys) {
    const std::string path = join_path(folder, key);
    MARTLET_TRY_SET(const std::int64_t bad,
                    reader.for_each_line(path, [&](std::string_view line) -> Result<bool> {
                      auto metric = measured_of(model.id, key, line);
                      if (metric.has_value()) model.metrics.push_back(std::move(*metric));
                      return metric.has_value();
                    }));
    if (bad > 0)
      add_finding(
          findings, path, "bad_point",
          fmt::format("{} of its lines are no points (time, value, step, run); they were left "
                      "out",
                      bad));
  }
  return {};
}

Result<std::optional<SourceLoggedModel>> read_model(FileStoreReader& reader,
                                                    const tracking::Experiment& experiment,
                                                    const std::string& place,
                                                    const std::string& name, const Yaml& meta,
                                                    Findings& findings) {
  SourceLoggedModel found;
  tracking::LoggedModel& model = found.model;
  const auto status = mlflow_model_status(scalar_of(meta, "status"));
  if (scalar_of(meta, "model_id") != name || !is_run_id(name) || !status.has_value()) {
    add_finding(findings, place, "bad_model",
                fmt::format("its meta.yaml says logged model \"{}\" with the status \"{}\"",
                            scalar_of(meta, "model_id").substr(0, 80),
                            scalar_of(meta, "status").substr(0, 40)));
    return std::optional<SourceLoggedModel>();
  }
  model.id = name;
  model.experiment = experiment.id;
  model.name = scalar_of(meta, "name");
  model.type = scalar_of(meta, "model_type");
  model.source_run = RunId(scalar_of(meta, "source_run_id"));
  model.status = *status;
  model.status_message = scalar_of(meta, "status_message");
  if (scalar_of(meta, "lifecycle_stage") == "deleted")
    model.lifecycle = tracking::Lifecycle::Deleted;
  model.created = time_of(meta, "creation_timestamp").value_or(Timestamp{});
  model.updated = time_of(meta, "last_updated_timestamp").value_or(model.created);
  found.owner = {SourceOwner::Kind::LoggedModel, experiment.id.text(), name,
                 scalar_of(meta, "artifact_location"), place};
  MARTLET_TRY(reader.read_values(join_path(place, "params"), model.params));
  MARTLET_TRY(reader.read_values(join_path(place, "tags"), model.tags));
  if (const auto user = model.tags.find("mlflow.user"); user != model.tags.end())
    model.creator = user->second;
  MARTLET_TRY(read_metrics(reader, place, model, findings));
  return std::optional<SourceLoggedModel>(std::move(found));
}

Result<void> read_one_version(FileStoreReader& reader, const std::string& place,
                              SourceRegisteredModel& found, Findings& findings) {
  const auto meta = reader.meta_of(place);
  if (!meta.has_value() || scalar_of(*meta, "current_stage") == kDeletedStage) return {};
  SourceVersion version;
  registry::ModelVersion& made = version.version;
  const auto wrong = read_version({found.model.name.text(), scalar_of(*meta, "version"),
                                   scalar_of(*meta, "source"), scalar_of(*meta, "run_id"),
                                   scalar_of(*meta, "current_stage"), scalar_of(*meta, "status")},
                                  made);
  if (wrong.has_value()) {
    add_finding(findings, place, "bad_version", *wrong);
    return {};
  }
  made.created = time_of(*meta, "creation_timestamp").value_or(Timestamp{});
  made.updated = time_of(*meta, "last_updated_timestamp").value_or(made.created);
  made.description = scalar_of(*meta, "description");
  made.created_by = scalar_of(*meta, "user_id");
  made.run_link = scalar_of(*meta, "run_link");
  made.status_message = scalar_of(*meta, "status_message");
  made.model_id = scalar_of(*meta, "model_id");
  version.storage = scalar_of(*meta, "storage_location");
  MARTLET_TRY(reader.read_values(join_path(place, "tags"), made.tags));
  found.versions.push_back(std::move(version));
  return {};
}

}  // namespace

Result<void>
file_logged_models(FileStoreReader& reader, const std::string& folder,
                   const tracking::Experiment& experiment, Findings& findings,
                   const std::function<Result<void>(const SourceLoggedModel&)>& visit) {
  const std::string models = join_path(folder, "models");
  for (const std::string& name : reader.folders_in(models)) {
    const std::string place = join_path(models, name);
    const auto meta = reader.meta_of(place);
    if (!meta.has_value()) continue;
    MARTLET_TRY_SET(const auto model, read_model(reader, experiment, place, name, *meta, findings));
    if (model.has_value()) MARTLET_TRY(visit(*model));
  }
  return {};
}

Result<void>
file_registered_models(FileStoreReader& reader, const std::string& folder, Findings& findings,
                       const std::function<Result<void>(const SourceRegisteredModel&)>& visit) {
  for (const std::string& folder_name : reader.folders_in(folder)) {
    const std::string place = join_path(folder, folder_name);
    const auto meta = reader.meta_of(place);
    if (!meta.has_value()) continue;
    SourceRegisteredModel found;
    auto name = registry::ModelName::parse(scalar_of(*meta, "name"));
    if (!name.has_value() || name->text() != folder_name) {
      add_finding(findings, place, "bad_name",
                  name.has_value() ? fmt::format("its meta.yaml says model \"{}\"", name->text())
                                   : name.error().message());
      continue;
    }
    found.model.name = std::move(*name);
    found.model.description = scalar_of(*meta, "description");
    found.model.created = time_of(*meta, "creation_timestamp").value_or(Timestamp{});
    found.model.updated = time_of(*meta, "last_updated_timestamp").value_or(found.model.created);
    MARTLET_TRY(reader.read_values(join_path(place, "tags"), found.model.tags));
    tracking::Texts aliases;
    MARTLET_TRY(reader.read_values(join_path(place, "aliases"), aliases));
    for (const auto& [alias, version] : aliases) {
      const auto number = parse_integer(version);
      read_alias(found.model, alias, number.value_or(0), findings);
    }
    for (const std::string& child : reader.folders_in(place)) {
      if (child.starts_with(kVersionFolder))
        MARTLET_TRY(read_one_version(reader, join_path(place, child), found, findings));
    }
    sort_by_number(found.versions);
    MARTLET_TRY(visit(found));
  }
  return {};
}

}  // namespace martlet::lifecycle

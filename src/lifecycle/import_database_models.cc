// Reads the logged and registered models of MLflow's SQLite database.
#include "base/text.h"
#include "lifecycle/internal/database_models.h"
#include "lifecycle/internal/mlflow_model_tables.h"
#include "metadata/foreign_file.h"

#include <fmt/format.h>

#include <charconv>

namespace martlet::lifecycle {

namespace {

using metadata::equal;
using metadata::ForeignFile;
using metadata::Query;

// Whether there are such tables. One that lacks a column of all is told.
template <class... R>
Result<bool> has_tables(const ForeignFile& file, Findings& findings) {
  std::vector<std::string> lacking;
  bool none = true;
  const auto look = [&]<class One>(One*) -> Result<void> {
    MARTLET_TRY_SET(const auto columns, file.columns_of(std::string(One::kRecord.table)));
    MARTLET_TRY_SET(const auto missing, file.missing_columns<One>());
    none = none && columns.empty();
    if (!missing.empty())
      lacking.push_back(fmt::format("{} ({})", One::kRecord.table, join(missing, ", ")));
    return {};
  };
  Result<void> looked;
  (void)((looked = look(static_cast<R*>(nullptr))).has_value() && ...);
  MARTLET_TRY(std::move(looked));
  if (none) return false;
  if (lacking.empty()) return true;
  add_finding(findings, "models", "unreadable",
              fmt::format("the database lacks {}; bring a copy of it up to date with `mlflow db "
                          "upgrade` and import that",
                          join(lacking, ", ")));
  return false;
}

Result<std::optional<SourceLoggedModel>> read_model(const ForeignFile& file,
                                                    const tracking::Experiment& experiment,
                                                    const mlflow::LoggedModelRow& row,
                                                    Findings& findings) {
  SourceLoggedModel found;
  tracking::LoggedModel& model = found.model;
  const auto status = mlflow_model_status(std::to_string(row.status));
  if (!is_run_id(row.id) || !status.has_value()) {
    add_finding(findings, "logged model " + row.id.substr(0, 80), "bad_model",
                "its id or its status isn't one");
    return std::optional<SourceLoggedModel>();
  }
  model.id = row.id;
  model.experiment = experiment.id;
  model.name = row.name;
  model.type = row.type.value_or("");
  model.source_run = RunId(row.source_run.value_or(""));
  model.status = *status;
  model.status_message = row.status_message.value_or("");
  if (row.lifecycle == "deleted") model.lifecycle = tracking::Lifecycle::Deleted;
  model.created = mlflow_time(row.created).value_or(Timestamp{});
  model.updated = mlflow_time(row.updated).value_or(model.created);
  found.owner = {SourceOwner::Kind::LoggedModel, experiment.id.text(), row.id,
                 row.artifact_location, ""};
  const auto of_model = equal("model_id", row.id);
  MARTLET_TRY_SET(const auto params, file.select<mlflow::LoggedModelParamRow>(of_model));
  for (const auto& param : params) model.params[param.key] = param.value;
  MARTLET_TRY_SET(const auto tags, file.select<mlflow::LoggedModelTagRow>(of_model));
  for (const auto& tag : tags) model.tags[tag.key] = tag.value;
  if (const auto user = model.tags.find("mlflow.user"); user != model.tags.end())
    model.creator = user->second;
  MARTLET_TRY_SET(const auto metrics, file.select<mlflow::LoggedModelMetricRow>(of_model));
  for (const auto& metric : metrics) {
    const auto at = mlflow_time(metric.at);
    if (!at.has_value()) {
      add_finding(findings, found.owner.told() + " metrics", "bad_point",
                  "the time of a metric is out of range; it was left out");
      continue;
    }
    model.metrics.push_back({{row.id,
                              {metric.key, mlflow_value(metric.value), metric.step, *at},
                              metric.dataset_name.value_or(""),
                              metric.dataset_digest.value_or("")},
                             RunId(metric.run)});
  }
  return std::optional<SourceLoggedModel>(std::move(found));
}

Result<void> read_versions(const ForeignFile& file, SourceRegisteredModel& found,
                           Findings& findings) {
  const std::string& name = found.model.name.text();
  MARTLET_TRY_SET(const auto rows, file.select<mlflow::ModelVersionRow>(
                                       Query(equal("name", name)).order_by("version")));
  for (const mlflow::ModelVersionRow& row : rows) {
    if (row.stage == kDeletedStage) continue;
    SourceVersion version;
    const auto wrong =
        read_version({name, std::to_string(row.version), row.source.value_or(""),
                      row.run.value_or(""), row.stage.value_or(""), row.status.value_or("")},
                     version.version);
    if (wrong.has_value()) {
      add_finding(findings, fmt::format("version {}/{}", name, row.version), "bad_version", *wrong);
      continue;
    }
    registry::ModelVersion& made = version.version;
    made.created = time_or(row.created, {});
    made.updated = time_or(row.updated, made.created);
    made.description = row.description.value_or("");
    made.created_by = row.user.value_or("");
    made.run_link = row.run_link.value_or("");
    made.status_message = row.status_message.value_or("");
    version.storage = row.storage.value_or("");
    MARTLET_TRY_SET(const auto tags, file.select<mlflow::ModelVersionTagRow>(
                                         equal("name", name) && equal("version", row.version)));
    for (const auto& tag : tags) made.tags[tag.key] = tag.value.value_or("");
    found.versions.push_back(std::move(version));
  }
  return {};
}

}  // namespace

Result<void>
database_logged_models(const ForeignFile& file, const tracking::Experiment& experiment,
                       Findings& findings,
                       const std::function<Result<void>(const SourceLoggedModel&)>& visit) {
  MARTLET_TRY_SET(
      const bool there,
      (has_tables<mlflow::LoggedModelRow, mlflow::LoggedModelParamRow, mlflow::LoggedModelTagRow,
                  mlflow::LoggedModelMetricRow>(file, findings)));
  if (!there) return {};
  const std::string& text = experiment.id.text();  // made by the source
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  MARTLET_TRY_SET(const auto rows, file.select<mlflow::LoggedModelRow>(
                                       Query(equal("experiment_id", number)).order_by("model_id")));
  for (const mlflow::LoggedModelRow& row : rows) {
    MARTLET_TRY_SET(const auto model, read_model(file, experiment, row, findings));
    if (model.has_value()) MARTLET_TRY(visit(*model));
  }
  return {};
}

Result<void>
database_registered_models(const ForeignFile& file, Findings& findings,
                           const std::function<Result<void>(const SourceRegisteredModel&)>& visit) {
  MARTLET_TRY_SET(
      const bool there,
      (has_tables<mlflow::RegisteredModelRow, mlflow::RegisteredModelTagRow, mlflow::AliasRow,
                  mlflow::ModelVersionRow, mlflow::ModelVersionTagRow>(file, findings)));
  if (!there) return {};
  MARTLET_TRY_SET(const auto rows,
                  file.select<mlflow::RegisteredModelRow>(Query().order_by("name")));
  for (const mlflow::RegisteredModelRow& row : rows) {
    SourceRegisteredModel found;
    auto name = registry::ModelName::parse(row.name);
    if (!name.has_value()) {
      add_finding(findings, "model " + row.name.substr(0, 80), "bad_name", name.error().message());
      continue;
    }
    found.model.name = std::move(*name);
    found.model.description = row.description.value_or("");
    found.model.created = time_or(row.created, {});
    found.model.updated = time_or(row.updated, found.model.created);
    const auto of_model = equal("name", row.name);
    MARTLET_TRY_SET(const auto tags, file.select<mlflow::RegisteredModelTagRow>(of_model));
    for (const auto& tag : tags) found.model.tags[tag.key] = tag.value.value_or("");
    MARTLET_TRY_SET(const auto aliases, file.select<mlflow::AliasRow>(of_model));
    for (const auto& alias : aliases) read_alias(found.model, alias.alias, alias.version, findings);
    MARTLET_TRY(read_versions(file, found, findings));
    MARTLET_TRY(visit(found));
  }
  return {};
}

Result<void> database_run_models(const ForeignFile& file, tracking::Run& run) {
  MARTLET_TRY_SET(const auto missing, file.missing_columns<mlflow::ModelLinkRow>());
  if (!missing.empty()) return {};  // of a version before MLflow 3
  for (const bool made : {false, true}) {
    MARTLET_TRY_SET(
        const auto links,
        file.select<mlflow::ModelLinkRow>(
            equal("source_type", std::string(made ? "RUN_OUTPUT" : "RUN_INPUT")) &&
            equal("source_id", run.id) &&
            equal("destination_type", std::string(made ? "MODEL_OUTPUT" : "MODEL_INPUT"))));
    for (const auto& link : links) {
      if (!is_run_id(link.destination)) continue;
      (made ? run.model_outputs : run.model_inputs).push_back({link.destination, link.step});
    }
  }
  return {};
}

}  // namespace martlet::lifecycle

// Reads the logged and registered models of an MLflow server by its REST API 2.0.
#include "lifecycle/internal/server_models.h"
#include "registry/version_source.h"

#include <fmt/format.h>

#include <map>

namespace martlet::lifecycle {

namespace {

constexpr int kPageOfLoggedModels = 50;  // as MLflow's own client asks
constexpr int kPageOfModels = 100;
constexpr int kPageOfVersions = 10'000;

std::optional<SourceLoggedModel> read_model(const tracking::Experiment& experiment,
                                            const Json& item, Findings& findings) {
  const Json& info = part_of(item, "info");
  const Json& data = part_of(item, "data");
  SourceLoggedModel found;
  tracking::LoggedModel& model = found.model;
  model.id = text_of(info, "model_id");
  const auto status = mlflow_model_status(text_of(info, "status"));
  if (!is_run_id(model.id) || !status.has_value()) {
    add_finding(findings, "logged model " + model.id.substr(0, 80), "bad_model",
                "its id or its status isn't one");
    return std::nullopt;
  }
  model.experiment = experiment.id;
  model.name = text_of(info, "name");
  model.type = text_of(info, "model_type");
  model.source_run = RunId(text_of(info, "source_run_id"));
  model.status = *status;
  model.status_message = text_of(info, "status_message");
  model.created = time_of(info, "creation_timestamp_ms").value_or(Timestamp{});
  model.updated = time_of(info, "last_updated_timestamp_ms").value_or(model.created);
  read_pairs(list_of(info, "tags"), model.tags);
  read_pairs(list_of(data, "params"), model.params);
  if (const auto user = model.tags.find("mlflow.user"); user != model.tags.end())
    model.creator = user->second;
  found.owner = {SourceOwner::Kind::LoggedModel, experiment.id.text(), model.id,
                 text_of(info, "artifact_uri"), ""};
  for (const Json& metric : list_of(data, "metrics")) {
    const auto value = number_of(metric, "value");
    const auto at = time_of(metric, "timestamp");
    if (!value.has_value() || !at.has_value()) {
      add_finding(findings, found.owner.told() + " metrics", "bad_point",
                  "a metric has no time or no value; it was left out");
      continue;
    }
    model.metrics.push_back(
        {{model.id,
          {text_of(metric, "key"), *value, integer_of(metric, "step").value_or(0), *at},
          text_of(metric, "dataset_name"),
          text_of(metric, "dataset_digest")},
         RunId(text_of(metric, "run_id"))});
  }
  return found;
}

// A number, or the text of one.
std::string number_text(const Json& item, const char* key) {
  const auto number = integer_of(item, key);
  return number.has_value() ? std::to_string(*number) : text_of(item, key);
}

std::optional<SourceVersion> read_one_version(const Json& item, Findings& findings) {
  SourceVersion version;
  registry::ModelVersion& made = version.version;
  const std::string name = text_of(item, "name");
  const std::string number = number_text(item, "version");
  const auto wrong = read_version({name, number, text_of(item, "source"), text_of(item, "run_id"),
                                   text_of(item, "current_stage"), text_of(item, "status")},
                                  made);
  if (wrong.has_value()) {
    add_finding(findings, fmt::format("version {}/{}", name.substr(0, 80), number.substr(0, 40)),
                "bad_version", *wrong);
    return std::nullopt;
  }
  made.created = time_of(item, "creation_timestamp").value_or(Timestamp{});
  made.updated = time_of(item, "last_updated_timestamp").value_or(made.created);
  made.description = text_of(item, "description");
  made.created_by = text_of(item, "user_id");
  made.run_link = text_of(item, "run_link");
  made.status_message = text_of(item, "status_message");
  made.model_id = text_of(item, "model_id");
  read_pairs(list_of(item, "tags"), made.tags);
  return version;
}

// Where the files of a copy are, which its source doesn't say.
Result<void> find_storage(ServerReader& reader, SourceVersion& version, Findings& findings) {
  const registry::ModelVersion& made = version.version;
  if (!made.source.starts_with("models:/") || !registry::logged_model_of(made.source).empty())
    return {};
  const auto answer =
      reader.get(fmt::format("/api/2.0/mlflow/model-versions/get-download-uri?name={}&version={}",
                             encoded(made.model.text()), made.version.number));
  if (answer.has_value()) {
    version.storage = text_of(*answer, "artifact_uri");
    return {};
  }
  if (!ServerReader::is_answer(answer.error())) return fail(Error(answer.error()));
  add_finding(findings, "version " + registry::to_text(made.model, made.version),
              "artifacts_unreadable",
              "the server doesn't say where its files are: " + answer.error().message());
  return {};
}

}  // namespace

Result<void>
server_logged_models(ServerReader& reader, const tracking::Experiment& experiment,
                     Findings& findings,
                     const std::function<Result<void>(const SourceLoggedModel&)>& visit) {
  auto read = reader.pages("/api/2.0/mlflow/logged-models/search",
                           Json{{"experiment_ids", Json::array({experiment.id.text()})},
                                {"max_results", kPageOfLoggedModels}},
                           [&](const Json& page) -> Result<void> {
                             for (const Json& item : list_of(page, "models")) {
                               const auto model = read_model(experiment, item, findings);
                               if (model.has_value()) MARTLET_TRY(visit(*model));
                             }
                             return {};
                           });
  // A server of before MLflow 3 has none.
  if (!read.has_value() && read.error().code() == ErrorCode::NotFound) return {};
  return read;
}

Result<void>
server_registered_models(ServerReader& reader, Findings& findings,
                         const std::function<Result<void>(const SourceRegisteredModel&)>& visit) {
  // All of them, since a filter by name can't hold every name.
  std::map<std::string, std::vector<SourceVersion>> versions;
  auto read = reader.get_pages(
      fmt::format("/api/2.0/mlflow/model-versions/search?max_results={}", kPageOfVersions),
      [&](const Json& page) -> Result<void> {
        for (const Json& item : list_of(page, "model_versions")) {
          auto version = read_one_version(item, findings);
          if (!version.has_value()) continue;
          MARTLET_TRY(find_storage(reader, *version, findings));
          versions[version->version.model.text()].push_back(std::move(*version));
        }
        return {};
      });
  // A server of tracking alone has no registry.
  if (!read.has_value() && read.error().code() == ErrorCode::NotFound) return {};
  MARTLET_TRY(std::move(read));
  return reader.get_pages(
      fmt::format("/api/2.0/mlflow/registered-models/search?max_results={}", kPageOfModels),
      [&](const Json& page) -> Result<void> {
        for (const Json& item : list_of(page, "registered_models")) {
          SourceRegisteredModel found;
          auto name = registry::ModelName::parse(text_of(item, "name"));
          if (!name.has_value()) {
            add_finding(findings, "model " + text_of(item, "name").substr(0, 80), "bad_name",
                        name.error().message());
            continue;
          }
          found.model.name = std::move(*name);
          found.model.description = text_of(item, "description");
          found.model.created = time_of(item, "creation_timestamp").value_or(Timestamp{});
          found.model.updated =
              time_of(item, "last_updated_timestamp").value_or(found.model.created);
          read_pairs(list_of(item, "tags"), found.model.tags);
          for (const Json& alias : list_of(item, "aliases"))
            read_alias(found.model, text_of(alias, "alias"),
                       integer_of(alias, "version").value_or(0), findings);
          found.versions = std::move(versions[found.model.name.text()]);
          sort_by_number(found.versions);
          MARTLET_TRY(visit(found));
        }
        return {};
      });
}

}  // namespace martlet::lifecycle

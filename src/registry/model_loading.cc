#include "registry/internal/model_loading.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace martlet::registry {

namespace {

using metadata::ReadTransaction;

constexpr std::size_t kAtOnce = 500;  // models whose aliases are fetched by one statement

// Stored names were checked when they were written.
Result<ModelName> stored_model(const std::string& text) {
  auto name = ModelName::parse(text);
  if (!name.has_value()) return corrupt("the registry holds a bad name: " + name.error().message());
  return name;
}

// By model, in the order of their environments and names.
Result<std::map<std::string, std::vector<ModelAlias>>>
aliases_of(const ReadTransaction& tx, const std::set<std::string>& models) {
  std::map<std::string, std::vector<ModelAlias>> found;
  const std::vector<std::string> names(models.begin(), models.end());
  for (std::size_t begin = 0; begin < names.size(); begin += kAtOnce) {
    const std::vector<std::string> some(
        names.begin() + static_cast<std::ptrdiff_t>(begin),
        names.begin() + static_cast<std::ptrdiff_t>(std::min(begin + kAtOnce, names.size())));
    MARTLET_TRY_SET(const auto records,
                    tx.select<AliasRecord>(metadata::Query(metadata::in("model", some))
                                               .order_by("model")
                                               .order_by("environment")
                                               .order_by("alias")));
    for (const AliasRecord& record : records) {
      auto alias = Alias::parse(record.alias);
      if (!alias.has_value())
        return corrupt("the registry holds a bad name: " + alias.error().message());
      found[record.model].push_back({record.environment, std::move(*alias), {record.version}});
    }
  }
  return found;
}

}  // namespace

Texts texts_of(const Json& object) {
  Texts texts;
  for (const auto& [key, value] : object.items())
    texts[key] = value.is_string() ? value.get<std::string>() : martlet::to_text(value);
  return texts;
}

Json json_of(const Texts& texts) {
  Json object = Json::object();
  for (const auto& [key, value] : texts) object[key] = value;
  return object;
}

Result<ModelRecord> require_model(const ReadTransaction& tx, const ModelName& name) {
  MARTLET_TRY_SET(std::optional<ModelRecord> record, tx.get<ModelRecord>(name.text()));
  if (record.has_value()) return std::move(*record);
  return not_found(
      fmt::format("Registered Model with name={} not found; `martlet models list` shows those that "
                  "exist",
                  name.text()));
}

Result<VersionRecord> require_version(const ReadTransaction& tx, const ModelName& model,
                                      Version version) {
  MARTLET_TRY_SET(std::optional<VersionRecord> record,
                  tx.get<VersionRecord>(model.text(), version.number));
  if (record.has_value()) return std::move(*record);
  return not_found(fmt::format(
      "Model Version (name={}, version={}) not found; `martlet models list` shows those "
      "that exist",
      model.text(), version.number));
}

Result<std::vector<RegisteredModel>> models_of(const ReadTransaction& tx,
                                               const std::vector<ModelRecord>& records) {
  std::set<std::string> names;
  for (const ModelRecord& record : records) names.insert(record.name);
  MARTLET_TRY_SET(auto aliases, aliases_of(tx, names));
  std::vector<RegisteredModel> models;
  for (const ModelRecord& record : records) {
    RegisteredModel model;
    MARTLET_TRY_SET(model.name, stored_model(record.name));
    model.description = record.description;
    model.tags = texts_of(record.tags);
    model.created = record.created;
    model.updated = record.updated;
    model.last = {record.last_version};
    model.created_by = record.created_by;
    model.aliases = std::move(aliases[record.name]);
    models.push_back(std::move(model));
  }
  return models;
}

Result<std::vector<ModelVersion>> versions_of(const ReadTransaction& tx,
                                              const std::vector<VersionRecord>& records) {
  std::set<std::string> names;
  for (const VersionRecord& record : records) names.insert(record.model);
  MARTLET_TRY_SET(const auto aliases, aliases_of(tx, names));
  std::map<std::pair<std::string, std::int64_t>, std::vector<AliasTarget>> targets;
  for (const auto& [model, all] : aliases) {
    for (const ModelAlias& each : all)
      targets[{model, each.version.number}].push_back({each.environment, each.alias});
  }
  std::vector<ModelVersion> versions;
  for (const VersionRecord& record : records) {
    ModelVersion version;
    MARTLET_TRY_SET(version.model, stored_model(record.model));
    version.version = {record.number};
    version.package = record.package;
    version.run = record.run;
    version.status = record.status;
    version.description = record.description;
    version.tags = texts_of(record.tags);
    version.created = record.created;
    version.updated = record.updated;
    version.created_by = record.created_by;
    version.source = record.source;
    version.location = record.location;
    version.run_link = record.run_link;
    version.model_id = record.model_id;
    version.stage = record.stage;
    version.status_message = record.status_message;
    const auto pointing = targets.find({record.model, record.number});
    if (pointing != targets.end()) version.aliases = pointing->second;
    versions.push_back(std::move(version));
  }
  return versions;
}

Result<RegisteredModel> model_of(const ReadTransaction& tx, const ModelRecord& record) {
  MARTLET_TRY_SET(std::vector<RegisteredModel> models, models_of(tx, {record}));
  return std::move(models.front());
}

Result<ModelVersion> version_of(const ReadTransaction& tx, const VersionRecord& record) {
  MARTLET_TRY_SET(std::vector<ModelVersion> versions, versions_of(tx, {record}));
  return std::move(versions.front());
}

Result<std::optional<Version>> current_target(const ReadTransaction& tx, const ModelName& model,
                                              Environment environment, const Alias& alias) {
  MARTLET_TRY_SET(const auto record, tx.get<AliasRecord>(model.text(), environment, alias.text()));
  return record.has_value() ? std::optional<Version>(Version{record->version}) : std::nullopt;
}

}  // namespace martlet::registry

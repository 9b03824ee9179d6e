#include "server/mlflow/registry_wire.h"

#include "server/mlflow/run_wire.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::server::mlflow {

namespace {

void write_tags(JsonWriter& json, const registry::Texts& tags) {
  if (tags.empty()) return;
  json.key("tags").begin_array();
  for (const auto& [key, value] : tags)
    json.begin_object().text_always("key", key).text_always("value", value).end_object();
  json.end_array();
}

// What a client writes of a package's whereabouts into its own records.
std::string source_of(const registry::ModelVersion& version) {
  return version.source.empty() ? "martlet-package:" + version.package.text() : version.source;
}

std::string number_text(registry::Version version) { return std::to_string(version.number); }

}  // namespace

std::string_view stage_of(registry::Stage stage) {
  switch (stage) {
    case registry::Stage::None: return "None";
    case registry::Stage::Staging: return "Staging";
    case registry::Stage::Production: return "Production";
    case registry::Stage::Archived: return "Archived";
  }
  return "None";
}

std::string_view status_of(registry::VersionStatus status) {
  switch (status) {
    case registry::VersionStatus::Pending: return "PENDING_REGISTRATION";
    case registry::VersionStatus::Ready: return "READY";
    case registry::VersionStatus::Failed: return "FAILED_REGISTRATION";
  }
  return "READY";
}

std::string download_uri(const registry::ModelVersion& version) {
  return version.location.empty() ? version.source : version.location;
}

void write(JsonWriter& json, const registry::ModelVersion& version) {
  json.begin_object().text_always("name", version.model.text());
  json.text_always("version", number_text(version.version));
  json.integer("creation_timestamp", millis_of(version.created));
  json.integer("last_updated_timestamp", millis_of(version.updated));
  json.text("user_id", version.created_by);
  json.text_always("current_stage", stage_of(version.stage));
  json.text("description", version.description);
  json.text("source", source_of(version)).text("run_id", version.run.text());
  json.text_always("status", status_of(version.status));
  json.text("status_message", version.status_message);
  write_tags(json, version.tags);
  json.text("run_link", version.run_link).text("model_id", version.model_id);
  const auto seen = [](const registry::AliasTarget& target) {
    return target.environment == kClientEnvironment;
  };
  if (std::any_of(version.aliases.begin(), version.aliases.end(), seen)) {
    json.key("aliases").begin_array();
    for (const registry::AliasTarget& target : version.aliases)
      if (seen(target)) json.value(std::string_view(target.alias.text()));
    json.end_array();
  }
  json.end_object();
}

void write(JsonWriter& json, const registry::RegisteredModel& model,
           const std::vector<registry::ModelVersion>& latest) {
  json.begin_object().text_always("name", model.name.text());
  json.integer("creation_timestamp", millis_of(model.created));
  json.integer("last_updated_timestamp", millis_of(model.updated));
  json.text("user_id", model.created_by).text("description", model.description);
  if (!latest.empty()) {
    json.key("latest_versions").begin_array();
    for (const registry::ModelVersion& version : latest) write(json, version);
    json.end_array();
  }
  write_tags(json, model.tags);
  const auto seen = [](const registry::ModelAlias& alias) {
    return alias.environment == kClientEnvironment;
  };
  if (std::any_of(model.aliases.begin(), model.aliases.end(), seen)) {
    json.key("aliases").begin_array();
    for (const registry::ModelAlias& alias : model.aliases) {
      if (!seen(alias)) continue;
      json.begin_object().text_always("alias", alias.alias.text());
      json.text_always("version", number_text(alias.version)).end_object();
    }
    json.end_array();
  }
  json.end_object();
}

Result<registry::ModelName> read_model_name(const Fields& fields, std::string_view name) {
  const std::string text = fields.required_name(name);
  if (text.empty()) return registry::ModelName();  // noted
  return registry::ModelName::parse(text);
}

Result<registry::Version> read_version(const Fields& fields) {
  if (!fields.has("version")) fields.missing("version");
  const std::optional<std::int64_t> number = fields.integer("version");
  if (!number.has_value()) return registry::Version();  // noted
  if (*number < 1)
    return invalid_argument(
        fmt::format("Invalid value {} for parameter 'version' supplied: it is a whole number from "
                    "1 on.",
                    *number));
  return registry::Version{*number};
}

Result<registry::Alias> read_alias(const Fields& fields) {
  const std::string text = fields.required_name("alias");
  if (text.empty()) return registry::Alias();  // noted
  return registry::Alias::parse(text);
}

registry::Texts read_tags(const Fields& fields) {
  registry::Texts tags;
  for (auto& [key, value] : fields.pairs("tags")) tags[key] = std::move(value);
  return tags;
}

registry::RegistrySearch read_search(const Fields& fields, std::int64_t usual, std::int64_t most) {
  registry::RegistrySearch search;
  search.filter = fields.text("filter").value_or("");
  search.order_by = fields.texts("order_by");
  search.limit = fields.integer("max_results").value_or(usual);
  if (search.limit < 1 || search.limit > most)
    fields.refuse("max_results", fmt::format("it is between 1 and {}", most));
  return search;
}

std::string told_of(std::string_view what, const registry::RegistrySearch& search) {
  std::string told = fmt::format("{}\n{}", what, search.filter);
  for (const std::string& term : search.order_by) told += "\n" + term;
  return told;
}

}  // namespace martlet::server::mlflow

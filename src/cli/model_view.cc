#include "cli/model_view.h"

#include "base/time.h"

namespace martlet::cli {

namespace {

Json tags_json(const registry::Texts& tags) {
  Json object = Json::object();
  for (const auto& [key, value] : tags) object[key] = value;
  return object;
}

}  // namespace

Json model_json(const registry::RegisteredModel& model) {
  Json aliases = Json::array();
  for (const registry::ModelAlias& alias : model.aliases) {
    aliases.push_back(Json{{"environment", std::string(registry::name_of(alias.environment))},
                           {"alias", alias.alias.text()},
                           {"version", alias.version.number}});
  }
  return Json{{"name", model.name.text()},         {"created", to_text(model.created)},
              {"updated", to_text(model.updated)}, {"created_by", model.created_by},
              {"aliases", std::move(aliases)},     {"tags", tags_json(model.tags)},
              {"description", model.description}};
}

Json version_json(const registry::ModelVersion& version) {
  Json aliases = Json::array();
  for (const registry::AliasTarget& target : version.aliases) {
    aliases.push_back(Json{{"environment", std::string(registry::name_of(target.environment))},
                           {"alias", target.alias.text()}});
  }
  return Json{{"name", version.model.text()},
              {"version", version.version.number},
              {"package", version.has_package() ? Json(version.package.text()) : Json(nullptr)},
              {"source", version.source.empty() ? Json(nullptr) : Json(version.source)},
              {"run", version.run.text()},
              {"created", to_text(version.created)},
              {"updated", to_text(version.updated)},
              {"created_by", version.created_by},
              {"stage", std::string(registry::name_of(version.stage))},
              {"aliases", std::move(aliases)},
              {"tags", tags_json(version.tags)},
              {"description", version.description}};
}

std::string aliases_text(const registry::ModelVersion& version) {
  std::string text;
  for (const registry::AliasTarget& target : version.aliases) {
    text += (text.empty() ? "" : ", ") + target.alias.text() + " in " +
            std::string(registry::name_of(target.environment));
  }
  return text;
}

std::string content_text(const registry::ModelVersion& version) {
  return version.has_package() ? version.package.short_text() : version.source;
}

}  // namespace martlet::cli

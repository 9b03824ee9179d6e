// models search: models or versions by MLflow's search language.
#include "cli/model_view.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "lifecycle/packages.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

namespace {

void note_more(const Session& session, const std::optional<std::int64_t>& next) {
  if (next.has_value())
    session.console.note(fmt::format("there are more than {}; see --limit", *next));
}

Result<void> show_models(const Session& session, const registry::ModelRegistry& registry,
                         const registry::RegistrySearch& search) {
  MARTLET_TRY_SET(const registry::ModelPage page, registry.search_models(search));
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const registry::RegisteredModel& model : page.models) {
    json.push_back(model_json(model));
    rows.push_back({model.name.text(), std::to_string(model.last.number), to_text(model.updated),
                    model.description});
  }
  session.console.print_json(json);
  session.console.table({"model", "last version", "updated", "description"}, rows);
  note_more(session, page.next);
  return {};
}

Result<void> show_versions(const Session& session, const registry::ModelRegistry& registry,
                           const registry::RegistrySearch& search) {
  MARTLET_TRY_SET(const registry::VersionPage page, registry.search_versions(search));
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const registry::ModelVersion& version : page.versions) {
    json.push_back(version_json(version));
    rows.push_back({registry::to_text(version.model, version.version), aliases_text(version),
                    content_text(version), to_text(version.updated)});
  }
  session.console.print_json(json);
  session.console.table({"model", "known as", "package or source", "updated"}, rows);
  note_more(session, page.next);
  return {};
}

}  // namespace

void add_models_search(CLI::App& models, Session& session) {
  CLI::App* verb =
      models.add_subcommand("search", "Registered models, or versions, that a filter holds for");
  auto search = std::make_shared<registry::RegistrySearch>();
  auto versions = std::make_shared<bool>(false);
  verb->add_option("filter", search->filter,
                   "clauses joined by AND: name, tags.KEY; of versions also run_id, source_path, "
                   "version_number");
  verb->add_flag("--versions", *versions, "versions instead of models");
  verb->add_option("--order-by", search->order_by,
                   "name, creation_timestamp, last_updated_timestamp, of versions version_number; "
                   "with DESC behind it the other way round")
      ->allow_extra_args(false);
  verb->add_option("--limit", search->limit, "at most so many")
      ->check(CLI::Range(1, 200'000))
      ->capture_default_str();
  verb->footer("Example:\n  martlet models search \"tags.team = 'risk'\" --versions "
               "--order-by \"creation_timestamp DESC\"");
  verb->callback([&session, search, versions] {
    session.action = [&session, search, versions]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      const registry::ModelRegistry registry = lifecycle::registry_of(*store);
      MARTLET_TRY(*versions ? show_versions(session, registry, *search)
                            : show_models(session, registry, *search));
      return kSuccess;
    };
  });
}

}  // namespace martlet::cli

// models copy, models rename, models delete: where a model's versions are kept, and whether.
#include "cli/model_view.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "lifecycle/packages.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

namespace {

// Only what is named exactly goes: an alias or "latest" may mean another version than is thought.
Result<Json> remove(registry::ModelRegistry& registry, const std::string& text, bool all_versions) {
  const metadata::Actor actor;
  if (text.find_first_of("/@") == std::string::npos) {
    MARTLET_TRY_SET(const registry::ModelName name, registry::ModelName::parse(text));
    MARTLET_TRY_SET(const auto versions, registry.versions(name));
    if (!versions.empty() && !all_versions) {
      return invalid_argument(
          fmt::format("removing {}: it has {} versions, which would go with it; "
                      "say --all-versions if they shall",
                      text, versions.size()));
    }
    MARTLET_TRY(registry.remove_model(name, actor));
    return Json{{"removed", text}, {"versions", versions.size()}};
  }
  MARTLET_TRY_SET(const registry::ModelReference reference, registry::parse_model_reference(text));
  if (reference.kind != registry::ModelReference::Kind::ByVersion)
    return invalid_argument(fmt::format("removing {}: name the version by its number", text));
  MARTLET_TRY(registry.remove_version(reference.model, reference.version, actor));
  return Json{{"removed", registry::to_text(reference.model, reference.version)}, {"versions", 1}};
}

}  // namespace

void add_models_copy(CLI::App& models, Session& session) {
  CLI::App* verb = models.add_subcommand("copy", "Copies a version to another registered model");
  auto from = std::make_shared<std::string>();
  auto to = std::make_shared<std::string>();
  auto environment = std::make_shared<std::string>("experiment");
  verb->add_option("model", *from, "flight-delay/3 or flight-delay@challenger")->required();
  verb->add_option("to", *to, "the other model's name; it is made if it isn't there")->required();
  verb->add_option("--env", *environment, "whose aliases")->capture_default_str();
  verb->footer("Package, tags and attestations go along; aliases don't.\n"
               "Example:\n  martlet models copy flight-delay/3 flight-delay-prod");
  verb->callback([=, &session] {
    session.action = [=, &session]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      registry::ModelRegistry registry = lifecycle::registry_of(*store);
      MARTLET_TRY_SET(const registry::Environment where, registry::parse_environment(*environment));
      MARTLET_TRY_SET(const registry::ModelName name, registry::ModelName::parse(*to));
      MARTLET_TRY_SET(const registry::ModelVersion version, registry.resolve(*from, where));
      MARTLET_TRY_SET(
          const registry::ModelVersion copy,
          registry.copy_version({version.model, version.version}, name, metadata::Actor{}));
      session.console.print_json(version_json(copy));
      session.console.print(fmt::format("{} is a copy of {}",
                                        registry::to_text(copy.model, copy.version),
                                        registry::to_text(version.model, version.version)));
      return kSuccess;
    };
  });
}

void add_models_rename(CLI::App& models, Session& session) {
  CLI::App* verb = models.add_subcommand("rename", "Gives a registered model another name");
  auto from = std::make_shared<std::string>();
  auto to = std::make_shared<std::string>();
  verb->add_option("model", *from, "the registered model's name")->required();
  verb->add_option("to", *to, "its new name")->required();
  verb->footer("Refused while a version of it is live.\n"
               "Example:\n  martlet models rename flight-delay late-flights");
  verb->callback([=, &session] {
    session.action = [=, &session]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      registry::ModelRegistry registry = lifecycle::registry_of(*store);
      MARTLET_TRY_SET(const registry::ModelName name, registry::ModelName::parse(*from));
      MARTLET_TRY_SET(const registry::ModelName after, registry::ModelName::parse(*to));
      MARTLET_TRY_SET(const registry::RegisteredModel model,
                      registry.rename_model(name, after, metadata::Actor{}));
      session.console.print_json(model_json(model));
      session.console.print(fmt::format("{} is called {} now", *from, model.name.text()));
      return kSuccess;
    };
  });
}

void add_models_delete(CLI::App& models, Session& session) {
  CLI::App* verb =
      models.add_subcommand("delete", "Removes a version, or a model with all its versions");
  auto model = std::make_shared<std::string>();
  auto all = std::make_shared<bool>(false);
  verb->add_option("model", *model, "flight-delay/3, or flight-delay with --all-versions")
      ->required();
  verb->add_flag("--all-versions", *all, "the model and every version of it");
  verb->footer("Refused while it is live. Its blobs go with the next `martlet gc`.\n"
               "Example:\n  martlet models delete flight-delay/3");
  verb->callback([=, &session] {
    session.action = [=, &session]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      registry::ModelRegistry registry = lifecycle::registry_of(*store);
      MARTLET_TRY_SET(const Json removed, remove(registry, *model, *all));
      session.console.print_json(removed);
      session.console.print(*model + " is removed");
      return kSuccess;
    };
  });
}

}  // namespace martlet::cli

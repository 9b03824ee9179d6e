// models: the registry, listed and shown.
#include "cli/model_view.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "lifecycle/packages.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

namespace {

void add_list(CLI::App& models, Session& session) {
  CLI::App* verb = models.add_subcommand("list", "Registered models and their versions");
  verb->footer("Example:\n  martlet models list");
  verb->callback([&session] {
    session.action = [&session]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      registry::ModelRegistry registry = lifecycle::registry_of(*store);
      MARTLET_TRY_SET(const auto all, registry.models());
      Json json = Json::array();
      std::vector<std::vector<std::string>> rows;
      for (const registry::RegisteredModel& model : all) {
        MARTLET_TRY_SET(const auto versions, registry.versions(model.name));
        for (const registry::ModelVersion& version : versions) {
          json.push_back(version_json(version));
          rows.push_back({registry::to_text(version.model, version.version), aliases_text(version),
                          content_text(version), to_text(version.created)});
        }
      }
      session.console.print_json(json);
      session.console.table({"model", "known as", "package or source", "created"}, rows);
      return kSuccess;
    };
  });
}

void add_show(CLI::App& models, Session& session) {
  CLI::App* verb = models.add_subcommand(
      "show", "One model version, its package's manifest and what was attested of it");
  auto reference = std::make_shared<std::string>();
  auto environment = std::make_shared<std::string>("experiment");
  verb->add_option("model", *reference, "flight-delay@live, flight-delay/3 or flight-delay")
      ->required();
  verb->add_option("--env", *environment, "whose aliases")->capture_default_str();
  verb->footer("Example:\n  martlet models show flight-delay@live");
  verb->callback([&session, reference, environment] {
    session.action = [&session, reference, environment]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      registry::ModelRegistry registry = lifecycle::registry_of(*store);
      MARTLET_TRY_SET(const registry::Environment where, registry::parse_environment(*environment));
      MARTLET_TRY_SET(const registry::ModelVersion version, registry.resolve(*reference, where));
      // A damaged package must not hide what the registry knows of it.
      const auto package = lifecycle::open_package(*store, version.package);
      if (!package.has_value() && version.has_package())
        session.console.complain("martlet: " + package.error().message());
      MARTLET_TRY_SET(const auto attestations,
                      registry.attestations(version.model, version.version));
      Json manifest = nullptr;
      if (package.has_value()) {
        MARTLET_TRY_SET(manifest, parse_json((*package)->manifest().to_bytes()));
      }
      Json attested = Json::array();
      for (const registry::Attestation& item : attestations) {
        attested.push_back(Json{{"kind", std::string(registry::name_of(item.kind))},
                                {"at", to_text(item.at)},
                                {"by", item.actor},
                                {"statement", item.statement}});
      }
      Json json = version_json(version);
      json["manifest"] = std::move(manifest);
      if (!package.has_value() && version.has_package())
        json["package_error"] = package.error().message();
      json["attestations"] = attested;
      session.console.print_json(json);
      session.console.print(fmt::format(
          "{}  {}  {}", registry::to_text(version.model, version.version), aliases_text(version),
          version.has_package() ? version.package.text() : version.source));
      if (package.has_value()) session.console.print((*package)->card());
      return kSuccess;
    };
  });
}

}  // namespace

void add_models(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("models", "The registry");
  verb->require_subcommand(1);
  verb->fallthrough();
  add_list(*verb, session);
  add_show(*verb, session);
  add_models_search(*verb, session);
  add_models_alias(*verb, session);
  add_models_tag(*verb, session);
  add_models_describe(*verb, session);
  add_models_copy(*verb, session);
  add_models_rename(*verb, session);
  add_models_delete(*verb, session);
  add_models_promote(*verb, session);
  add_models_rollback(*verb, session);
}

}  // namespace martlet::cli

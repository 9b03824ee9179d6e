// models and runs: the registry and the experiments, listed, shown and compared.
#include "cli/session.h"
#include "cli/verbs.h"
#include "lifecycle/packages.h"
#include "lifecycle/track.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

namespace {

Json version_json(const registry::ModelVersion& version) {
  Json aliases = Json::array();
  for (const registry::AliasTarget& target : version.aliases) {
    aliases.push_back(Json{{"environment", std::string(registry::name_of(target.environment))},
                           {"alias", target.alias.text()}});
  }
  Json tags = Json::object();
  for (const auto& [key, value] : version.tags) tags[key] = value;
  return Json{{"name", version.model.text()},
              {"version", version.version.number},
              {"package", version.package.text()},
              {"run", version.run.text()},
              {"created", to_text(version.created)},
              {"aliases", std::move(aliases)},
              {"tags", std::move(tags)},
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
                          version.package.short_text(), to_text(version.created)});
        }
      }
      session.console.print_json(json);
      session.console.table({"model", "live as", "package", "created"}, rows);
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
      if (!package.has_value()) session.console.complain("martlet: " + package.error().message());
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
      if (!package.has_value()) json["package_error"] = package.error().message();
      json["attestations"] = attested;
      session.console.print_json(json);
      session.console.print(fmt::format("{}  {}  {}",
                                        registry::to_text(version.model, version.version),
                                        aliases_text(version), version.package.text()));
      if (package.has_value()) session.console.print((*package)->card());
      return kSuccess;
    };
  });
}

std::string run_name(const tracking::Run& run) { return run.id.text(); }

void add_runs_list(CLI::App& runs, Session& session) {
  CLI::App* verb = runs.add_subcommand("list", "Tracked runs, newest first");
  auto limit = std::make_shared<std::int64_t>(20);
  verb->add_option("--limit", *limit, "how many")->capture_default_str();
  verb->footer("Example:\n  martlet runs list");
  verb->callback([&session, limit] {
    session.action = [&session, limit]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      tracking::RunSearch search;
      search.limit = *limit;
      MARTLET_TRY_SET(const auto found, lifecycle::tracker_of(*store).search(search));
      Json json = Json::array();
      std::vector<std::vector<std::string>> rows;
      for (const tracking::Run& run : found) {
        Json metrics = Json::object();
        std::string kpis;
        for (const auto& [key, metric] : run.metrics) {
          metrics[key] = number_or_null(metric.value);
          if (key.starts_with("kpi."))
            kpis += (kpis.empty() ? "" : ", ") + key.substr(4) + " " + number_text(metric.value);
        }
        json.push_back(Json{{"run", run_name(run)},
                            {"name", run.name},
                            {"status", std::string(tracking::name_of(run.status))},
                            {"started", to_text(run.started)},
                            {"metrics", std::move(metrics)}});
        rows.push_back({run_name(run), run.name, std::string(tracking::name_of(run.status)),
                        to_text(run.started), kpis});
      }
      session.console.print_json(json);
      session.console.table({"run", "name", "status", "started", "kpis"}, rows);
      return kSuccess;
    };
  });
}

void add_runs_show(CLI::App& runs, Session& session) {
  CLI::App* verb = runs.add_subcommand(
      "show", "One tracked run: params, metrics, inputs, artifacts, what it ran on");
  auto id = std::make_shared<std::string>();
  verb->add_option("run", *id, "a run's id or the beginning of it, or latest")->required();
  verb->footer("Example:\n  martlet runs show 0190…");
  verb->callback([&session, id] {
    session.action = [&session, id]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      MARTLET_TRY_SET(const tracking::Run run, lifecycle::find_tracked_run(*store, *id));
      Json params = Json::object(), metrics = Json::object(), tags = Json::object(),
           inputs = Json::array(), artifacts = Json::array();
      for (const auto& [key, value] : run.params) params[key] = value;
      for (const auto& [key, metric] : run.metrics) metrics[key] = number_or_null(metric.value);
      for (const auto& [key, value] : run.tags) tags[key] = value;
      for (const tracking::DatasetInput& input : run.inputs) {
        inputs.push_back(
            Json{{"name", input.name}, {"digest", input.digest}, {"context", input.context}});
      }
      for (const tracking::Artifact& artifact : run.artifacts) {
        artifacts.push_back(Json{{"path", artifact.path},
                                 {"digest", artifact.digest.text()},
                                 {"size_bytes", artifact.size_bytes}});
      }
      const Json json{
          {"run", run.id.text()},   {"status", std::string(tracking::name_of(run.status))},
          {"params", params},       {"metrics", metrics},
          {"tags", tags},           {"inputs", inputs},
          {"artifacts", artifacts}, {"facts", run.facts}};
      session.console.print_json(json);
      session.console.print(to_pretty_text(json));
      return kSuccess;
    };
  });
}

void add_runs_compare(CLI::App& runs, Session& session) {
  CLI::App* verb = runs.add_subcommand("compare", "Two tracked runs side by side");
  auto first = std::make_shared<std::string>();
  auto second = std::make_shared<std::string>();
  verb->add_option("first", *first, "a run's id or the beginning of it")->required();
  verb->add_option("second", *second, "another's")->required();
  verb->footer("Example:\n  martlet runs compare 0190… 0191…");
  verb->callback([&session, first, second] {
    session.action = [&session, first, second]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      MARTLET_TRY_SET(const tracking::Run one, lifecycle::find_tracked_run(*store, *first));
      MARTLET_TRY_SET(const tracking::Run other, lifecycle::find_tracked_run(*store, *second));
      MARTLET_TRY_SET(const auto differences,
                      lifecycle::tracker_of(*store).compare(one.id, other.id));
      Json json = Json::array();
      std::vector<std::vector<std::string>> rows;
      for (const tracking::Difference& difference : differences) {
        json.push_back(Json{{"kind", std::string(tracking::name_of(difference.kind))},
                            {"key", difference.key},
                            {"first", difference.first},
                            {"second", difference.second},
                            {"equal", difference.equal}});
        if (!difference.equal) {
          rows.push_back({std::string(tracking::name_of(difference.kind)), difference.key,
                          to_text(difference.first), to_text(difference.second)});
        }
      }
      session.console.print_json(json);
      session.console.table({"kind", "key", "first", "second"}, rows);
      if (rows.empty()) session.console.print("the runs are alike");
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
  add_models_promote(*verb, session);
  add_models_rollback(*verb, session);
}

void add_runs(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("runs", "Experiments and their runs");
  verb->require_subcommand(1);
  verb->fallthrough();
  add_runs_list(*verb, session);
  add_runs_show(*verb, session);
  add_runs_compare(*verb, session);
}

}  // namespace martlet::cli

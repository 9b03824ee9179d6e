#include "lifecycle/packages.h"
#include "lifecycle/steps.h"
#include "metadata/database.h"

#include <fmt/format.h>

namespace martlet::lifecycle {

Result<Json> register_step(Workshop& workshop, const workflow::StepContext& context) {
  MARTLET_TRY_SET(const Digest package, digest_input(context, "package"));
  MARTLET_TRY_SET(const Digest manifest, digest_input(context, "manifest"));
  MARTLET_TRY_SET(const registry::ModelName name,
                  registry::ModelName::parse(workshop.project().name));
  MARTLET_TRY_SET(const std::string environment_text,
                  text_member(context.parameters, "environment", "a register step"));
  MARTLET_TRY_SET(const registry::Environment environment,
                  registry::parse_environment(environment_text));
  MARTLET_TRY_SET(const std::string recipe,
                  text_member(context.parameters, "recipe", "a register step"));
  const bool passed = context.inputs.at("all_passed").get<bool>();
  registry::ModelRegistry models = registry_of(workshop.store());
  const registry::Actor actor{"run " + context.run.text()};

  // The step may run twice after a crash: a version of this package and recipe that is there
  // already is the one.
  std::optional<registry::ModelVersion> version;
  MARTLET_TRY_SET(const std::vector<registry::ModelVersion> existing,
                  models.versions_of_package(package));
  for (const registry::ModelVersion& candidate : existing) {
    if (candidate.model == name && candidate.tags.contains("martlet.recipe") &&
        candidate.tags.at("martlet.recipe") == recipe)
      version = candidate;
  }
  if (!version.has_value()) {
    registry::NewVersion request{name, package, context.run};
    request.tags["martlet.recipe"] = recipe;
    request.tags["martlet.manifest"] = manifest.text();
    if (const auto champion = context.parameters.find("champion");
        champion != context.parameters.end() && champion->is_string()) {
      request.tags["martlet.champion"] = champion->get<std::string>();
    }
    registry::Attestation gates;
    gates.kind = registry::AttestationKind::Gates;
    gates.environment = environment;
    gates.statement = Json{{"gates", context.inputs.at("gates")},
                           {"verdict", context.inputs.at("verdict")},
                           {"all_passed", passed}};
    // Together: a crash must not leave a version of which nobody knows what its gates said.
    MARTLET_TRY_SET(version,
                    workshop.store().database().write(
                        [&](metadata::Transaction& tx) -> Result<registry::ModelVersion> {
                          MARTLET_TRY_SET(const registry::ModelVersion added,
                                          models.add_version(tx, request, actor));
                          MARTLET_TRY(models.attest(tx, name, added.version, gates, actor));
                          return added;
                        }));
  }
  if (passed) {
    MARTLET_TRY_SET(const auto live, models.target_of(name, environment, registry::live_alias()));
    registry::AliasMove move{name,         environment,      registry::live_alias(),
                             std::nullopt, version->version, "every gate let it pass"};
    if (live.has_value()) move.expected = live->version;
    MARTLET_TRY(models.move_alias(move, actor));
  }
  context.log(fmt::format("{} {}", registry::to_text(name, version->version),
                          passed ? fmt::format("is live in {}", environment_text)
                                 : "stays where it is: not every gate let it pass"));
  return Json{{"name", name.text()},
              {"version", version->version.number},
              {"digest", manifest.text()},
              {"package", package.text()},
              {"live", passed ? Json(environment_text) : Json(nullptr)}};
}

}  // namespace martlet::lifecycle

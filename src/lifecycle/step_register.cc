#include "artifacts/tree.h"
#include "lifecycle/packages.h"
#include "lifecycle/steps.h"
#include "models/package_manifest.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::lifecycle {

namespace {

// What a register step reads.
struct Registration {
  registry::ModelName name;
  Digest package;
  Digest manifest;
  registry::Environment environment = registry::Environment::Experiment;
  std::string recipe;
  std::optional<Digest> champion;
  bool passed = false;
  bool is_champion = false;
  Json statement;  // of the gates
};

Result<Registration> read_registration(const Workshop& workshop,
                                       const workflow::StepContext& context) {
  Registration read;
  MARTLET_TRY_SET(read.package, digest_input(context, "package"));
  MARTLET_TRY_SET(read.manifest, digest_input(context, "manifest"));
  MARTLET_TRY_SET(read.name, registry::ModelName::parse(workshop.project().name));
  MARTLET_TRY_SET(const std::string environment,
                  text_member(context.parameters, "environment", "a register step"));
  MARTLET_TRY_SET(read.environment, registry::parse_environment(environment));
  MARTLET_TRY_SET(read.recipe, text_member(context.parameters, "recipe", "a register step"));
  if (const auto champion = context.parameters.find("champion");
      champion != context.parameters.end() && champion->is_string()) {
    MARTLET_TRY_SET(read.champion, Digest::parse(champion->get<std::string>()));
  }
  read.passed = context.inputs.at("all_passed").get<bool>();
  // Runs that an older program compiled have no such input.
  if (const auto same = context.inputs.find("is_champion"); same != context.inputs.end())
    read.is_champion = same->second.get<bool>();
  read.statement = Json{{"gates", context.inputs.at("gates")},
                        {"verdict", context.inputs.at("verdict")},
                        {"all_passed", read.passed}};
  return read;
}

// The newest version of the model with this package for which the condition holds.
template <class Condition>
Result<std::optional<registry::ModelVersion>>
version_with(const registry::ModelRegistry& models, const registry::ModelName& name,
             const Digest& package, Condition condition) {
  MARTLET_TRY_SET(const std::vector<registry::ModelVersion> versions,
                  models.versions_of_package(package));
  std::optional<registry::ModelVersion> found;
  for (const registry::ModelVersion& version : versions) {
    if (version.model == name && condition(version) &&
        (!found.has_value() || found->version < version.version))
      found = version;
  }
  return found;
}

// The judgement, beside the version; once, if it says what the last one said.
Result<void> attest_gates(registry::ModelRegistry& models, const registry::ModelVersion& version,
                          const Registration& read, const registry::Actor& actor) {
  MARTLET_TRY_SET(const std::vector<registry::Attestation> known,
                  models.attestations(version.model, version.version));
  const auto last =
      std::find_if(known.rbegin(), known.rend(), [&](const registry::Attestation& attestation) {
        return attestation.kind == registry::AttestationKind::Gates &&
               attestation.environment == read.environment;
      });
  if (last != known.rend() && last->statement == read.statement) return {};
  registry::Attestation gates;
  gates.kind = registry::AttestationKind::Gates;
  gates.environment = read.environment;
  gates.statement = read.statement;
  MARTLET_TRY(models.attest(version.model, version.version, gates, actor));
  return {};
}

// The step may run twice after a crash: a version of this package and recipe that is there already
// is the one.
Result<registry::ModelVersion> find_or_add(registry::ModelRegistry& models,
                                           const Registration& read,
                                           const workflow::StepContext& context,
                                           const registry::Actor& actor) {
  const auto of_recipe = [&](const registry::ModelVersion& version) {
    const auto tag = version.tags.find("martlet.recipe");
    return tag != version.tags.end() && tag->second == read.recipe;
  };
  MARTLET_TRY_SET(const auto existing, version_with(models, read.name, read.package, of_recipe));
  if (existing.has_value()) return *existing;
  registry::NewVersion request{read.name, read.package, context.run};
  request.tags["martlet.recipe"] = read.recipe;
  request.tags["martlet.manifest"] = read.manifest.text();
  if (read.champion.has_value()) request.tags["martlet.champion"] = read.champion->text();
  return models.add_version(request, actor);
}

}  // namespace

Result<Json> register_step(Workshop& workshop, const workflow::StepContext& context) {
  MARTLET_TRY_SET(const Registration read, read_registration(workshop, context));
  registry::ModelRegistry models = registry_of(workshop.store());
  const registry::Actor actor{"run " + context.run.text()};
  const std::string environment(registry::name_of(read.environment));

  // The champion made once more gets no second version (decision 0014).
  std::optional<registry::ModelVersion> version;
  if (read.is_champion && read.champion.has_value()) {
    MARTLET_TRY_SET(version, version_with(models, read.name, *read.champion,
                                          [](const registry::ModelVersion&) { return true; }));
  }
  const bool is_champion = version.has_value();
  if (!is_champion) {
    MARTLET_TRY_SET(version, find_or_add(models, read, context, actor));
  }
  MARTLET_TRY(attest_gates(models, *version, read, actor));

  MARTLET_TRY_SET(const auto live,
                  models.target_of(read.name, read.environment, registry::live_alias()));
  bool is_live = live.has_value() && live->version == version->version;
  if (read.passed) {
    registry::AliasMove move{read.name,    read.environment, registry::live_alias(),
                             std::nullopt, version->version, "every gate let it pass"};
    if (live.has_value()) move.expected = live->version;
    MARTLET_TRY(models.move_alias(move, actor));
    is_live = true;
  }
  const std::string text = registry::to_text(read.name, version->version);
  if (is_champion) {
    context.log(fmt::format("{} is this very model: nothing new is registered{}", text,
                            read.passed ? "" : ", and not every gate let it pass this time"));
  } else {
    context.log(fmt::format("{} {}", text,
                            read.passed ? "is live in " + environment
                                        : "stays where it is: not every gate let it pass"));
  }
  Json outputs{{"name", read.name.text()},
               {"version", version->version.number},
               {"digest", read.manifest.text()},
               {"package", version->package.text()},
               {"live", is_live ? Json(environment) : Json(nullptr)},
               {"is_champion", is_champion}};
  if (is_champion) {
    // The registered package's own digest, not that of the copy which this run has built.
    MARTLET_TRY_SET(const artifacts::Tree files,
                    artifacts::read_tree(workshop.store().blobs(), version->package));
    const auto manifest = files.find(std::string(models::kManifestFile));
    if (manifest != files.end()) outputs["digest"] = manifest->second.digest.text();
  }
  return outputs;
}

}  // namespace martlet::lifecycle

// Models, their versions and packages, the alias, and the audit log that covers them.
#include "artifacts/tree.h"
#include "metadata/database.h"
#include "storage/check_parts.h"
#include "storage/content.h"

#include <fmt/format.h>

namespace martlet::storage {

namespace {

struct ModelState {
  std::map<std::int64_t, registry::ModelVersion> versions;  // by the operation that added them
  std::set<std::int64_t> attested;                          // operations whose statement is there
  std::vector<registry::AliasChange> history;
  std::optional<registry::ModelVersion> live;
};

Result<ModelState> read_model(World& world, const registry::ModelName& name) {
  ModelState state;
  MARTLET_TRY_SET(const auto versions, world.registry().versions(name));
  for (const registry::ModelVersion& version : versions) {
    state.versions[operation_of(version.description)] = version;
    MARTLET_TRY_SET(const auto attestations, world.registry().attestations(name, version.version));
    for (const registry::Attestation& attestation : attestations)
      state.attested.insert(attestation.statement.value("operation", std::int64_t{0}));
  }
  MARTLET_TRY_SET(state.history,
                  world.registry().alias_history(name, registry::Environment::Production, registry::live_alias()));
  MARTLET_TRY_SET(state.live,
                  world.registry().target_of(name, registry::Environment::Production, registry::live_alias()));
  return state;
}

Result<void> collect_package(World& world, const registry::ModelVersion& version, std::set<Digest>& referenced,
                             CheckReport& report) {
  referenced.insert(version.package);
  const auto tree = artifacts::read_tree(world.blobs(), version.package);
  if (!tree.has_value()) {
    report.violations.push_back({"I4", "the package of " + version.description + ": " + tree.error().message()});
    return {};
  }
  std::map<std::string, std::string> wanted = package_of(operation_of(version.description));
  for (const auto& [path, file] : *tree) {
    referenced.insert(file.digest);
    if (!wanted.contains(path) || digest_of(std::string_view(wanted.at(path))) != file.digest)
      report.violations.push_back({"I1", "the package of " + version.description + " has another " + path});
  }
  if (tree->size() != wanted.size())
    report.violations.push_back({"I2", "the package of " + version.description + " lacks files"});
  return {};
}

void check_alias(const std::string& model, const ModelState& state, const Expectation& expected, std::int64_t last_kept,
                 CheckReport& report) {
  std::optional<registry::Version> at;
  std::int64_t number = 0;
  std::int64_t operation = 0;
  for (const registry::AliasChange& change : state.history) {
    if (change.number != ++number || change.from != at)
      report.violations.push_back({"I6", fmt::format("the history of {}@live has a gap at {}", model, change.number)});
    const Told* told = expected.find(operation_of(change.reason));
    if (told == nullptr || told->fate == Fate::Absent || operation_of(change.reason) <= operation)
      report.violations.push_back({"I6", fmt::format("{}@live was moved by \"{}\", out of turn", model, change.reason)});
    operation = operation_of(change.reason);
    at = change.to;
  }
  if (at != (state.live.has_value() ? std::optional(state.live->version) : std::nullopt))
    report.violations.push_back({"I6", fmt::format("{}@live points elsewhere than its history says", model)});
  if (operation < last_kept)
    report.violations.push_back({"I6", fmt::format("{}@live went back to {}, though {} was acknowledged", model,
                                                   mark_of(operation), mark_of(last_kept))});
}

// Every change has its entry, and every entry its change.
Result<void> check_audit(World& world, const std::map<std::string, ModelState>& models, CheckReport& report) {
  MARTLET_TRY_SET(const auto entries, world.database().read([](const metadata::ReadTransaction& tx) {
    return tx.select<metadata::AuditRecord>();
  }));
  std::map<std::string, std::int64_t> audited;
  for (const metadata::AuditRecord& entry : entries) ++audited[entry.action + " " + entry.subject];
  std::map<std::string, std::int64_t> changed;
  for (const auto& [name, state] : models) {
    ++changed["registry.model.create " + name];
    for (const auto& [operation, version] : state.versions) {
      const std::string subject = registry::to_text(version.model, version.version);
      ++changed["registry.version.create " + subject];
      if (state.attested.contains(operation)) ++changed["registry.version.attest " + subject];
    }
    if (!state.history.empty())
      changed[fmt::format("registry.alias.move {}@live in production", name)] +=
          static_cast<std::int64_t>(state.history.size());
  }
  for (const auto& [what, count] : changed) {
    if (audited[what] != count)
      report.violations.push_back({"I5", fmt::format("{}: {} changes, {} entries in the audit log", what, count, audited[what])});
  }
  for (const auto& [what, count] : audited) {
    if (count > 0 && !changed.contains(what))
      report.violations.push_back({"I5", fmt::format("{}: {} entries in the audit log, no change", what, count)});
  }
  return {};
}

}  // namespace

Result<void> check_models(World& world, Expectation& expected, std::set<Digest>& referenced, CheckReport& report) {
  std::map<std::string, ModelState> models;
  MARTLET_TRY_SET(const auto registered, world.registry().models());
  for (const registry::RegisteredModel& model : registered) {
    MARTLET_TRY_SET(models[model.name.text()], read_model(world, model.name));
    for (const auto& [operation, version] : models[model.name.text()].versions) {
      const Told* told = expected.find(operation);
      expected.must_be_explained(report, operation, told != nullptr && told->op() == "promote" ? "promote" : "add_version",
                                 "model version " + registry::to_text(version.model, version.version));
      MARTLET_TRY(collect_package(world, version, referenced, report));
    }
  }
  std::map<std::string, std::int64_t> last_move;
  for (const auto& [number, told] : expected.operations()) {
    const std::string op = told.op();
    if (op != "add_version" && op != "promote" && op != "move_alias") continue;
    const std::string name = fmt::format("w{}", told.worker());
    const ModelState& state = models[name];
    const bool version = state.versions.contains(number);
    bool moved = false;
    for (const registry::AliasChange& change : state.history) moved = moved || change.reason == mark_of(number);
    if (op == "add_version") {
      expected.observe(report, number, version ? 1 : 0, 1, "versions");
    } else if (op == "promote") {
      expected.observe(report, number, (version ? 1 : 0) + (moved ? 1 : 0) + (state.attested.contains(number) ? 1 : 0), 3,
                       "parts (version, attestation, alias)");
    } else if (told.result.value("moved", true)) {
      expected.observe(report, number, moved ? 1 : 0, 1, "moves");
    }
    if (version && told.fate == Fate::Kept && told.result.contains("version") &&
        state.versions.at(number).version.number != told.result.at("version").get<std::int64_t>())
      report.violations.push_back({"I1", mark_of(number) + " has another version number than was acknowledged"});
    if (told.fate == Fate::Kept && op != "add_version" && told.result.value("moved", true)) last_move[name] = number;
  }
  std::erase_if(models, [&](const auto& entry) {
    return entry.second.versions.empty() && entry.second.history.empty();
  });
  for (const auto& [name, state] : models) check_alias(name, state, expected, last_move[name], report);
  return check_audit(world, models, report);
}

}  // namespace martlet::storage

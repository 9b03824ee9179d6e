#include "lifecycle/promotion.h"

#include "lifecycle/packages.h"
#include "metadata/database.h"
#include "registry/model_registry.h"

#include <algorithm>

namespace martlet::lifecycle {

namespace {

PromotionCheck check_package(const Store& store, const registry::ModelVersion& version) {
  const auto package = open_package(store, version.package);
  if (!package.has_value()) return {"package", false, package.error().message()};
  return {"package", true, "every digest fits, and the golden predictions come out as recorded"};
}

// The gates as they were last attested; a waiver is attested beside them.
std::vector<PromotionCheck> check_gates(const std::vector<registry::Attestation>& attestations,
                                        const std::map<std::string, std::string>& waivers) {
  const registry::Attestation* newest = nullptr;
  std::map<std::string, std::string> waived = waivers;
  for (const registry::Attestation& item : attestations) {
    if (item.kind == registry::AttestationKind::Gates) newest = &item;
    if (item.kind == registry::AttestationKind::Waiver)
      waived.emplace(item.statement.value("gate", std::string()),
                     item.statement.value("reason", std::string()));
  }
  if (newest == nullptr) {
    const auto waiver = waived.find("gates");
    return {waiver == waived.end()
                ? PromotionCheck{"gates", false,
                                 "no gates were attested of this version; it was not made by a run "
                                 "or a retraining of this martlet"}
                : PromotionCheck{"gates", true, "waived: " + waiver->second}};
  }
  std::vector<PromotionCheck> checks;
  const Json gates = newest->statement.value("gates", Json::array());
  for (const Json& gate : gates) {
    const std::string name = gate.value("name", std::string());
    PromotionCheck check{"gate " + name, false, gate.value("why", std::string())};
    const auto passed = gate.find("passed");
    check.passed = passed != gate.end() && passed->is_boolean() && passed->get<bool>();
    const auto run_waiver = gate.find("waived");  // the reason, as the project file gave it
    if (const auto waiver = waived.find(name); !check.passed && waiver != waived.end()) {
      check = {check.name, true, "waived: " + waiver->second};
    } else if (!check.passed && run_waiver != gate.end() && run_waiver->is_string()) {
      check = {check.name, true, "waived by the run: " + run_waiver->get<std::string>()};
    }
    checks.push_back(std::move(check));
  }
  return checks;
}

Result<void> check_waivers(const std::vector<PromotionCheck>& checks,
                           const std::map<std::string, std::string>& waivers) {
  for (const auto& [gate, reason] : waivers) {
    const bool there = std::any_of(checks.begin(), checks.end(), [&](const PromotionCheck& check) {
      return check.name == "gate " + gate || check.name == gate;
    });
    if (!there) return invalid_argument("waiving gate " + gate + ": this version has no such gate");
    if (reason.empty())
      return invalid_argument("waiving gate " + gate + ": say why, as in " + gate + "=REASON");
  }
  return {};
}

Result<void> move(const Store& store, const registry::ModelVersion& version,
                  const std::optional<registry::ModelVersion>& live,
                  const PromotionRequest& request, const metadata::Actor& actor) {
  registry::ModelRegistry models = registry_of(store);
  registry::AliasMove alias{version.model, request.to,      registry::live_alias(),
                            std::nullopt,  version.version, request.reason};
  if (live.has_value()) alias.expected = live->version;
  return store.database().write([&](metadata::Transaction& tx) -> Result<void> {
    for (const auto& [gate, reason] : request.waivers) {
      registry::Attestation waiver;
      waiver.kind = registry::AttestationKind::Waiver;
      waiver.environment = request.to;
      waiver.statement = Json{{"gate", gate}, {"reason", reason}};
      MARTLET_TRY(models.attest(tx, version.model, version.version, waiver, actor));
    }
    return models.move_alias(tx, alias, actor);
  });
}

}  // namespace

Json to_json(const Promotion& promotion) {
  Json checks = Json::array();
  for (const PromotionCheck& check : promotion.checks)
    checks.push_back(Json{{"name", check.name}, {"passed", check.passed}, {"why", check.why}});
  return Json{{"model", promotion.model},
              {"before", promotion.before.has_value() ? Json(*promotion.before) : Json(nullptr)},
              {"environment", std::string(registry::name_of(promotion.environment))},
              {"allowed", promotion.allowed},
              {"moved", promotion.moved},
              {"checks", std::move(checks)}};
}

Result<Promotion> promote(const Store& store, const PromotionRequest& request,
                          const metadata::Actor& actor) {
  registry::ModelRegistry models = registry_of(store);
  MARTLET_TRY_SET(const registry::ModelVersion version,
                  models.resolve(request.model, request.from));
  MARTLET_TRY_SET(const auto live,
                  models.target_of(version.model, request.to, registry::live_alias()));
  MARTLET_TRY_SET(const auto attestations, models.attestations(version.model, version.version));
  Promotion promotion;
  promotion.model = registry::to_text(version.model, version.version);
  promotion.environment = request.to;
  if (live.has_value()) promotion.before = registry::to_text(live->model, live->version);
  promotion.checks = check_gates(attestations, request.waivers);
  MARTLET_TRY(check_waivers(promotion.checks, request.waivers));
  promotion.checks.insert(promotion.checks.begin(), check_package(store, version));
  promotion.allowed = std::all_of(promotion.checks.begin(), promotion.checks.end(),
                                  [](const PromotionCheck& check) { return check.passed; });
  if (!promotion.allowed || request.mode == PromotionMode::DryRun) return promotion;
  if (live.has_value() && live->version == version.version) return promotion;
  MARTLET_TRY(move(store, version, live, request, actor));
  promotion.moved = true;
  return promotion;
}

Result<Promotion> roll_back(const Store& store, const std::string& model,
                            registry::Environment environment, const std::string& reason,
                            const metadata::Actor& actor) {
  registry::ModelRegistry models = registry_of(store);
  MARTLET_TRY_SET(const registry::ModelName name, registry::ModelName::parse(model));
  MARTLET_TRY_SET(const auto history,
                  models.alias_history(name, environment, registry::live_alias()));
  if (history.empty() || !history.back().from.has_value()) {
    return not_found("rolling " + model + " back in " +
                     std::string(registry::name_of(environment)) +
                     ": no other version was live there before");
  }
  MARTLET_TRY_SET(const registry::ModelVersion version, models.version(name, *history.back().from));
  MARTLET_TRY_SET(const auto live, models.target_of(name, environment, registry::live_alias()));
  Promotion promotion;
  promotion.model = registry::to_text(name, version.version);
  promotion.environment = environment;
  if (live.has_value()) promotion.before = registry::to_text(name, live->version);
  promotion.checks = {check_package(store, version)};
  promotion.allowed = promotion.checks.front().passed;
  if (!promotion.allowed) return promotion;
  PromotionRequest request;
  request.to = environment;
  request.reason = reason;
  MARTLET_TRY(move(store, version, live, request, actor));
  promotion.moved = true;
  return promotion;
}

}  // namespace martlet::lifecycle

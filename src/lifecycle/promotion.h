// lifecycle/promotion.h: the use cases "models promote" and "models rollback": a person moves the
// live alias of an environment, after the checks that hold whoever moves it. Every move is audited
// with its reason.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "lifecycle/store.h"
#include "metadata/audit.h"
#include "registry/model_version.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace martlet::lifecycle {

struct PromotionCheck {
  std::string name;  // "package", "gate kpi.saving"
  bool passed = false;
  std::string why;
};

enum class PromotionMode : std::uint8_t { DryRun, Move };

struct PromotionRequest {
  std::string model;  // "flight-delay/3", "flight-delay@live"
  registry::Environment from = registry::Environment::Experiment;  // whose aliases `model` names
  registry::Environment to = registry::Environment::Experiment;
  std::string reason;
  std::map<std::string, std::string> waivers;  // gate → reason: attested and audited with the move
  PromotionMode mode = PromotionMode::Move;
};

struct Promotion {
  std::string model;                  // "flight-delay/3"
  std::optional<std::string> before;  // what was live; absent: nothing
  registry::Environment environment = registry::Environment::Experiment;
  std::vector<PromotionCheck> checks;
  bool allowed = false;
  bool moved = false;
};
// {model, before, environment, allowed, moved, checks: [{name, passed, why}]}
Json to_json(const Promotion& promotion);

// Checks that the package is whole and its golden predictions come out, and that every gate that
// was attested let it pass or is waived. Moves the alias if so, and if that is wanted. NotFound;
// InvalidArgument for a waiver of a gate that isn't there; Conflict when the alias moved meanwhile.
Result<Promotion> promote(const Store& store, const PromotionRequest& request,
                          const metadata::Actor& actor);

// Puts back the version that was live before the last move. NotFound when there was none. The
// package is checked; gates are not: it was live before.
Result<Promotion> roll_back(const Store& store, const std::string& model,
                            registry::Environment environment, const std::string& reason,
                            const metadata::Actor& actor);

}  // namespace martlet::lifecycle

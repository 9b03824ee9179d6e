// evaluation/config.h: the `split:` and `evaluation:` parts of martlet.yaml.
//
// Values. Read before the data is known: columns are checked when they are used.
#pragma once
#include "base/finding.h"
#include "base/yaml.h"
#include "expr/goal.h"
#include "metrics/fairness.h"
#include "problem/contract.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::evaluation {

enum class SplitKind : std::uint8_t {
  Time,        // earliest rows train, latest rows test
  Random,      // by a seeded hash of the key
  Stratified,  // random within each class of the target
  Group,       // all rows of one value of a column stay together
  Column,      // a column says "train", "validation" or "test"
};
std::string_view name_of(SplitKind kind);

struct SplitConfig {
  std::optional<SplitKind>
      by;               // absent: time when the problem has one, else stratified (binary) or random
  double train = 0.70;  // shares of the rows; they add up to 1
  double validation = 0.15;
  double test = 0.15;
  std::string column;  // Group and Column
  // Of Random, Stratified and Group; absent: models.seed.
  std::optional<std::uint64_t> own_seed;
  std::uint64_t seed = 0;  // in force
  problem::Origin origin;
};
SplitConfig read_split(const Yaml& node, std::vector<Finding>& findings);
// The kind in force.
SplitKind split_kind(const SplitConfig& config, const problem::Contract& contract,
                     problem::Task task);

struct FairnessLimit {
  metrics::FairnessMetric metric;
  expr::Goal limit;  // "<= 0.1"; names nothing
};
struct FairnessConfig {
  std::vector<std::string> groups;  // columns
  std::vector<FairnessLimit> limits;
};

// A gate that may fail, and why; kept with the result and audited.
struct Waiver {
  std::string gate;
  std::string reason;
  problem::Origin origin;
};

struct EvaluationConfig {
  std::vector<std::string> slices;  // columns
  std::optional<FairnessConfig> fairness;
  std::vector<Waiver> waivers;
  // The champion's gate holds from the second version on whether it is listed or not; a margin
  // makes it "not worse by more than".
  std::optional<double> champion_margin;
};
// Cross-validation, stress tests and automatic slices belong to the design and aren't supported
// yet: a finding says so.
EvaluationConfig read_evaluation(const Yaml& node, std::vector<Finding>& findings);

}  // namespace martlet::evaluation

// evaluation/gates.h: the conditions that must hold before a model may move on (DESIGN
// §12.5–§12.7).
//
// Every KPI with a goal is a gate; being better than the best baseline always; better than the
// champion once there is one; fairness limits as declared. What is unknown is unknown: it is
// neither passed nor failed, and doesn't let a model move on. Pure functions.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "evaluation/config.h"
#include "metrics/bootstrap.h"
#include "problem/problem.h"
#include "problem/verdict.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace martlet::evaluation {

struct KpiResult {
  std::string name;
  std::string unit;
  double value = 0;  // NaN unknown; so are all numbers here
  double low = 0;    // two-sided, at the KPI's confidence, else 95 %
  double high = 0;
  std::string goal;            // "" without one
  std::optional<bool> passed;  // of the goal; absent: unknown, or no goal
  double baseline = 0;
  std::optional<double> champion;
  double total = 0;  // the sum over the rows of a value KPI; NaN for a metric
};

struct GateResult {
  std::string name;            // "kpi.saving", "better_than_baseline", "better_than_champion",
                               // "fairness.origin.equalized_odds_difference"
  std::optional<bool> passed;  // absent: unknown
  std::string why;             // the figures, for people
  std::string waived;          // the reason, when it was waived
  bool lets_pass() const { return passed.value_or(false) || !waived.empty(); }
};

struct GateReport {
  std::vector<KpiResult> kpis;
  std::vector<GateResult> gates;
  problem::Verdict verdict;
  bool all_passed() const;  // every gate passed or was waived
};

// All outcomes are of the same test rows in the same order; blocks likewise. The champion is absent
// for the first version.
struct GateInputs {
  const problem::Problem& problem;
  const EvaluationConfig& config;
  const problem::Outcomes& model;
  const problem::Outcomes& baseline;
  std::string baseline_name;
  const problem::Outcomes* champion = nullptr;
  // The model is the champion itself, made once more: nothing is asked of it beyond what it was
  // asked when it became the champion, so its gates against the champion pass and say so.
  bool model_is_champion = false;
  // Why there is a champion that can't answer these rows (its columns are gone): its gate is
  // unknown.
  std::string champion_is_mute;
  const metrics::Blocks& blocks;
  metrics::BootstrapOptions bootstrap;  // its confidence serves KPIs that name none
};

// A goal with a confidence is met when the one-sided bound of value minus limit meets it, value and
// limit being computed under the same draws; without one when the point estimate does. Better than
// … likewise, for the gain of the primary KPI above 0 (or above minus the champion's margin).
// Fairness limits are met by the point estimate.
// Errors: NotFound (a fairness column that the rows lack), InvalidArgument: a waiver of a gate that
// doesn't exist, a KPI that can't be computed.
Result<GateReport> check_gates(const GateInputs& inputs);

// The paired gate alone, for champion against challenger in the loop: is `model` better than
// `other` (by more than -margin)?
Result<GateResult> better_than(const std::string& name, const problem::Kpi& primary,
                               const problem::Outcomes& model, const problem::Outcomes& other,
                               const metrics::Blocks& blocks,
                               const metrics::BootstrapOptions& bootstrap, double margin = 0);

Json to_json(const KpiResult& kpi);    // {name, value, low, high, goal, passed, baseline, …}
Json to_json(const GateResult& gate);  // {name, passed, why[, waived]}; unknown is null

}  // namespace martlet::evaluation

#include "evaluation/gates.h"

#include "base/text.h"
#include "evaluation/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace martlet::evaluation {
namespace {

using metrics::Statistic;
using problem::Kpi;
using problem::Outcomes;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kIsChampion =
    "it is the champion: the same feature program, model and threshold";

std::string with_unit(double value, const Kpi& kpi) {
  if (std::isnan(value)) return "unknown";
  return kpi.unit().empty() ? fmt::format("{:.6g}", value)
                            : fmt::format("{:.6g} {}", value, kpi.unit());
}

// The goal's limit for given values of baseline and champion; a champion that isn't there is
// unknown.
Result<double> limit_of(const expr::Goal& goal, double baseline, double champion) {
  const expr::NamedNumber values[] = {
      {"baseline", baseline}, {"champion", champion}, {"reference", kNan}};
  return goal.limit_value(values);
}

bool is_strict(expr::Comparator comparator) {
  return comparator == expr::Comparator::Less || comparator == expr::Comparator::Greater;
}

bool is_equality(expr::Comparator comparator) {
  return comparator == expr::Comparator::Equal || comparator == expr::Comparator::NotEqual;
}

struct KpiStatistics {
  Statistic model;
  Statistic baseline;
  std::optional<Statistic> champion;
};

// The goal of one KPI. `resampled` holds the draws of model, baseline and (perhaps) champion.
Result<GateResult> check_goal(const Kpi& kpi, const KpiResult& result,
                              const std::vector<std::vector<double>>& resampled, std::size_t blocks,
                              bool model_is_champion) {
  const expr::Goal& goal = *kpi.goal();
  GateResult gate{.name = "kpi." + kpi.name(), .passed = std::nullopt, .why = "", .waived = ""};
  MARTLET_TRY_SET(const double limit,
                  limit_of(goal, result.baseline, result.champion.value_or(kNan)));
  const auto names = goal.limit.names_used();
  const bool needs_champion = std::find(names.begin(), names.end(), "champion") != names.end();
  const bool names_baseline = std::find(names.begin(), names.end(), "baseline") != names.end();
  if (needs_champion && !names_baseline && model_is_champion) {
    gate.passed = true;
    gate.why = fmt::format("{} is {}; its goal {} is for others, since {}", kpi.name(),
                           with_unit(result.value, kpi), goal.text, kIsChampion);
    return gate;
  }
  if (std::isnan(result.value) || std::isnan(limit)) {
    gate.why = fmt::format("unknown: {} is {}, its goal {} is {}{}", kpi.name(),
                           with_unit(result.value, kpi), goal.text,
                           std::isnan(limit) ? "unknown" : shortest(limit),
                           needs_champion && !result.champion ? " (there is no champion yet)" : "");
    return gate;
  }
  if (!kpi.confidence() || is_equality(goal.comparator)) {
    gate.passed = goal.met(result.value, limit);
    gate.why = fmt::format("{} is {}, the goal {} is {}", kpi.name(), with_unit(result.value, kpi),
                           goal.text, with_unit(limit, kpi));
    return gate;
  }
  const double sign = goal.smaller_is_better() ? -1.0 : 1.0;
  std::vector<double> margins;
  margins.reserve(resampled[0].size());
  for (std::size_t r = 0; r < resampled[0].size(); ++r) {
    MARTLET_TRY_SET(const double here,
                    limit_of(goal, resampled[1][r], resampled.size() > 2 ? resampled[2][r] : kNan));
    margins.push_back(sign * (resampled[0][r] - here));
  }
  const metrics::Interval margin =
      metrics::interval_of(sign * (result.value - limit), margins, blocks, *kpi.confidence());
  if (std::isnan(margin.lower_bound)) {
    gate.why =
        fmt::format("unknown: {} is {}, but there are too few independent rows to be {:.3g}% sure",
                    kpi.name(), with_unit(result.value, kpi), *kpi.confidence() * 100);
    return gate;
  }
  gate.passed = is_strict(goal.comparator) ? margin.lower_bound > 0 : margin.lower_bound >= 0;
  gate.why = fmt::format(
      "{} is {}, the goal {} is {}; the margin is {} and, at {:.3g}% confidence, at least {}",
      kpi.name(), with_unit(result.value, kpi), goal.text, with_unit(limit, kpi),
      with_unit(margin.value, kpi), *kpi.confidence() * 100, with_unit(margin.lower_bound, kpi));
  return gate;
}

Result<KpiResult> measure(const Kpi& kpi, const GateInputs& inputs) {
  KpiResult result;
  result.name = kpi.name();
  result.unit = kpi.unit();
  if (kpi.goal()) result.goal = kpi.goal()->text;
  MARTLET_TRY_SET(result.value, kpi.estimate(inputs.model));
  MARTLET_TRY_SET(result.baseline, kpi.estimate(inputs.baseline));
  if (inputs.champion != nullptr) {
    MARTLET_TRY_SET(result.champion, kpi.estimate(*inputs.champion));
  }
  result.total = kNan;
  if (kpi.is_value()) {
    MARTLET_TRY_SET(const problem::Total total, kpi.total(inputs.model));
    result.total = total.sum;
  }
  return result;
}

Result<void> check_kpi(const Kpi& kpi, const GateInputs& inputs, GateReport& report) {
  MARTLET_TRY_SET(KpiResult result, measure(kpi, inputs));
  std::vector<Statistic> statistics;
  MARTLET_TRY_SET(Statistic of_model, kpi.statistic(inputs.model, inputs.blocks));
  statistics.push_back(std::move(of_model));
  if (kpi.goal() && kpi.confidence()) {
    MARTLET_TRY_SET(Statistic of_baseline, kpi.statistic(inputs.baseline, inputs.blocks));
    statistics.push_back(std::move(of_baseline));
    if (inputs.champion != nullptr) {
      MARTLET_TRY_SET(Statistic of_champion, kpi.statistic(*inputs.champion, inputs.blocks));
      statistics.push_back(std::move(of_champion));
    }
  }
  const auto resampled = metrics::resample(statistics, inputs.blocks.count(), inputs.bootstrap);
  const metrics::Interval interval =
      metrics::interval_of(result.value, resampled[0], inputs.blocks.count(),
                           kpi.confidence().value_or(inputs.bootstrap.confidence));
  result.low = interval.low;
  result.high = interval.high;
  if (kpi.goal()) {
    MARTLET_TRY_SET(GateResult gate, check_goal(kpi, result, resampled, inputs.blocks.count(),
                                                inputs.model_is_champion));
    result.passed = gate.passed;
    report.gates.push_back(std::move(gate));
  }
  report.kpis.push_back(std::move(result));
  return {};
}

Result<void> check_fairness(const GateInputs& inputs, GateReport& report) {
  if (!inputs.config.fairness) return {};
  if (inputs.problem.task() != problem::Task::Binary) {
    return invalid_argument("fairness between groups is defined for yes/no decisions; take "
                            "evaluation.fairness out of a regression");
  }
  // Only rows whose target is known can be judged.
  std::vector<std::uint32_t> known;
  Outcomes judged;
  for (std::size_t i = 0; i < inputs.model.size(); ++i) {
    if (std::isnan(inputs.model.actual[i])) continue;
    known.push_back(static_cast<std::uint32_t>(i));
    judged.actual.push_back(inputs.model.actual[i]);
    judged.predicted.push_back(inputs.model.predicted[i]);
  }
  for (const std::string& name : inputs.config.fairness->groups) {
    MARTLET_TRY_SET(const columns::Column* column, inputs.model.rows.column(name));
    MARTLET_TRY_SET(const FairnessReport measured,
                    fairness_report(name, column->take(known), judged,
                                    metrics::Blocks::of_rows(known.size()), std::nullopt));
    for (const FairnessLimit& limit : inputs.config.fairness->limits) {
      const std::string metric(metrics::name_of(limit.metric));
      double value = kNan;
      for (const Figure& figure : measured.figures) {
        if (figure.name == metric) value = figure.value;
      }
      MARTLET_TRY_SET(const double bound, limit.limit.limit_value({}));
      GateResult gate{.name = fmt::format("fairness.{}.{}", name, metric),
                      .passed = std::nullopt,
                      .why = "",
                      .waived = ""};
      if (std::isnan(value) || std::isnan(bound)) {
        gate.why = fmt::format("unknown: {} between the groups of {} isn't defined on these rows",
                               metric, name);
      } else {
        gate.passed = limit.limit.met(value, bound);
        gate.why = fmt::format("{} between the {} groups of {} is {:.4g}, the limit {}", metric,
                               measured.groups.size(), name, value, limit.limit.text);
      }
      report.gates.push_back(std::move(gate));
    }
  }
  return {};
}

Result<void> apply_waivers(const std::vector<Waiver>& waivers, GateReport& report) {
  std::vector<Finding> findings;
  std::vector<std::string> known;
  known.reserve(report.gates.size());
  for (const GateResult& gate : report.gates) known.push_back(gate.name);
  for (const Waiver& waiver : waivers) {
    const auto found =
        std::find_if(report.gates.begin(), report.gates.end(),
                     [&](const GateResult& gate) { return gate.name == waiver.gate; });
    if (found == report.gates.end()) {
      findings.push_back(waiver.origin.finding(
          "unknown_name",
          fmt::format("there is no gate \"{}\" to waive{}; there are {}", waiver.gate,
                      did_you_mean(waiver.gate, known), join(known, ", "))));
    } else {
      found->waived = waiver.reason;
    }
  }
  if (!findings.empty()) return invalid("the waivers of gates", std::move(findings));
  return {};
}

}  // namespace

bool GateReport::all_passed() const {
  return std::all_of(gates.begin(), gates.end(),
                     [](const GateResult& gate) { return gate.lets_pass(); });
}

Result<GateResult> better_than(const std::string& name, const Kpi& primary, const Outcomes& model,
                               const Outcomes& other, const metrics::Blocks& blocks,
                               const metrics::BootstrapOptions& bootstrap, double margin) {
  GateResult gate{.name = name, .passed = std::nullopt, .why = "", .waived = ""};
  if (model.size() != other.size())
    return internal_error("two models are compared on the same rows");
  MARTLET_TRY_SET(const double mine, primary.estimate(model));
  MARTLET_TRY_SET(const double theirs, primary.estimate(other));
  const double gain = primary.merit(mine) - primary.merit(theirs);
  const std::string figures = fmt::format("{} is {} against {}", primary.name(),
                                          with_unit(mine, primary), with_unit(theirs, primary));
  if (std::isnan(gain)) {
    gate.why = "unknown: " + figures;
    return gate;
  }
  const std::string wanted = margin > 0
                                 ? fmt::format("a loss of at most {}", with_unit(margin, primary))
                                 : "a gain above 0";
  if (!primary.confidence()) {
    gate.passed = gain > -margin;
    gate.why =
        fmt::format("{}, a gain of {}; {} is asked for", figures, with_unit(gain, primary), wanted);
    return gate;
  }
  MARTLET_TRY_SET(const Statistic of_model, primary.statistic(model, blocks));
  MARTLET_TRY_SET(const Statistic of_other, primary.statistic(other, blocks));
  metrics::BootstrapOptions options = bootstrap;
  options.confidence = *primary.confidence();
  const metrics::Interval interval = metrics::bootstrap(
      [&](std::span<const double> draws) {
        return primary.merit(of_model(draws)) - primary.merit(of_other(draws));
      },
      blocks.count(), options);
  if (std::isnan(interval.lower_bound)) {
    gate.why = fmt::format("unknown: {}, but there are too few independent rows to be {:.3g}% sure",
                           figures, options.confidence * 100);
    return gate;
  }
  gate.passed = interval.lower_bound > -margin;
  gate.why =
      fmt::format("{}, a gain of {} and, at {:.3g}% confidence, at least {}; {} is asked for",
                  figures, with_unit(gain, primary), options.confidence * 100,
                  with_unit(interval.lower_bound, primary), wanted);
  return gate;
}

Result<GateReport> check_gates(const GateInputs& inputs) {
  GateReport report;
  for (const Kpi& kpi : inputs.problem.kpis()) MARTLET_TRY(check_kpi(kpi, inputs, report));
  const Kpi& primary = inputs.problem.primary();
  MARTLET_TRY_SET(report.verdict,
                  problem::decide(primary, inputs.model, inputs.baseline, inputs.baseline_name,
                                  inputs.blocks, inputs.bootstrap));
  MARTLET_TRY_SET(GateResult baseline,
                  better_than("better_than_baseline", primary, inputs.model, inputs.baseline,
                              inputs.blocks, inputs.bootstrap));
  baseline.why = fmt::format("against \"{}\": {}", inputs.baseline_name, baseline.why);
  report.gates.push_back(std::move(baseline));
  if (inputs.champion != nullptr && inputs.model_is_champion) {
    report.gates.push_back(
        {.name = "better_than_champion", .passed = true, .why = kIsChampion, .waived = ""});
  } else if (inputs.champion != nullptr) {
    MARTLET_TRY_SET(GateResult champion,
                    better_than("better_than_champion", primary, inputs.model, *inputs.champion,
                                inputs.blocks, inputs.bootstrap,
                                inputs.config.champion_margin.value_or(0)));
    report.gates.push_back(std::move(champion));
  } else if (!inputs.champion_is_mute.empty()) {
    report.gates.push_back({.name = "better_than_champion",
                            .passed = std::nullopt,
                            .why = "unknown: " + inputs.champion_is_mute,
                            .waived = ""});
  }
  MARTLET_TRY(check_fairness(inputs, report));
  // The champion's gate may be waived before there is a champion.
  std::vector<Waiver> waivers = inputs.config.waivers;
  if (inputs.champion == nullptr && inputs.champion_is_mute.empty()) {
    std::erase_if(waivers,
                  [](const Waiver& waiver) { return waiver.gate == "better_than_champion"; });
  }
  MARTLET_TRY(apply_waivers(waivers, report));
  return report;
}

Json to_json(const KpiResult& kpi) {
  Json json{{"name", kpi.name},
            {"value", number_or_null(kpi.value)},
            {"low", number_or_null(kpi.low)},
            {"high", number_or_null(kpi.high)},
            {"goal", kpi.goal.empty() ? Json(nullptr) : Json(kpi.goal)},
            {"passed", kpi.passed ? Json(*kpi.passed) : Json(nullptr)},
            {"baseline", number_or_null(kpi.baseline)}};
  if (kpi.champion) json["champion"] = number_or_null(*kpi.champion);
  if (!kpi.unit.empty()) json["unit"] = kpi.unit;
  if (!std::isnan(kpi.total)) json["total"] = kpi.total;
  return json;
}

Json to_json(const GateResult& gate) {
  Json json{{"name", gate.name},
            {"passed", gate.passed ? Json(*gate.passed) : Json(nullptr)},
            {"why", gate.why}};
  if (!gate.waived.empty()) json["waived"] = gate.waived;
  return json;
}

}  // namespace martlet::evaluation

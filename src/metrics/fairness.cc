#include "metrics/fairness.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

namespace martlet::metrics {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

constexpr std::array<FairnessMetric, 5> kAll{
    FairnessMetric::DemographicParityDifference, FairnessMetric::DemographicParityRatio,
    FairnessMetric::EqualizedOddsDifference, FairnessMetric::EqualizedOddsRatio,
    FairnessMetric::EqualOpportunityDifference};

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  double difference() const { return high - low; }
  double ratio() const { return high > 0 ? low / high : kNan; }
};

double rate(double part, double whole) { return whole > 0 ? part / whole : 0.0; }

}  // namespace

std::span<const FairnessMetric> all_fairness_metrics() { return kAll; }

std::string_view name_of(FairnessMetric metric) {
  switch (metric) {
    case FairnessMetric::DemographicParityDifference: return "demographic_parity_difference";
    case FairnessMetric::DemographicParityRatio: return "demographic_parity_ratio";
    case FairnessMetric::EqualizedOddsDifference: return "equalized_odds_difference";
    case FairnessMetric::EqualizedOddsRatio: return "equalized_odds_ratio";
    case FairnessMetric::EqualOpportunityDifference: return "equal_opportunity_difference";
  }
  return "";
}

Result<FairnessMetric> fairness_metric_by_name(std::string_view name) {
  std::vector<std::string> known;
  for (const FairnessMetric metric : kAll) {
    if (name_of(metric) == name) return metric;
    known.emplace_back(name_of(metric));
  }
  return not_found(fmt::format("there is no fairness metric \"{}\"{}; there are {}", name,
                               did_you_mean(name, known), join(known, ", ")));
}

double value_of(FairnessMetric metric, const Fairness& fairness) {
  switch (metric) {
    case FairnessMetric::DemographicParityDifference: return fairness.demographic_parity_difference;
    case FairnessMetric::DemographicParityRatio: return fairness.demographic_parity_ratio;
    case FairnessMetric::EqualizedOddsDifference: return fairness.equalized_odds_difference;
    case FairnessMetric::EqualizedOddsRatio: return fairness.equalized_odds_ratio;
    case FairnessMetric::EqualOpportunityDifference: return fairness.equal_opportunity_difference;
  }
  return kNan;
}

std::vector<Confusion> group_confusions(std::span<const double> actual,
                                        std::span<const double> predicted,
                                        std::span<const std::uint32_t> group, std::size_t groups) {
  MARTLET_CHECK(actual.size() == predicted.size() && actual.size() == group.size(),
                "a metric's inputs must have one length");
  std::vector<Confusion> counts(groups);
  for (std::size_t i = 0; i < actual.size(); ++i) {
    Confusion& mine = counts[group[i]];
    const bool positive = actual[i] != 0.0;
    if (predicted[i] != 0.0) {
      (positive ? mine.true_positive : mine.false_positive) += 1;
    } else {
      (positive ? mine.false_negative : mine.true_negative) += 1;
    }
  }
  return counts;
}

GroupRates rates_of(const Confusion& counts) {
  const double negatives = counts.false_positive + counts.true_negative;
  return {.rows = counts.total(),
          .base_rate = counts.base_rate(),
          .selection_rate = counts.selection_rate(),
          .true_positive_rate = counts.recall(),
          .false_positive_rate = negatives > 0 ? counts.false_positive / negatives : kNan,
          .precision = counts.precision(),
          .accuracy = counts.accuracy()};
}

Fairness fairness_of(std::span<const Confusion> groups) {
  Range selection;
  Range true_positive;
  Range false_positive;
  bool any = false;
  for (const Confusion& counts : groups) {
    if (counts.total() <= 0) continue;
    any = true;
    selection.add(counts.selection_rate());
    true_positive.add(counts.recall());
    false_positive.add(rate(counts.false_positive, counts.false_positive + counts.true_negative));
  }
  if (!any) return {kNan, kNan, kNan, kNan, kNan};
  // Fairlearn takes Python's min() of (true, false) positive ratios: a NaN in front stays, a NaN
  // behind is passed over.
  double odds_ratio = true_positive.ratio();
  if (false_positive.ratio() < odds_ratio) odds_ratio = false_positive.ratio();
  return {.demographic_parity_difference = selection.difference(),
          .demographic_parity_ratio = selection.ratio(),
          .equalized_odds_difference =
              std::max(true_positive.difference(), false_positive.difference()),
          .equalized_odds_ratio = odds_ratio,
          .equal_opportunity_difference = true_positive.difference()};
}

}  // namespace martlet::metrics

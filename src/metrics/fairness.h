// metrics/fairness.h: how evenly decisions fall on groups of people.
//
// Figures equal Fairlearn 0.15.0, its treatment of empty denominators included: a rate whose
// denominator is empty counts as 0 in differences and ratios, and a ratio 0/0 is NaN. Shapes as in
// metrics/classification.h; group holds numbers below `groups`. Pure functions.
#pragma once
#include "base/result.h"
#include "metrics/classification.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace martlet::metrics {

struct GroupRates {
  double rows = 0;  // weighted
  double base_rate = 0;
  double selection_rate = 0;
  double true_positive_rate = 0;   // 0 when the group has no positives
  double false_positive_rate = 0;  // NaN when it has no negatives
  double precision = 0;            // 0 when nobody is selected
  double accuracy = 0;
};

struct Fairness {
  double demographic_parity_difference;  // largest minus smallest selection rate
  double demographic_parity_ratio;   // smallest over largest; NaN when nobody is selected anywhere
  double equalized_odds_difference;  // the larger of the true and false positive rates' differences
  double equalized_odds_ratio;       // the smaller of their ratios
  double equal_opportunity_difference;  // of true positive rates
};

enum class FairnessMetric : std::uint8_t {
  DemographicParityDifference,
  DemographicParityRatio,
  EqualizedOddsDifference,
  EqualizedOddsRatio,
  EqualOpportunityDifference,
};
std::span<const FairnessMetric> all_fairness_metrics();
std::string_view name_of(FairnessMetric metric);
// NotFound, with the nearest name.
Result<FairnessMetric> fairness_metric_by_name(std::string_view name);
double value_of(FairnessMetric metric, const Fairness& fairness);

// One count per group.
std::vector<Confusion> group_confusions(std::span<const double> actual,
                                        std::span<const double> predicted,
                                        std::span<const std::uint32_t> group, std::size_t groups);
GroupRates rates_of(const Confusion& counts);
// Groups without any rows are left out. All NaN without groups.
Fairness fairness_of(std::span<const Confusion> groups);

}  // namespace martlet::metrics

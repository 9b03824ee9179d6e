#include "metrics/fairness.h"

#include <gtest/gtest.h>

#include <cmath>

namespace martlet::metrics {
namespace {

Fairness fairness(const std::vector<double>& actual, const std::vector<double>& predicted,
                  const std::vector<std::uint32_t>& group, std::size_t groups) {
  return fairness_of(group_confusions(actual, predicted, group, groups));
}

// All expected values: Fairlearn 0.15.0.
TEST(Fairness, figures_equal_fairlearn) {
  std::vector<double> actual;
  std::vector<double> predicted;
  std::vector<std::uint32_t> group;
  for (int i = 0; i < 60; ++i) {
    const double positive = (i * i * 7 + i * 3) % 11 < 4 ? 1.0 : 0.0;
    actual.push_back(positive);
    predicted.push_back((i * 37 % 23) / 22.0 * 0.8 + 0.1 * positive >= 0.5 ? 1.0 : 0.0);
    group.push_back(static_cast<std::uint32_t>(i * 5 % 3));
  }
  const Fairness f = fairness(actual, predicted, group, 3);
  EXPECT_NEAR(f.demographic_parity_difference, 0.15, 1e-14);
  EXPECT_NEAR(f.demographic_parity_ratio, 0.7272727272727273, 1e-14);
  EXPECT_NEAR(f.equalized_odds_difference, 0.3333333333333333, 1e-14);
  EXPECT_NEAR(f.equalized_odds_ratio, 0.5, 1e-14);
  EXPECT_NEAR(f.equal_opportunity_difference, 0.09090909090909088, 1e-14);
}

TEST(Fairness, a_group_without_positives_has_a_true_positive_rate_of_zero) {
  const Fairness f = fairness({0, 0, 0, 1, 1, 0}, {0, 1, 0, 1, 0, 0}, {0, 0, 0, 1, 1, 1}, 2);
  EXPECT_EQ(f.demographic_parity_difference, 0.0);
  EXPECT_EQ(f.demographic_parity_ratio, 1.0);
  EXPECT_EQ(f.equalized_odds_difference, 0.5);
  EXPECT_EQ(f.equalized_odds_ratio, 0.0);
  EXPECT_EQ(f.equal_opportunity_difference, 0.5);
}

TEST(Fairness, ratios_of_nothing_by_nothing_are_treated_as_fairlearn_does) {
  const Fairness nobody = fairness({0, 0, 0, 1, 1, 0}, {0, 0, 0, 0, 0, 0}, {0, 0, 0, 1, 1, 1}, 2);
  EXPECT_TRUE(std::isnan(nobody.demographic_parity_ratio));
  EXPECT_TRUE(std::isnan(nobody.equalized_odds_ratio));
  const Fairness no_false_positive = fairness({1, 0, 1, 0}, {1, 0, 1, 0}, {0, 0, 1, 1}, 2);
  EXPECT_EQ(no_false_positive.equalized_odds_ratio, 1.0);
  const Fairness no_true_positive = fairness({1, 1, 0, 0}, {0, 0, 1, 1}, {0, 0, 1, 1}, 2);
  EXPECT_EQ(no_true_positive.demographic_parity_difference, 1.0);
  EXPECT_EQ(no_true_positive.equalized_odds_difference, 1.0);
  EXPECT_TRUE(std::isnan(no_true_positive.equalized_odds_ratio));
}

TEST(Fairness, a_group_without_negatives_has_no_false_positive_rate) {
  const GroupRates rates = rates_of({.true_positive = 2, .false_negative = 2});
  EXPECT_TRUE(std::isnan(rates.false_positive_rate));
  EXPECT_EQ(rates.true_positive_rate, 0.5);
  EXPECT_EQ(rates.rows, 4);
}

TEST(Fairness, no_groups_give_no_figures) {
  EXPECT_TRUE(std::isnan(fairness_of({}).demographic_parity_difference));
}

TEST(Fairness, names_are_read_and_slips_get_the_nearest) {
  for (const FairnessMetric metric : all_fairness_metrics())
    EXPECT_EQ(fairness_metric_by_name(name_of(metric)).value(), metric);
  const auto slip = fairness_metric_by_name("equalised_odds_difference");
  ASSERT_FALSE(slip.has_value());
  EXPECT_NE(slip.error().message().find("equalized_odds_difference"), std::string::npos);
}

}  // namespace
}  // namespace martlet::metrics

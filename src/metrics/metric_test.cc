#include "metrics/metric.h"

#include <gtest/gtest.h>

#include <cmath>

namespace martlet::metrics {
namespace {

TEST(Metric, every_metric_is_found_by_its_own_name) {
  for (const MetricInfo& one : all_metrics()) {
    const auto found = metric_by_name(one.name);
    ASSERT_TRUE(found.has_value()) << one.name;
    EXPECT_EQ(*found, one.metric);
    EXPECT_EQ(info(*found).name, one.name);
  }
}

TEST(Metric, an_unknown_name_is_refused_with_the_nearest) {
  const auto found = metric_by_name("average_precison");
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code(), ErrorCode::NotFound);
  EXPECT_NE(found.error().message().find("did you mean \"average_precision\""), std::string::npos);
}

TEST(Metric, merit_orders_values_by_direction) {
  EXPECT_GT(merit(Direction::HigherIsBetter, 2), merit(Direction::HigherIsBetter, 1));
  EXPECT_GT(merit(Direction::LowerIsBetter, 1), merit(Direction::LowerIsBetter, 2));
  EXPECT_GT(merit(Direction::NearerToZeroIsBetter, 1), merit(Direction::NearerToZeroIsBetter, -2));
}

TEST(Metric, every_metric_is_perfect_on_a_perfect_forecast) {
  const std::vector<double> actual{0, 1, 1, 0, 1};
  for (const MetricInfo& one : all_metrics()) {
    const double value =
        compute(one.metric, {.actual = actual, .score = actual, .predicted = actual, .weight = {}});
    const double best = one.direction == Direction::HigherIsBetter ? 1.0 : 0.0;
    EXPECT_NEAR(value, best, 1e-12) << one.name;
  }
}

}  // namespace
}  // namespace martlet::metrics

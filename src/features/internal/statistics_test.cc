#include "features/internal/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace martlet::features {
namespace {

std::vector<double> sample() { return {3.5, -1, 0.25, 8, 2, 2, 100, 7.75, -3, 1}; }

// numpy 2.4.6: quantile, median, mean, std
TEST(Statistics, quantiles_and_moments_equal_numpys) {
  auto sorted = sample();
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(quantile_of_sorted(sorted, 0.05), -2.1);
  EXPECT_EQ(quantile_of_sorted(sorted, 0.95), 58.5999999999999);
  EXPECT_EQ(quantile_of_sorted(sorted, 0.37), 1.33);
  EXPECT_EQ(quantile_of_sorted(sorted, 0), -3);
  EXPECT_EQ(quantile_of_sorted(sorted, 1), 100);
  EXPECT_EQ(median_of(sample()), 2);
  EXPECT_DOUBLE_EQ(spread_of(sample()).mean, 12.05);
  EXPECT_NEAR(spread_of(sample()).deviation, 29.50144064, 1e-8);
}

TEST(Statistics, sums_lose_nothing_to_cancellation) {
  EXPECT_EQ(sum_of(std::vector<double>{1e16, 1, -1e16, 1}), 2);
}

TEST(Statistics, the_smallest_of_equally_frequent_values_is_the_mode) {
  EXPECT_EQ(mode_of(std::vector<double>{5, 1, 5, 1, 9}), 1);
  EXPECT_EQ(mode_of({}), 0);
  EXPECT_EQ(median_of({}), 0);
}

TEST(Statistics, only_finite_values_count) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(finite_of(std::vector<double>{1, infinity, -infinity, infinity - infinity, 2}),
            (std::vector<double>{1, 2}));
}

}  // namespace
}  // namespace martlet::features

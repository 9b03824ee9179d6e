#include "metrics/statistics.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

namespace martlet::metrics {
namespace {

constexpr std::array<double, 7> kValues{3.0, 1.0, 4.0, 1.5, 9.0, 2.6, 5.3};

TEST(Statistics, sum_keeps_what_a_plain_loop_loses) {
  const std::array<double, 4> values{1.0, 1e100, 1.0, -1e100};
  EXPECT_EQ(sum(values), 2.0);
}

TEST(Statistics, sum_of_infinities_is_infinite) {
  const std::array<double, 3> values{1.0, std::numeric_limits<double>::infinity(), 2.0};
  EXPECT_TRUE(std::isinf(sum(values)));
}

TEST(Statistics, moments_equal_numpy) {  // NumPy 2.4.6
  EXPECT_DOUBLE_EQ(variance(kValues, 1), 7.422380952380952);
  EXPECT_DOUBLE_EQ(standard_deviation(kValues, 0), 2.5223086282861047);
}

TEST(Statistics, moments_of_too_few_values_are_not_numbers) {
  EXPECT_TRUE(std::isnan(mean({})));
  EXPECT_TRUE(std::isnan(variance(std::array<double, 1>{3.0}, 1)));
  EXPECT_EQ(variance(std::array<double, 1>{3.0}, 0), 0.0);
  EXPECT_TRUE(std::isnan(quantile({}, 0.5)));
}

TEST(Statistics, quantiles_equal_numpy_bit_for_bit) {  // numpy.quantile(v, numpy.arange(.1, .95,
                                                       // .1)), NumPy 2.4.6
  const std::array<double, 9> expected{
      1.3,  1.7200000000000002, 2.3800000000000003, 2.7600000000000002, 3.0, 3.5999999999999996,
      4.26, 5.040000000000001,  6.780000000000001};
  std::array<double, 9> qs{};
  for (std::size_t i = 0; i < qs.size(); ++i) qs[i] = 0.1 + static_cast<double>(i) * 0.1;
  const std::vector<double> found = quantiles(kValues, qs);
  for (std::size_t i = 0; i < qs.size(); ++i) EXPECT_EQ(found[i], expected[i]) << i;
}

TEST(Statistics, outer_quantiles_are_the_extremes) {
  EXPECT_EQ(quantile(kValues, 0.0), 1.0);
  EXPECT_EQ(quantile(kValues, 1.0), 9.0);
}

}  // namespace
}  // namespace martlet::metrics

#include "metrics/regression.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace martlet::metrics {
namespace {

// Sixty rows made by integer arithmetic; expected values: scikit-learn 1.9.1 and NumPy 2.4.6.
struct Table {
  std::vector<double> actual, predicted, weight;
  Table() {
    for (int i = 0; i < 60; ++i) {
      actual.push_back(i * 29 % 31 * 1.5 + 0.25 * i);
      predicted.push_back(actual.back() + i * 17 % 13 - 5.5);
      weight.push_back(i % 4);
    }
  }
};

TEST(Regression, unweighted_figures_equal_scikit_learn) {
  const Table t;
  EXPECT_NEAR(rmse(t.actual, t.predicted), 3.8144462245521304, 1e-13);
  EXPECT_NEAR(mae(t.actual, t.predicted), 3.316666666666667, 1e-13);
  EXPECT_NEAR(r2(t.actual, t.predicted), 0.9206856647061429, 1e-13);
  EXPECT_NEAR(bias(t.actual, t.predicted), 0.48333333333333334, 1e-13);
  EXPECT_NEAR(wape(t.actual, t.predicted), 0.10883237626469784, 1e-13);
}

TEST(Regression, weighted_figures_equal_scikit_learn) {
  const Table t;
  EXPECT_NEAR(rmse(t.actual, t.predicted, t.weight), 3.8765677832043357, 1e-13);
  EXPECT_NEAR(mae(t.actual, t.predicted, t.weight), 3.3777777777777778, 1e-13);
  EXPECT_NEAR(r2(t.actual, t.predicted, t.weight), 0.9148023445890827, 1e-13);
}

TEST(Regression, r2_of_a_constant_target_is_one_or_zero_as_in_scikit_learn) {
  const std::vector<double> constant(5, 3.1);
  EXPECT_EQ(r2(constant, constant), 1.0);
  std::vector<double> off = constant;
  off.back() = 3.2;
  EXPECT_EQ(r2(constant, off), 0.0);
}

TEST(Regression, r2_is_accurate_for_large_numbers_that_differ_little) {
  const std::vector<double> actual{1e9 + 1, 1e9 + 2, 1e9 + 3, 1e9 + 4};
  const std::vector<double> predicted{1e9 + 1, 1e9 + 2, 1e9 + 3, 1e9 + 5};
  EXPECT_NEAR(r2(actual, predicted), 0.8, 1e-12);
}

TEST(Regression, nothing_and_too_little_are_undefined) {
  EXPECT_TRUE(std::isnan(rmse({}, {})));
  EXPECT_TRUE(std::isnan(r2(std::vector<double>{1.0}, std::vector<double>{1.0})));
  EXPECT_TRUE(std::isnan(wape(std::vector<double>{0.0}, std::vector<double>{1.0})));
}

}  // namespace
}  // namespace martlet::metrics

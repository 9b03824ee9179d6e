#include "metrics/regression.h"

#include "base/result.h"
#include "metrics/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace martlet::metrics {
namespace {
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

RegressionSums sums_of(std::span<const double> actual, std::span<const double> predicted,
                       std::span<const double> weight) {
  const double center = actual.empty() ? 0.0 : mean(actual);
  return regression_sums(actual, predicted, std::isfinite(center) ? center : 0.0, weight);
}

}  // namespace

double RegressionSums::rmse() const {
  return weight > 0 ? std::sqrt(squared_error / weight) : kNan;
}
double RegressionSums::mae() const { return weight > 0 ? absolute_error / weight : kNan; }
double RegressionSums::bias() const { return weight > 0 ? error / weight : kNan; }
double RegressionSums::wape() const {
  return absolute_actual > 0 ? absolute_error / absolute_actual : kNan;
}

double RegressionSums::r2() const {
  if (weight < 2) return kNan;
  const double spread = actual_squared - actual * actual / weight;
  // Values that are all equal leave only rounding noise of their distance from the shift.
  if (spread <= 1e-12 * actual_squared) return squared_error == 0 ? 1.0 : 0.0;
  return 1.0 - squared_error / spread;
}

RegressionSums regression_sums(std::span<const double> actual, std::span<const double> predicted,
                               double shift, std::span<const double> weight) {
  MARTLET_CHECK(actual.size() == predicted.size(), "a metric's inputs must have one length");
  MARTLET_CHECK(weight.empty() || weight.size() == actual.size(), "one weight a row");
  Summation total[7];
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double w = weight.empty() ? 1.0 : weight[i];
    if (w == 0.0) continue;
    const double error = predicted[i] - actual[i];
    const double shifted = actual[i] - shift;
    total[0].add(w);
    total[1].add(w * error * error);
    total[2].add(w * std::abs(error));
    total[3].add(w * error);
    total[4].add(w * std::abs(actual[i]));
    total[5].add(w * shifted);
    total[6].add(w * shifted * shifted);
  }
  return {.weight = total[0].value(),
          .squared_error = total[1].value(),
          .absolute_error = total[2].value(),
          .error = total[3].value(),
          .absolute_actual = total[4].value(),
          .actual = total[5].value(),
          .actual_squared = total[6].value()};
}

double rmse(std::span<const double> actual, std::span<const double> predicted,
            std::span<const double> weight) {
  return sums_of(actual, predicted, weight).rmse();
}
double mae(std::span<const double> actual, std::span<const double> predicted,
           std::span<const double> weight) {
  return sums_of(actual, predicted, weight).mae();
}
double r2(std::span<const double> actual, std::span<const double> predicted,
          std::span<const double> weight) {
  return sums_of(actual, predicted, weight).r2();
}
double bias(std::span<const double> actual, std::span<const double> predicted,
            std::span<const double> weight) {
  return sums_of(actual, predicted, weight).bias();
}
double wape(std::span<const double> actual, std::span<const double> predicted,
            std::span<const double> weight) {
  return sums_of(actual, predicted, weight).wape();
}

}  // namespace martlet::metrics

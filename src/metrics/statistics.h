// metrics/statistics.h: sums, moments and quantiles that come out the same whoever asks, in the
// order of their input.
//
// Every sum in this module runs over its input from front to back with Neumaier's compensation, so
// a result depends on the values and their order alone, never on the number of threads (DESIGN
// §12.2). Pure functions; thread-safe. Missing values are the caller's to drop.
#pragma once
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace martlet::metrics {

// A running compensated sum. Source: A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur
// Summation endlicher Summen", ZAMM 54 (1974).
class Summation {
 public:
  void add(double value) {
    const double total = sum_ + value;
    // The compensation would turn an infinity into NaN.
    if (std::isfinite(total)) {
      compensation_ +=
          std::abs(sum_) >= std::abs(value) ? (sum_ - total) + value : (value - total) + sum_;
    }
    sum_ = total;
  }
  double value() const { return std::isfinite(sum_) ? sum_ + compensation_ : sum_; }

 private:
  double sum_ = 0.0;
  double compensation_ = 0.0;
};

double sum(std::span<const double> values);
// NaN of nothing.
double mean(std::span<const double> values);
// Σ(x - mean)² / (n - ddof), in two passes; NaN unless n > ddof. ddof 0 is the population's, 1 the
// sample's.
double variance(std::span<const double> values, int ddof);
double standard_deviation(std::span<const double> values, int ddof);

// The q-quantile, q in [0, 1], of values that are sorted ascending: linear between order
// statistics, bit for bit as NumPy 2 computes its default ("linear"). NaN of nothing.
double quantile_sorted(std::span<const double> sorted, double q);
// Of values in any order; sorts a copy once.
double quantile(std::span<const double> values, double q);
std::vector<double> quantiles(std::span<const double> values, std::span<const double> qs);

// A sorted copy. NaN must not be among the values.
std::vector<double> sorted(std::span<const double> values);

}  // namespace martlet::metrics

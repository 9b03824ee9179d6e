// Statistics that a program learns, in a fixed order of operations, so that a fit gives the same
// bits every time (DESIGN §12.2). Internal.
#pragma once
#include <span>
#include <vector>

namespace martlet::features {

// The finite ones among `values`, in their order.
std::vector<double> finite_of(std::span<const double> values);

// Compensated (Neumaier 1974), in the order given.
double sum_of(std::span<const double> values);
double mean_of(std::span<const double> values);  // 0 for none

struct Spread {
  double mean = 0;
  double deviation = 0;  // of the population (divided by n), two passes
};
Spread spread_of(std::span<const double> values);

// numpy.quantile's default ("linear", Hyndman and Fan's type 7), with its rounding. `sorted`
// ascending, not empty; share in [0, 1].
double quantile_of_sorted(std::span<const double> sorted, double share);
// 0 for none.
double median_of(std::span<const double> values);
// The most frequent value, the smallest of equally frequent ones; 0 for none.
double mode_of(std::span<const double> values);

}  // namespace martlet::features

// metrics/regression.h: how far predicted numbers are from what happened.
//
// Shapes: spans of one length (MARTLET_CHECK); weight is empty or holds non-negative numbers, a
// weight of k counting as k repetitions. Undefined is NaN. Pure functions; thread-safe. rmse, mae
// and r2 equal scikit-learn 1.9.1.
#pragma once
#include <span>

namespace martlet::metrics {

// What all of the figures below are made of: weighted sums over the rows. Sums of blocks of rows
// add up.
struct RegressionSums {
  double weight = 0;
  double squared_error = 0;    // Σ w (p - y)²
  double absolute_error = 0;   // Σ w |p - y|
  double error = 0;            // Σ w (p - y)
  double absolute_actual = 0;  // Σ w |y|
  double actual = 0;           // Σ w (y - shift)
  double actual_squared = 0;   // Σ w (y - shift)²

  double rmse() const;  // √ mean squared error
  double mae() const;
  // 1 - Σ(p-y)²/Σ(y-ȳ)². When all actual values are equal: 1 if there's no error at all, else 0
  // (scikit-learn's force_finite); NaN for fewer than two rows.
  double r2() const;
  double bias() const;  // mean of predicted - actual
  double wape() const;  // Σ|p-y| / Σ|y|; NaN when all actual values are 0
};

// `shift` should be near the mean of actual: it keeps the variance accurate when numbers are large.
RegressionSums regression_sums(std::span<const double> actual, std::span<const double> predicted,
                               double shift, std::span<const double> weight = {});

double rmse(std::span<const double> actual, std::span<const double> predicted,
            std::span<const double> weight = {});
double mae(std::span<const double> actual, std::span<const double> predicted,
           std::span<const double> weight = {});
double r2(std::span<const double> actual, std::span<const double> predicted,
          std::span<const double> weight = {});
double bias(std::span<const double> actual, std::span<const double> predicted,
            std::span<const double> weight = {});
double wape(std::span<const double> actual, std::span<const double> predicted,
            std::span<const double> weight = {});

}  // namespace martlet::metrics

#include "features/internal/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace martlet::features {

std::vector<double> finite_of(std::span<const double> values) {
  std::vector<double> finite;
  finite.reserve(values.size());
  for (const double value : values) {
    if (std::isfinite(value)) finite.push_back(value);
  }
  return finite;
}

double sum_of(std::span<const double> values) {
  double sum = 0;
  double correction = 0;
  for (const double value : values) {
    const double next = sum + value;
    correction += std::abs(sum) >= std::abs(value) ? (sum - next) + value : (value - next) + sum;
    sum = next;
  }
  return sum + correction;
}

double mean_of(std::span<const double> values) {
  return values.empty() ? 0 : sum_of(values) / static_cast<double>(values.size());
}

Spread spread_of(std::span<const double> values) {
  if (values.empty()) return {};
  const double mean = mean_of(values);
  std::vector<double> squares(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    squares[i] = (values[i] - mean) * (values[i] - mean);
  return {mean, std::sqrt(mean_of(squares))};
}

double quantile_of_sorted(std::span<const double> sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(place));
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double t = place - static_cast<double>(below);
  const double difference = sorted[above] - sorted[below];
  // numpy's _lerp goes from the nearer end, so that t = 1 gives the upper value exactly.
  return t < 0.5 ? sorted[below] + difference * t : sorted[above] - difference * (1 - t);
}

double median_of(std::span<const double> values) {
  if (values.empty()) return 0;
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return quantile_of_sorted(sorted, 0.5);
}

double mode_of(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  double mode = 0;
  std::size_t most = 0;
  for (std::size_t begin = 0; begin < sorted.size();) {
    std::size_t end = begin;
    while (end < sorted.size() && sorted[end] == sorted[begin]) ++end;
    if (end - begin > most) {
      most = end - begin;
      mode = sorted[begin];
    }
    begin = end;
  }
  return mode;
}

}  // namespace martlet::features

#include "metrics/statistics.h"

#include "base/sort_numbers.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace martlet::metrics {
namespace {
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
}

double sum(std::span<const double> values) {
  Summation total;
  for (const double value : values) total.add(value);
  return total.value();
}

double mean(std::span<const double> values) {
  return values.empty() ? kNan : sum(values) / static_cast<double>(values.size());
}

double variance(std::span<const double> values, int ddof) {
  const double degrees = static_cast<double>(values.size()) - ddof;
  if (values.empty() || degrees <= 0) return kNan;
  const double center = mean(values);
  Summation squares;
  for (const double value : values) squares.add((value - center) * (value - center));
  return squares.value() / degrees;
}

double standard_deviation(std::span<const double> values, int ddof) {
  return std::sqrt(variance(values, ddof));
}

double quantile_sorted(std::span<const double> sorted_values, double q) {
  if (sorted_values.empty()) return kNan;
  const auto last = static_cast<double>(sorted_values.size() - 1);
  const double position = std::clamp(last * q, 0.0, last);
  const double whole = std::floor(position);
  const auto index = static_cast<std::size_t>(whole);
  if (index + 1 >= sorted_values.size()) return sorted_values.back();
  const double share = position - whole;
  const double low = sorted_values[index];
  const double high = sorted_values[index + 1];
  // NumPy interpolates from the nearer end.
  return share >= 0.5 ? high - (high - low) * (1.0 - share) : low + (high - low) * share;
}

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> copy(values.begin(), values.end());
  sort_numbers(copy);
  return copy;
}

double quantile(std::span<const double> values, double q) {
  return quantile_sorted(sorted(values), q);
}

std::vector<double> quantiles(std::span<const double> values, std::span<const double> qs) {
  const std::vector<double> ordered = sorted(values);
  std::vector<double> results;
  results.reserve(qs.size());
  for (const double q : qs) results.push_back(quantile_sorted(ordered, q));
  return results;
}

}  // namespace martlet::metrics

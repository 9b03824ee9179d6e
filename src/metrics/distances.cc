#include "metrics/distances.h"

#include "metrics/statistics.h"

#include <boost/math/special_functions/gamma.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace martlet::metrics {
namespace {

// The largest sample for which scipy's automatic mode computes an exact p.
constexpr std::size_t kLargestExact = 10'000;

// Checks two rows of counts; gives their totals.
Result<std::pair<double, double>> totals_of(std::span<const std::int64_t> reference,
                                            std::span<const std::int64_t> current) {
  if (reference.size() != current.size() || reference.empty()) {
    return invalid_argument(
        fmt::format("two binned samples need the same bins, at least one: got {} and {}",
                    reference.size(), current.size()));
  }
  const auto negative = [](std::int64_t count) { return count < 0; };
  if (std::any_of(reference.begin(), reference.end(), negative) ||
      std::any_of(current.begin(), current.end(), negative)) {
    return invalid_argument("counts of a bin must not be negative");
  }
  const auto total = [](std::span<const std::int64_t> counts) {
    return static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
  };
  const std::pair<double, double> totals{total(reference), total(current)};
  if (totals.first <= 0 || totals.second <= 0)
    return invalid_argument("a sample without values can't be compared");
  return totals;
}

// Calls visit(value gap to the next distinct place, F_a, F_b) for each place but the last, in
// order.
template <class Visit>
void walk(std::span<const double> a, std::span<const double> b, Visit visit) {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() || j < b.size()) {
    const double here = j >= b.size() || (i < a.size() && a[i] <= b[j]) ? a[i] : b[j];
    while (i < a.size() && a[i] <= here) ++i;
    while (j < b.size() && b[j] <= here) ++j;
    visit(here, i, j);
  }
}

Result<void> check_samples(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || b.empty()) return invalid_argument("a sample without values can't be compared");
  return {};
}

}  // namespace

Result<double> population_stability(std::span<const std::int64_t> reference_counts,
                                    std::span<const std::int64_t> current_counts) {
  MARTLET_TRY_SET(const auto totals, totals_of(reference_counts, current_counts));
  Summation index;
  for (std::size_t i = 0; i < reference_counts.size(); ++i) {
    const double reference =
        std::max(static_cast<double>(reference_counts[i]) / totals.first, kSmallestShare);
    const double current =
        std::max(static_cast<double>(current_counts[i]) / totals.second, kSmallestShare);
    index.add((current - reference) * std::log(current / reference));
  }
  return index.value();
}

std::vector<double> decile_edges(std::span<const double> sorted_reference) {
  std::vector<double> edges;
  if (sorted_reference.empty()) return edges;
  for (int i = 0; i < 9; ++i) {
    // 0.1 + i·0.1 and not (i + 1) / 10: the definition's own arithmetic (numpy.arange) gives
    // 0.30000000000000004, which can move an edge.
    edges.push_back(quantile_sorted(sorted_reference, 0.1 + i * 0.1));
  }
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  return edges;
}

std::vector<std::int64_t> bin_counts(std::span<const double> edges,
                                     std::span<const double> values) {
  std::vector<std::int64_t> counts(edges.size() + 1, 0);
  for (const double value : values) {
    ++counts[static_cast<std::size_t>(std::lower_bound(edges.begin(), edges.end(), value) -
                                      edges.begin())];
  }
  return counts;
}

std::vector<std::int64_t> bin_counts_sorted(std::span<const double> edges,
                                            std::span<const double> sorted) {
  std::vector<std::int64_t> counts;
  auto begin = sorted.begin();
  for (const double edge : edges) {
    const auto end = std::upper_bound(begin, sorted.end(), edge);
    counts.push_back(end - begin);
    begin = end;
  }
  counts.push_back(sorted.end() - begin);
  return counts;
}

Result<KolmogorovSmirnov> ks_two_sample(std::span<const double> a, std::span<const double> b) {
  return ks_two_sample_sorted(sorted(a), sorted(b));
}

Result<KolmogorovSmirnov> ks_two_sample_sorted(std::span<const double> a,
                                               std::span<const double> b) {
  MARTLET_TRY(check_samples(a, b));
  const auto n = static_cast<double>(a.size());
  const auto m = static_cast<double>(b.size());
  double distance = 0;
  walk(a, b, [&](double, std::size_t i, std::size_t j) {
    distance =
        std::max(distance, std::abs(static_cast<double>(i) / n - static_cast<double>(j) / m));
  });
  KolmogorovSmirnov test{.statistic = distance, .p = 1.0};
  if (std::max(a.size(), b.size()) <= kLargestExact) {
    test.p = smirnov_exact_tail(static_cast<std::int64_t>(a.size()),
                                static_cast<std::int64_t>(b.size()), distance);
  } else {
    // Half to even, as numpy.round: the rounding mode that C++ starts in.
    test.p = kolmogorov_tail(static_cast<std::int64_t>(std::nearbyint(n * m / (n + m))), distance);
  }
  return test;
}

Result<double> wasserstein(std::span<const double> a, std::span<const double> b) {
  return wasserstein_sorted(sorted(a), sorted(b));
}

Result<double> wasserstein_sorted(std::span<const double> a, std::span<const double> b) {
  MARTLET_TRY(check_samples(a, b));
  Summation area;
  double before = 0;
  double gap = 0;  // |F_a - F_b| since `before`
  walk(a, b, [&](double here, std::size_t i, std::size_t j) {
    if (gap > 0) area.add(gap * (here - before));
    gap = std::abs(static_cast<double>(i) / static_cast<double>(a.size()) -
                   static_cast<double>(j) / static_cast<double>(b.size()));
    before = here;
  });
  return area.value();
}

Result<double> jensen_shannon(std::span<const std::int64_t> reference_counts,
                              std::span<const std::int64_t> current_counts) {
  MARTLET_TRY_SET(const auto totals, totals_of(reference_counts, current_counts));
  Summation divergence;
  for (std::size_t i = 0; i < reference_counts.size(); ++i) {
    const double reference = static_cast<double>(reference_counts[i]) / totals.first;
    const double current = static_cast<double>(current_counts[i]) / totals.second;
    const double middle = (reference + current) / 2;
    if (reference > 0) divergence.add(reference * std::log(reference / middle));
    if (current > 0) divergence.add(current * std::log(current / middle));
  }
  // Equal shares can leave a negative rounding error.
  return std::sqrt(std::max(divergence.value(), 0.0) / 2);
}

Result<ChiSquared> chi_squared(std::span<const std::int64_t> reference_counts,
                               std::span<const std::int64_t> current_counts) {
  MARTLET_TRY_SET(const auto totals, totals_of(reference_counts, current_counts));
  const double all = totals.first + totals.second;
  Summation statistic;
  std::int64_t bins = 0;
  for (std::size_t i = 0; i < reference_counts.size(); ++i) {
    const auto reference = static_cast<double>(reference_counts[i]);
    const auto current = static_cast<double>(current_counts[i]);
    if (reference + current <= 0) continue;
    ++bins;
    const double expected_reference = totals.first * (reference + current) / all;
    const double expected_current = totals.second * (reference + current) / all;
    statistic.add((reference - expected_reference) * (reference - expected_reference) /
                  expected_reference);
    statistic.add((current - expected_current) * (current - expected_current) / expected_current);
  }
  if (bins < 2) return ChiSquared{};
  ChiSquared test{.statistic = statistic.value(), .degrees_of_freedom = bins - 1, .p = 1.0};
  using boost::math::policies::errno_on_error;
  using boost::math::policies::policy;
  using boost::math::policies::underflow_error;
  // The upper incomplete gamma function can't throw for these arguments; tiny tails become 0.
  test.p =
      boost::math::gamma_q(static_cast<double>(test.degrees_of_freedom) / 2, test.statistic / 2,
                           policy<underflow_error<boost::math::policies::ignore_error>,
                                  boost::math::policies::evaluation_error<errno_on_error>,
                                  boost::math::policies::overflow_error<errno_on_error>,
                                  boost::math::policies::domain_error<errno_on_error>>());
  return test;
}

std::vector<double> benjamini_hochberg(std::span<const double> p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double smallest = 1.0;
  const auto tests = static_cast<double>(p.size());
  for (std::size_t rank = p.size(); rank > 0; --rank) {
    smallest = std::min(smallest, p[order[rank - 1]] * tests / static_cast<double>(rank));
    adjusted[order[rank - 1]] = smallest;
  }
  return adjusted;
}

}  // namespace martlet::metrics

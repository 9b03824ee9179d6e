// metrics/distances.h: how far apart two samples are, with the definitions of DESIGN §12.13.
//
// Missing values are the caller's to drop (numbers) or to give a category of their own. Pure
// functions; thread-safe.
#pragma once
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace martlet::metrics {

// Shares below this count as this in the population stability index, without renormalising.
inline constexpr double kSmallestShare = 1e-4;

// Population stability index between two binned samples, in nats: Σ (c - r) ln(c / r).
//
// Shapes: both spans hold one count per bin, same bins, same order, size >= 1; counts >= 0.
// Range:  >= 0, and 0 when the proportions match; symmetric in its arguments; always finite.
// Errors: InvalidArgument if the sizes differ, there's no bin, any count is negative, or either
// total is 0. Source: on these proportions, the symmetric relative entropy of Jeffreys, Proc. R.
// Soc. A 186 (1946).
Result<double> population_stability(std::span<const std::int64_t> reference_counts,
                                    std::span<const std::int64_t> current_counts);

// The distinct reference quantiles 0.1 … 0.9 (NumPy's linear): the inner edges of at most ten bins.
// Empty for no values.
std::vector<double> decile_edges(std::span<const double> sorted_reference);
// Bin i holds edges[i-1] < x <= edges[i]; the outer bins are open: edges.size() + 1 counts.
std::vector<std::int64_t> bin_counts(std::span<const double> edges, std::span<const double> values);
// The same for values that are sorted ascending, in O(bins log n).
std::vector<std::int64_t> bin_counts_sorted(std::span<const double> edges,
                                            std::span<const double> sorted);

struct KolmogorovSmirnov {
  double statistic = 0;  // the largest difference of the two distribution functions
  double p = 1;          // two-sided
};
// The two-sample test, as scipy.stats.ks_2samp 1.17 does it in its automatic mode: p is exact while
// the larger sample has at most 10,000 values, else from the one-sample distribution at n =
// round(ab / (a + b)) (see metrics/kolmogorov.cc). Errors: InvalidArgument when either sample is
// empty. O((a + b) log) plus at most O(a b) for exact p of unequal sizes.
Result<KolmogorovSmirnov> ks_two_sample(std::span<const double> a, std::span<const double> b);
Result<KolmogorovSmirnov> ks_two_sample_sorted(std::span<const double> a,
                                               std::span<const double> b);

// The first Wasserstein distance (∫ |F - G|), in the values' unit. InvalidArgument when either
// sample is empty.
Result<double> wasserstein(std::span<const double> a, std::span<const double> b);
Result<double> wasserstein_sorted(std::span<const double> a, std::span<const double> b);

// The Jensen–Shannon distance (the square root of the divergence), natural logarithm: 0 … √ln 2.
// Counts as in population_stability, and the same errors.
Result<double> jensen_shannon(std::span<const std::int64_t> reference_counts,
                              std::span<const std::int64_t> current_counts);

struct ChiSquared {
  double statistic = 0;
  std::int64_t degrees_of_freedom = 0;
  double p = 1;
};
// Pearson's test that two samples come from one distribution (scipy.stats.chi2_contingency without
// correction). Bins empty in both are left out; with fewer than two bins left the statistic is 0
// and p 1. Counts and errors as in population_stability.
Result<ChiSquared> chi_squared(std::span<const std::int64_t> reference_counts,
                               std::span<const std::int64_t> current_counts);

// The chance that n values of a continuous distribution differ from it by at least `distance`
// somewhere: Pr(D_n >= distance). n >= 1. Source: R. Simard, P. L'Ecuyer, "Computing the two-sided
// Kolmogorov–Smirnov distribution", J. Stat. Softw. 39 (2011).
double kolmogorov_tail(std::int64_t n, double distance);
// Pr(D >= distance) for two samples of sizes a and b from one continuous distribution, exactly.
// Source: J. L. Hodges, "The significance probability of the Smirnov two-sample test", Ark. Mat. 3
// (1958).
double smirnov_exact_tail(std::int64_t a, std::int64_t b, double distance);

// Adjusted p-values that control the false discovery rate, in the order given. Source: Y.
// Benjamini, Y. Hochberg, J. R. Stat. Soc. B 57 (1995); equals
// scipy.stats.false_discovery_control(method="bh").
std::vector<double> benjamini_hochberg(std::span<const double> p);

}  // namespace martlet::metrics

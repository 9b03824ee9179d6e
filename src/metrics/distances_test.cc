#include "base/random.h"
#include "metrics/distances.h"
#include "metrics/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace martlet::metrics {
namespace {

std::vector<double> values(int n, std::int64_t factor, std::int64_t modulus, double shift = 0) {
  std::vector<double> result;
  for (std::int64_t i = 0; i < n; ++i)
    result.push_back(static_cast<double>(i * factor % modulus) + shift);
  return result;
}

struct KsCase {
  int a, b;
  double shift, statistic, p;
};

// scipy.stats.ks_2samp, SciPy 1.17.1. The tolerance of p is relative: its own approximations are
// followed, so only rounding differs.
TEST(Distances, exact_kolmogorov_smirnov_equals_scipy) {
  for (const KsCase& c : {KsCase{7, 5, 30, 0.17142857142857143, 1.0},
                          KsCase{20, 30, 10, 0.06666666666666667, 0.9999999777510391},
                          KsCase{25, 25, 20, 0.08, 0.999999734559995},
                          KsCase{100, 37, 10, 0.07324324324324324, 0.9953440010142516},
                          KsCase{1000, 1000, 400, 0.398, 4.002682778810179e-71}}) {
    const auto test =
        ks_two_sample(values(c.a, 7919, 1009), values(c.b, 104729, 1013, c.shift)).value();
    EXPECT_NEAR(test.statistic, c.statistic, 1e-15) << c.a << " " << c.b;
    EXPECT_NEAR(test.p, c.p, 1e-9 * c.p) << c.a << " " << c.b;
  }
}

TEST(Distances, asymptotic_kolmogorov_smirnov_equals_scipy) {
  for (const KsCase& c : {KsCase{10001, 12000, 10, 0.013833333333333364, 0.24519982053374345},
                          KsCase{10001, 12000, 40, 0.043333333333333335, 2.443007708346681e-09},
                          KsCase{10001, 12000, 150, 0.15200019998000203, 1.665566468221105e-110},
                          KsCase{15000, 30, 100, 0.10539999999999994, 0.8584861339350868},
                          KsCase{15000, 30, 400, 0.3964, 9.189672587505213e-05},
                          KsCase{15000, 200, 50, 0.053133333333333255, 0.6149317472774412},
                          KsCase{15000, 200, 140, 0.14200000000000002, 0.0006276016949338674},
                          KsCase{15000, 3, 400, 0.4495333333333334, 0.45973403344711083}}) {
    const auto test =
        ks_two_sample(values(c.a, 7919, 1009), values(c.b, 104729, 1013, c.shift)).value();
    EXPECT_NEAR(test.statistic, c.statistic, 1e-15) << c.a << " " << c.b;
    EXPECT_NEAR(test.p, c.p, 1e-8 * c.p) << c.a << " " << c.b << " " << c.shift;
  }
}

TEST(Distances, one_sample_tail_equals_scipy) {  // scipy.stats.kstwo.sf, SciPy 1.17.1
  struct Case {
    std::int64_t n;
    double distance, p;
  };
  for (const Case& c : {Case{1, .3, 1.0},
                        {1, .7, 0.6},
                        {5, .15, 0.9988},
                        {5, .25, 0.8446},
                        {10, .5, 0.00777741},
                        {10, .05, 1.0},
                        {10, .95, 1.9531250000000172e-13},
                        {50, .1, 0.6623112704658186},
                        {50, .25, 0.0030657620198697444},
                        {50, .35, 5.573523514803185e-06},
                        {140, .08, 0.31480749911643063},
                        {140, .16, 0.001344016324418744},
                        {140, .2, 2.1981563302200222e-05},
                        {141, .08, 0.31084170879264117},
                        {141, .2, 2.0276784223976912e-05},
                        {1000, .02, 0.8108971656895577},
                        {1000, .03, 0.3226902143914636},
                        {1000, .05, 0.013012074781090332},
                        {1000, .3, 2.590715705736845e-80},
                        {5000, .01, 0.6954557253913853},
                        {5000, .02, 0.03613941395325637},
                        {5000, .08, 2.7832218159269087e-28},
                        {150000, .001, 0.9982358422822605},
                        {150000, .0035, 0.050579602653264},
                        {150000, .004, 0.01641549696764547},
                        {150000, .01, 1.8579324004514643e-13},
                        {150000, .05, 0.0}}) {
    EXPECT_NEAR(kolmogorov_tail(c.n, c.distance), c.p, 1e-9 * c.p) << c.n << " " << c.distance;
  }
}

TEST(Distances, tails_fall_with_the_distance) {
  for (const std::int64_t n : {2, 13, 140, 141, 3000, 200000}) {
    double before = 1.0;
    for (int i = 1; i <= 60; ++i) {
      const double here = kolmogorov_tail(n, i / 61.0);
      EXPECT_LE(here, before + 1e-7) << n << " " << i;
      before = here;
    }
  }
}

TEST(Distances, exact_tail_of_equal_sizes_agrees_with_the_walk_of_nearly_equal_ones) {
  const double square = smirnov_exact_tail(500, 500, 0.08);
  const double oblong = smirnov_exact_tail(500, 501, 0.08);
  EXPECT_NEAR(square, oblong, 0.01);
}

TEST(Distances, wasserstein_equals_scipy) {  // scipy.stats.wasserstein_distance, SciPy 1.17.1
  EXPECT_NEAR(wasserstein(values(7, 7919, 1009), values(5, 104729, 1013, 30)).value(),
              61.114285714285714, 1e-12);
  EXPECT_NEAR(wasserstein(values(10001, 7919, 1009), values(12000, 104729, 1013, 10)).value(),
              11.762811668833114, 1e-10);
  EXPECT_NEAR(wasserstein(values(15000, 7919, 1009), values(30, 104729, 1013, 400)).value(),
              350.83773333333335, 1e-9);
}

TEST(Distances, a_sample_is_at_no_distance_from_itself) {
  const auto some = values(321, 7919, 101);
  EXPECT_EQ(wasserstein(some, some).value(), 0.0);
  const auto test = ks_two_sample(some, some).value();
  EXPECT_EQ(test.statistic, 0.0);
  EXPECT_EQ(test.p, 1.0);
  const std::vector<std::int64_t> counts{3, 0, 7};
  EXPECT_EQ(population_stability(counts, counts).value(), 0.0);
  EXPECT_EQ(jensen_shannon(counts, counts).value(), 0.0);
  EXPECT_EQ(chi_squared(counts, counts).value().p, 1.0);
}

TEST(Distances, categorical_figures_equal_scipy) {  // scipy.spatial.distance.jensenshannon,
                                                    // scipy.stats.chi2_contingency 1.17.1
  const std::vector<std::int64_t> reference{100, 20, 0, 5, 30};
  const std::vector<std::int64_t> current{80, 0, 10, 5, 60};
  EXPECT_NEAR(jensen_shannon(reference, current).value(), 0.2951478319251288, 1e-14);
  EXPECT_NEAR(population_stability(reference, current).value(), 1.5031867238949848, 1e-13);
  const ChiSquared test = chi_squared(reference, current).value();
  EXPECT_NEAR(test.statistic, 42.22222222222222, 1e-11);
  EXPECT_EQ(test.degrees_of_freedom, 4);
  EXPECT_NEAR(test.p, 1.5002771837891756e-08, 1e-18);
  const std::vector<std::int64_t> left{1000, 0};
  const std::vector<std::int64_t> right{10, 3000};
  EXPECT_EQ(chi_squared(left, right).value().p, 0.0);
}

TEST(Distances, counts_that_cannot_be_compared_are_refused) {
  const std::vector<std::int64_t> two{1, 2};
  const std::vector<std::int64_t> three{1, 2, 3};
  const std::vector<std::int64_t> empty{0, 0};
  const std::vector<std::int64_t> negative{-1, 3};
  EXPECT_FALSE(population_stability(two, three).has_value());
  EXPECT_FALSE(population_stability({}, {}).has_value());
  EXPECT_FALSE(jensen_shannon(two, empty).has_value());
  EXPECT_FALSE(chi_squared(negative, two).has_value());
  EXPECT_FALSE(ks_two_sample({}, std::vector<double>{1.0}).has_value());
  EXPECT_FALSE(wasserstein(std::vector<double>{1.0}, {}).has_value());
}

TEST(Distances, decile_edges_equal_numpy_and_merge_when_equal) {
  const std::vector<double> expected{
      100.9, 201.8, 302.70000000000005, 404.6, 505.5, 605.4, 706.3000000000001, 807.2, 907.1};
  EXPECT_EQ(decile_edges(sorted(values(1000, 7919, 1009))), expected);
  EXPECT_EQ(decile_edges(std::vector<double>(50, 4.0)), std::vector<double>{4.0});
  EXPECT_TRUE(decile_edges({}).empty());
}

TEST(Distances, bins_are_closed_on_the_right_and_open_outside) {
  const std::vector<double> edges{1.0, 2.0};
  EXPECT_EQ(bin_counts(edges, std::vector<double>{-5, 1.0, 1.5, 2.0, 2.5, 99}),
            (std::vector<std::int64_t>{2, 2, 2}));
}

TEST(Distances,
     false_discovery_control_equals_scipy) {  // scipy.stats.false_discovery_control 1.17.1
  const std::vector<double> adjusted =
      benjamini_hochberg(std::vector<double>{0.01, 0.04, 0.03, 0.005, 0.8, 0.2});
  const std::vector<double> expected{0.03, 0.06, 0.06, 0.03, 0.8, 0.24};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(adjusted[i], expected[i], 1e-15);
}

TEST(Distances, bins_of_sorted_values_are_counted_as_those_of_any_values) {
  SeededRandom random(12);
  for (int round = 0; round < 50; ++round) {
    std::vector<double> values(random.below(300));
    for (double& value : values) value = std::round(random.normal() * 5) / 5;
    std::sort(values.begin(), values.end());
    std::vector<double> edges = decile_edges(values);
    if (random.below(2) == 0) edges = {-100, -0.2, 0, 0.3, 100};
    EXPECT_EQ(bin_counts_sorted(edges, values), bin_counts(edges, values)) << "round " << round;
  }
}

}  // namespace
}  // namespace martlet::metrics

#include "base/random.h"
#include "metrics/classification.h"
#include "problem/threshold.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace martlet::problem {
namespace {

Kpi kpi_of(std::string value, std::optional<metrics::Metric> metric = std::nullopt) {
  KpiSpec spec;
  spec.name = "k";
  spec.value = std::move(value);
  spec.metric = metric;
  return Kpi::create(spec, Task::Binary, columns::Schema({{"worth", columns::Type::Double}}),
                     Zone::utc())
      .value();
}

struct Table {
  columns::Batch rows;
  std::vector<double> actual, score;
  Table(std::uint64_t seed, int size) {
    SeededRandom random(seed);
    std::vector<double> worth;
    for (int i = 0; i < size; ++i) {
      actual.push_back(random.below(9) == 0 ? std::nan("") : static_cast<double>(random.below(2)));
      score.push_back(static_cast<double>(random.below(12)) / 12);
      worth.push_back(static_cast<double>(random.below(1000)));
    }
    rows = columns::Batch(columns::Schema({{"worth", columns::Type::Double}}),
                          {columns::Column::of_doubles(std::move(worth))});
  }
};

// Tries every distinct score.
Threshold brute_force(const Kpi& kpi, const Table& t) {
  std::vector<double> candidates;
  for (std::size_t i = 0; i < t.score.size(); ++i) {
    if (!std::isnan(t.actual[i])) candidates.push_back(t.score[i]);
  }
  std::sort(candidates.begin(), candidates.end());
  Threshold best{.value = -1, .kpi = std::nan("")};
  for (const double candidate : candidates) {
    const Outcomes outcomes{.rows = t.rows,
                            .actual = t.actual,
                            .score = t.score,
                            .predicted = metrics::decide(t.score, candidate)};
    const double value = kpi.estimate(outcomes).value();
    if (std::isnan(best.kpi) || value > best.kpi) best = {.value = candidate, .kpi = value};
  }
  return best;
}

TEST(Threshold, equals_trying_every_score) {
  for (const Kpi& kpi :
       {kpi_of("case when predicted and actual then worth when predicted then -250 else 0 end"),
        kpi_of("", metrics::Metric::F1), kpi_of("", metrics::Metric::Accuracy),
        kpi_of("", metrics::Metric::Precision), kpi_of("", metrics::Metric::Recall)}) {
    for (std::uint64_t seed = 1; seed <= 25; ++seed) {
      const Table t(seed, 40);
      const Threshold found = choose_threshold(kpi, t.rows, t.actual, t.score).value();
      const Threshold expected = brute_force(kpi, t);
      EXPECT_EQ(found.value, expected.value) << "seed " << seed;
      EXPECT_NEAR(found.kpi, expected.kpi, 1e-9) << "seed " << seed;
    }
  }
}

TEST(Threshold, ties_take_the_smallest) {
  const std::vector<double> actual{1, 0, 1};
  const std::vector<double> score{0.9, 0.5, 0.1};
  EXPECT_EQ(choose_threshold(kpi_of("7"), {}, actual, score)->value, 0.1);
  EXPECT_EQ(choose_threshold(kpi_of("", metrics::Metric::Recall), {}, actual, score)->value, 0.1);
}

TEST(Threshold, a_kpi_of_scores_alone_leaves_one_half) {
  const std::vector<double> actual{1, 0};
  const std::vector<double> score{0.9, 0.1};
  const Threshold threshold =
      choose_threshold(kpi_of("", metrics::Metric::Auc), {}, actual, score).value();
  EXPECT_EQ(threshold.value, 0.5);
  EXPECT_EQ(threshold.kpi, 1.0);
}

TEST(Threshold, the_curve_has_each_distinct_score_once_from_the_highest) {
  const Kpi kpi = kpi_of("case when predicted then worth else 0 end");
  const Table t(3, 60);
  const std::vector<Threshold> curve = threshold_curve(kpi, t.rows, t.actual, t.score).value();
  ASSERT_GT(curve.size(), 5U);
  for (std::size_t i = 0; i < curve.size(); ++i) {
    if (i > 0) {
      EXPECT_LT(curve[i].value, curve[i - 1].value);
    }
    const Outcomes outcomes{.rows = t.rows,
                            .actual = t.actual,
                            .score = t.score,
                            .predicted = metrics::decide(t.score, curve[i].value)};
    EXPECT_NEAR(curve[i].kpi, kpi.estimate(outcomes).value(), 1e-9);
  }
}

TEST(Threshold, a_kpi_of_scores_alone_has_no_curve) {
  const std::vector<double> actual{1, 0};
  const std::vector<double> score{0.9, 0.1};
  EXPECT_TRUE(
      threshold_curve(kpi_of("", metrics::Metric::Brier), {}, actual, score).value().empty());
}

TEST(Threshold, needs_targets_and_real_scores) {
  const std::vector<double> unknown{std::nan("")};
  const std::vector<double> known{1.0};
  const std::vector<double> half{0.5};
  EXPECT_FALSE(choose_threshold(kpi_of("1"), {}, unknown, half).has_value());
  EXPECT_FALSE(choose_threshold(kpi_of("1"), {}, known, unknown).has_value());
}

}  // namespace
}  // namespace martlet::problem

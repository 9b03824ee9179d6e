#include "base/random.h"
#include "metrics/bootstrap.h"
#include "metrics/fairness.h"
#include "metrics/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace martlet::metrics {
namespace {

struct Table {
  std::vector<double> actual, score, predicted;
  std::vector<std::int64_t> day;
  explicit Table(int rows) {
    SeededRandom random(7);
    for (int i = 0; i < rows; ++i) {
      actual.push_back(static_cast<double>(random.below(2)));
      score.push_back(static_cast<double>(random.below(10)) / 20 + 0.3 * actual.back());
      predicted.push_back(score.back() >= 0.4 ? 1.0 : 0.0);
      day.push_back(i / 7);
    }
  }
  Sample sample() const {
    return {.actual = actual, .score = score, .predicted = predicted, .weight = {}};
  }
};

TEST(Bootstrap, statistics_under_draws_equal_the_metric_of_the_repeated_rows) {
  const Table t(70);
  const Blocks blocks = Blocks::of_keys(t.day);
  ASSERT_EQ(blocks.count(), 10U);
  std::vector<double> draws;
  for (std::size_t b = 0; b < blocks.count(); ++b) draws.push_back(static_cast<double>(b * 3 % 4));
  Table repeated(0);
  for (std::size_t i = 0; i < t.actual.size(); ++i) {
    for (int k = 0; k < static_cast<int>(draws[blocks.of_row()[i]]); ++k) {
      repeated.actual.push_back(t.actual[i]);
      repeated.score.push_back(t.score[i]);
      repeated.predicted.push_back(t.predicted[i]);
    }
  }
  for (const MetricInfo& one : all_metrics()) {
    EXPECT_NEAR(metric_statistic(one.metric, t.sample(), blocks)(draws),
                compute(one.metric, repeated.sample()), 1e-12)
        << one.name;
  }
  EXPECT_NEAR(mean_statistic(t.score, blocks)(draws), mean(repeated.score), 1e-12);
}

TEST(Bootstrap, the_sample_itself_is_the_value_of_every_interval) {
  const Table t(50);
  const Blocks blocks = Blocks::of_rows(50);
  for (const MetricInfo& one : all_metrics()) {
    const Interval interval = bootstrap(metric_statistic(one.metric, t.sample(), blocks),
                                        blocks.count(), {.resamples = 50});
    EXPECT_NEAR(interval.value, compute(one.metric, t.sample()), 1e-12) << one.name;
    EXPECT_LE(interval.low, interval.lower_bound);
    EXPECT_LE(interval.lower_bound, interval.upper_bound);
    EXPECT_LE(interval.upper_bound, interval.high);
  }
}

TEST(Bootstrap, a_seed_replays_and_another_seed_differs) {
  const Table t(60);
  const Blocks blocks = Blocks::of_rows(60);
  const Statistic statistic = metric_statistic(Metric::Auc, t.sample(), blocks);
  const Interval one = bootstrap(statistic, blocks.count(), {.resamples = 100, .seed = 5});
  const Interval again = bootstrap(statistic, blocks.count(), {.resamples = 100, .seed = 5});
  const Interval other = bootstrap(statistic, blocks.count(), {.resamples = 100, .seed = 6});
  EXPECT_EQ(one.low, again.low);
  EXPECT_EQ(one.high, again.high);
  EXPECT_NE(one.low, other.low);
}

TEST(Bootstrap, the_interval_of_a_mean_is_as_wide_as_theory_says) {
  std::vector<double> values;
  SeededRandom random(11);
  for (int i = 0; i < 400; ++i) values.push_back(random.normal());
  const Interval interval = bootstrap(mean_statistic(values, Blocks::of_rows(400)), 400, {});
  const double error = standard_deviation(values, 1) / 20;
  EXPECT_NEAR(interval.low, interval.value - 1.96 * error, 0.15 * error);
  EXPECT_NEAR(interval.high, interval.value + 1.96 * error, 0.15 * error);
  EXPECT_NEAR(interval.lower_bound, interval.value - 1.645 * error, 0.15 * error);
}

TEST(Bootstrap, rows_of_one_block_are_drawn_together) {
  // Each day's rows are copies: as blocks they are ten values, not seventy.
  std::vector<double> values;
  std::vector<std::int64_t> day;
  for (int i = 0; i < 70; ++i) {
    values.push_back(static_cast<double>((i / 7) * 7 % 10));
    day.push_back(i / 7);
  }
  const Blocks days = Blocks::of_keys(day);
  const Interval by_day = bootstrap(mean_statistic(values, days), days.count(), {.resamples = 500});
  const Interval by_row =
      bootstrap(mean_statistic(values, Blocks::of_rows(70)), 70, {.resamples = 500});
  EXPECT_GT(by_day.high - by_day.low, 2 * (by_row.high - by_row.low));
}

TEST(Bootstrap, pairing_removes_what_two_figures_share) {
  std::vector<double> first;
  std::vector<double> second;
  SeededRandom random(3);
  for (int i = 0; i < 200; ++i) {
    second.push_back(100 * random.normal());
    first.push_back(second.back() + 1 + 0.1 * random.normal());
  }
  const Blocks blocks = Blocks::of_rows(200);
  const Interval gain = bootstrap_difference(
      mean_statistic(first, blocks), mean_statistic(second, blocks), 200, {.resamples = 300});
  EXPECT_NEAR(gain.value, 1.0, 0.05);
  EXPECT_GT(gain.low, 0.9);
  EXPECT_LT(gain.high, 1.1);
}

TEST(Bootstrap, one_block_tells_nothing_about_spread) {
  const std::vector<double> values{1, 2, 3};
  const std::vector<std::int64_t> day{4, 4, 4};
  const Blocks blocks = Blocks::of_keys(day);
  const Interval interval =
      bootstrap(mean_statistic(values, blocks), blocks.count(), {.resamples = 10});
  EXPECT_EQ(interval.value, 2.0);
  EXPECT_TRUE(std::isnan(interval.low));
  EXPECT_TRUE(std::isnan(interval.upper_bound));
  EXPECT_TRUE(std::isnan(bootstrap(mean_statistic({}, Blocks::of_rows(0)), 0, {}).value));
}

TEST(Bootstrap, left_out_rows_count_nowhere) {
  const std::vector<double> values{1.0, std::nan(""), 3.0};
  const Blocks blocks = Blocks::of_rows(3);
  EXPECT_EQ(mean_statistic(values, blocks)(std::vector<double>{1, 1, 1}), 2.0);
  EXPECT_TRUE(std::isnan(mean_statistic(values, blocks)(std::vector<double>{0, 3, 0})));
}

TEST(Bootstrap, a_subset_keeps_the_blocks_of_the_whole) {
  const std::vector<std::int64_t> day{8, 8, 9, 10};
  const std::vector<std::uint32_t> rows{2, 0};
  const Blocks chosen = Blocks::of_keys(day).select(rows);
  EXPECT_EQ(chosen.count(), 3U);
  EXPECT_EQ(chosen.of_row()[0], 1U);
  EXPECT_EQ(chosen.of_row()[1], 0U);
}

TEST(Bootstrap, group_figures_follow_the_draws) {
  const std::vector<double> actual{1, 0, 1, 0};
  const std::vector<double> predicted{1, 0, 0, 1};
  const std::vector<std::uint32_t> group{0, 0, 1, 1};
  const Blocks blocks = Blocks::of_rows(4);
  const GroupCounts counts(actual, predicted, group, 2, blocks);
  const auto parity = [&](std::vector<double> draws) {
    return fairness_of(counts.under(draws)).demographic_parity_difference;
  };
  EXPECT_EQ(parity({1, 1, 1, 1}), 0.0);
  EXPECT_EQ(parity({3, 1, 1, 1}), 0.25);
}

TEST(Bootstrap, figures_computed_together_equal_those_computed_alone) {
  const Table t(40);
  const Blocks blocks = Blocks::of_rows(40);
  const Statistic statistic = metric_statistic(Metric::Brier, t.sample(), blocks);
  const BootstrapOptions options{.resamples = 20, .seed = 3};
  const auto together = resample(
      [&](std::span<const double> draws, std::span<double> figures) {
        figures[0] = statistic(draws);
        figures[1] = -figures[0];
      },
      2, blocks.count(), options);
  EXPECT_EQ(together[0],
            resample(std::span<const Statistic>(&statistic, 1), blocks.count(), options)[0]);
  EXPECT_EQ(together[1][7], -together[0][7]);
}

}  // namespace
}  // namespace martlet::metrics

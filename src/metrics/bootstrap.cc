#include "metrics/bootstrap.h"

#include "base/random.h"
#include "base/result.h"
#include "metrics/regression.h"
#include "metrics/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <unordered_map>

namespace martlet::metrics {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Sums per block of some columns of per-row numbers, weighted by draws into one total per column.
class BlockSums {
 public:
  BlockSums(std::size_t columns, std::size_t blocks)
      : columns_(columns), blocks_(blocks), sums_(columns * blocks, 0.0) {}
  void add(std::size_t column, std::uint32_t block, double value) {
    sums_[column * blocks_ + block] += value;
  }
  double total(std::size_t column, std::span<const double> draws) const {
    const double* mine = sums_.data() + column * blocks_;
    double total = 0;
    for (std::size_t block = 0; block < blocks_; ++block) total += draws[block] * mine[block];
    return total;
  }
  std::size_t columns() const { return columns_; }

 private:
  std::size_t columns_;
  std::size_t blocks_;
  std::vector<double> sums_;
};

Statistic rank_statistic(Metric metric, const Sample& sample, const Blocks& blocks) {
  struct State {
    RankedScores ranked;
    std::vector<std::uint32_t> block;  // in the order of the ranking
  };
  auto state = std::make_shared<State>(State{RankedScores(sample.actual, sample.score), {}});
  state->block.reserve(blocks.rows());
  for (const std::uint32_t row : state->ranked.order())
    state->block.push_back(blocks.of_row()[row]);
  return [state = std::shared_ptr<const State>(state), metric](std::span<const double> draws) {
    return metric == Metric::Auc ? state->ranked.auc(draws, state->block)
                                 : state->ranked.average_precision(draws, state->block);
  };
}

Statistic confusion_statistic(Metric metric, const Sample& sample, const Blocks& blocks) {
  auto sums = std::make_shared<BlockSums>(4, blocks.count());
  for (std::size_t i = 0; i < sample.actual.size(); ++i) {
    const std::size_t cell =
        (sample.actual[i] != 0.0 ? 2U : 0U) + (sample.predicted[i] != 0.0 ? 1U : 0U);
    sums->add(cell, blocks.of_row()[i], 1.0);
  }
  return [sums = std::shared_ptr<const BlockSums>(sums), metric](std::span<const double> draws) {
    const Confusion counts{.true_positive = sums->total(3, draws),
                           .false_positive = sums->total(1, draws),
                           .true_negative = sums->total(0, draws),
                           .false_negative = sums->total(2, draws)};
    switch (metric) {
      case Metric::Accuracy: return counts.accuracy();
      case Metric::Precision: return counts.precision();
      case Metric::Recall: return counts.recall();
      default: return counts.f1();
    }
  };
}

Statistic regression_statistic(Metric metric, const Sample& sample, const Blocks& blocks) {
  auto sums = std::make_shared<BlockSums>(7, blocks.count());
  const double shift = sample.actual.empty() ? 0.0 : mean(sample.actual);
  for (std::size_t i = 0; i < sample.actual.size(); ++i) {
    const std::uint32_t block = blocks.of_row()[i];
    const double error = sample.predicted[i] - sample.actual[i];
    const double shifted = sample.actual[i] - shift;
    sums->add(0, block, 1.0);
    sums->add(1, block, error * error);
    sums->add(2, block, std::abs(error));
    sums->add(3, block, error);
    sums->add(4, block, std::abs(sample.actual[i]));
    sums->add(5, block, shifted);
    sums->add(6, block, shifted * shifted);
  }
  return [sums = std::shared_ptr<const BlockSums>(sums), metric](std::span<const double> draws) {
    RegressionSums total{.weight = sums->total(0, draws)};
    switch (metric) {
      case Metric::Rmse: total.squared_error = sums->total(1, draws); return total.rmse();
      case Metric::Mae: total.absolute_error = sums->total(2, draws); return total.mae();
      case Metric::Bias: total.error = sums->total(3, draws); return total.bias();
      case Metric::Wape:
        total.absolute_error = sums->total(2, draws);
        total.absolute_actual = sums->total(4, draws);
        return total.wape();
      default:
        total.squared_error = sums->total(1, draws);
        total.actual = sums->total(5, draws);
        total.actual_squared = sums->total(6, draws);
        return total.r2();
    }
  };
}

// Spreads (seed, resample) over all bits; SeededRandom mixes further.
std::uint64_t seed_of(std::uint64_t seed, int resample) {
  return seed ^ (0x9e3779b97f4a7c15ULL * (static_cast<std::uint64_t>(resample) + 1));
}

double sample_value(const Statistic& statistic, std::size_t blocks) {
  return statistic(std::vector<double>(blocks, 1.0));
}

}  // namespace

Blocks Blocks::of_rows(std::size_t rows) {
  Blocks blocks;
  blocks.block_.resize(rows);
  std::iota(blocks.block_.begin(), blocks.block_.end(), 0U);
  blocks.count_ = rows;
  return blocks;
}

Blocks Blocks::of_keys(std::span<const std::int64_t> keys) {
  Blocks blocks;
  blocks.block_.reserve(keys.size());
  std::unordered_map<std::int64_t, std::uint32_t> numbers;
  for (const std::int64_t key : keys) {
    const auto found = numbers.try_emplace(key, static_cast<std::uint32_t>(numbers.size())).first;
    blocks.block_.push_back(found->second);
  }
  blocks.count_ = numbers.size();
  return blocks;
}

Blocks Blocks::select(std::span<const std::uint32_t> rows) const {
  Blocks chosen;
  chosen.block_.reserve(rows.size());
  for (const std::uint32_t row : rows) chosen.block_.push_back(block_[row]);
  chosen.count_ = count_;
  return chosen;
}

Statistic mean_statistic(std::span<const double> values, const Blocks& blocks) {
  MARTLET_CHECK(values.size() == blocks.rows(), "one block a row");
  auto sums = std::make_shared<BlockSums>(2, blocks.count());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    sums->add(0, blocks.of_row()[i], values[i]);
    sums->add(1, blocks.of_row()[i], 1.0);
  }
  return [sums = std::shared_ptr<const BlockSums>(sums)](std::span<const double> draws) {
    const double rows = sums->total(1, draws);
    return rows > 0 ? sums->total(0, draws) / rows : kNan;
  };
}

Statistic metric_statistic(Metric metric, const Sample& sample, const Blocks& blocks) {
  MARTLET_CHECK(sample.actual.size() == blocks.rows(), "one block a row");
  const MetricInfo& about = info(metric);
  const auto& needed = about.input == MetricInput::Score ? sample.score : sample.predicted;
  MARTLET_CHECK(needed.size() == blocks.rows(), "the metric's input is missing");
  if (metric == Metric::Auc || metric == Metric::AveragePrecision)
    return rank_statistic(metric, sample, blocks);
  if (metric == Metric::LogLoss || metric == Metric::Brier) {
    std::vector<double> per_row(sample.actual.size());
    for (std::size_t i = 0; i < per_row.size(); ++i) {
      const double error = sample.score[i] - sample.actual[i];
      per_row[i] = metric == Metric::LogLoss ? row_log_loss(sample.actual[i], sample.score[i])
                                             : error * error;
    }
    return mean_statistic(per_row, blocks);
  }
  return about.task == MetricTask::Binary ? confusion_statistic(metric, sample, blocks)
                                          : regression_statistic(metric, sample, blocks);
}

GroupCounts::GroupCounts(std::span<const double> actual, std::span<const double> predicted,
                         std::span<const std::uint32_t> group, std::size_t groups,
                         const Blocks& blocks)
    : block_(blocks.of_row().begin(), blocks.of_row().end()), groups_(groups) {
  MARTLET_CHECK(actual.size() == blocks.rows() && predicted.size() == blocks.rows() &&
                    group.size() == blocks.rows(),
                "one block a row");
  cell_.reserve(actual.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    MARTLET_CHECK(group[i] < groups, "a row's group is numbered below their count");
    cell_.push_back(group[i] * 4 + (actual[i] != 0.0 ? 2 : 0) + (predicted[i] != 0.0 ? 1 : 0));
  }
}

std::vector<Confusion> GroupCounts::under(std::span<const double> draws) const {
  std::vector<double> cells(groups_ * 4, 0.0);
  for (std::size_t i = 0; i < cell_.size(); ++i) cells[cell_[i]] += draws[block_[i]];
  std::vector<Confusion> counts(groups_);
  for (std::size_t g = 0; g < groups_; ++g) {
    counts[g] = {.true_positive = cells[g * 4 + 3],
                 .false_positive = cells[g * 4 + 1],
                 .true_negative = cells[g * 4],
                 .false_negative = cells[g * 4 + 2]};
  }
  return counts;
}

std::vector<std::vector<double>> resample(const Figures& figures, std::size_t width,
                                          std::size_t blocks, const BootstrapOptions& options) {
  std::vector<std::vector<double>> results(width);
  for (auto& one : results) one.reserve(static_cast<std::size_t>(std::max(options.resamples, 0)));
  if (blocks == 0) return results;
  std::vector<double> draws(blocks);
  std::vector<double> here(width);
  for (int r = 0; r < options.resamples; ++r) {
    SeededRandom random(seed_of(options.seed, r));
    std::fill(draws.begin(), draws.end(), 0.0);
    for (std::size_t i = 0; i < blocks; ++i) draws[random.below(blocks)] += 1.0;
    figures(draws, here);
    for (std::size_t f = 0; f < width; ++f) results[f].push_back(here[f]);
  }
  return results;
}

std::vector<std::vector<double>> resample(std::span<const Statistic> statistics, std::size_t blocks,
                                          const BootstrapOptions& options) {
  const auto all = [&](std::span<const double> draws, std::span<double> figures) {
    for (std::size_t s = 0; s < statistics.size(); ++s) figures[s] = statistics[s](draws);
  };
  return resample(all, statistics.size(), blocks, options);
}

Interval interval_of(double value, std::span<const double> resampled, std::size_t blocks,
                     double confidence) {
  std::vector<double> known;
  known.reserve(resampled.size());
  std::copy_if(resampled.begin(), resampled.end(), std::back_inserter(known),
               [](double one) { return !std::isnan(one); });
  Interval interval{
      .value = value, .low = kNan, .high = kNan, .lower_bound = kNan, .upper_bound = kNan};
  if (blocks < 2 || known.empty() || known.size() * 2 < resampled.size() || std::isnan(value))
    return interval;
  std::sort(known.begin(), known.end());
  const double outside = 1.0 - confidence;
  interval.low = quantile_sorted(known, outside / 2);
  interval.high = quantile_sorted(known, 1.0 - outside / 2);
  interval.lower_bound = quantile_sorted(known, outside);
  interval.upper_bound = quantile_sorted(known, confidence);
  return interval;
}

Interval bootstrap(const Statistic& statistic, std::size_t blocks,
                   const BootstrapOptions& options) {
  const auto results = resample(std::span<const Statistic>(&statistic, 1), blocks, options);
  return interval_of(blocks == 0 ? kNan : sample_value(statistic, blocks), results[0], blocks,
                     options.confidence);
}

Interval bootstrap_difference(const Statistic& first, const Statistic& second, std::size_t blocks,
                              const BootstrapOptions& options) {
  return bootstrap([&](std::span<const double> draws) { return first(draws) - second(draws); },
                   blocks, options);
}

}  // namespace martlet::metrics

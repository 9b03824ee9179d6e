// metrics/bootstrap.h: how sure a figure is: intervals by resampling whole blocks of rows.
//
// Rows of one block (a day) depend on each other and are drawn together (DESIGN §12.6). A statistic
// sees one thing: how often each block was drawn. Statistics made here keep sums per block, or rows
// sorted once, so that a resample costs O(blocks) or one pass, never a sort. Two statistics over
// the same blocks are paired by being evaluated under the same draw.
//
// Seeded: resample r draws from its own generator made of (seed, r), so the result is the same
// whoever computes which resample.
#pragma once
#include "metrics/classification.h"
#include "metrics/metric.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace martlet::metrics {

// Which block each row belongs to. A value.
class Blocks {
 public:
  // Every row by itself.
  static Blocks of_rows(std::size_t rows);
  // Rows of equal key together; blocks are numbered in the order in which their keys first appear.
  static Blocks of_keys(std::span<const std::int64_t> keys);

  std::size_t rows() const { return block_.size(); }
  std::size_t count() const { return count_; }
  std::span<const std::uint32_t> of_row() const { return block_; }
  // The blocks of a subset of the rows, numbered as here, so that statistics over the subset stay
  // paired with those over all.
  Blocks select(std::span<const std::uint32_t> rows) const;

 private:
  std::vector<std::uint32_t> block_;
  std::size_t count_ = 0;
};

// draws[b] says how often block b counts; all ones is the sample itself. NaN when undefined. Safe
// to call from several threads.
using Statistic = std::function<double(std::span<const double> draws)>;

// The mean of per-row values. NaN among them marks rows that are left out.
Statistic mean_statistic(std::span<const double> values, const Blocks& blocks);
// Any metric of the table, of the whole sample (its weights are ignored).
Statistic metric_statistic(Metric metric, const Sample& sample, const Blocks& blocks);
// The four outcomes per group of rows under a draw, for fairness figures and everything else that
// is made of counts. Immutable.
class GroupCounts {
 public:
  // Spans of one length; group holds numbers below `groups`.
  GroupCounts(std::span<const double> actual, std::span<const double> predicted,
              std::span<const std::uint32_t> group, std::size_t groups, const Blocks& blocks);
  // One Confusion per group. O(rows).
  std::vector<Confusion> under(std::span<const double> draws) const;

 private:
  std::vector<std::uint32_t> cell_;  // group · 4 + actual · 2 + predicted
  std::vector<std::uint32_t> block_;
  std::size_t groups_;
};

struct BootstrapOptions {
  int resamples = 2000;
  double confidence = 0.95;
  std::uint64_t seed = 0;
};

// Percentile intervals of the resampled figure. All bounds are NaN (unknown) with fewer than two
// blocks, or when the figure was undefined in more than half of the resamples.
struct Interval {
  double value = 0;  // of the sample itself
  double low = 0;    // two-sided at the confidence
  double high = 0;
  double lower_bound = 0;  // one-sided at the confidence: the figure is at least this
  double upper_bound = 0;  // one-sided: at most this
};

// The figures of each statistic under one and the same series of draws: result[s][r].
std::vector<std::vector<double>> resample(std::span<const Statistic> statistics, std::size_t blocks,
                                          const BootstrapOptions& options);
// Several figures that are computed together: writes one number per figure into `figures`.
using Figures = std::function<void(std::span<const double> draws, std::span<double> figures)>;
// As above for `width` figures: result[f][r].
std::vector<std::vector<double>> resample(const Figures& figures, std::size_t width,
                                          std::size_t blocks, const BootstrapOptions& options);
Interval interval_of(double value, std::span<const double> resampled, std::size_t blocks,
                     double confidence);
Interval bootstrap(const Statistic& statistic, std::size_t blocks, const BootstrapOptions& options);
// Of `first` minus `second`, paired.
Interval bootstrap_difference(const Statistic& first, const Statistic& second, std::size_t blocks,
                              const BootstrapOptions& options);

}  // namespace martlet::metrics

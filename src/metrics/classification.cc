#include "metrics/classification.h"

#include "base/result.h"
#include "metrics/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace martlet::metrics {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double ratio(double numerator, double denominator, double if_empty) {
  return denominator > 0 ? numerator / denominator : if_empty;
}

void check_lengths(std::span<const double> actual, std::span<const double> other,
                   std::span<const double> weight) {
  MARTLET_CHECK(actual.size() == other.size(), "a metric's inputs must have one length");
  MARTLET_CHECK(weight.empty() || weight.size() == actual.size(), "one weight a row");
}

// The weighted mean of per_row(i).
template <class PerRow>
double weighted_mean(std::size_t rows, std::span<const double> weight, PerRow per_row) {
  Summation total;
  Summation weights;
  for (std::size_t i = 0; i < rows; ++i) {
    const double w = weight.empty() ? 1.0 : weight[i];
    // A row that counts nothing must not turn the sum into NaN.
    if (w == 0.0) continue;
    total.add(w * per_row(i));
    weights.add(w);
  }
  return ratio(total.value(), weights.value(), kNan);
}

}  // namespace

double Confusion::accuracy() const { return ratio(true_positive + true_negative, total(), kNan); }
double Confusion::precision() const {
  return ratio(true_positive, true_positive + false_positive, 0.0);
}
double Confusion::recall() const {
  return ratio(true_positive, true_positive + false_negative, 0.0);
}
double Confusion::f1() const {
  return ratio(2 * true_positive, 2 * true_positive + false_positive + false_negative, 0.0);
}
double Confusion::selection_rate() const {
  return ratio(true_positive + false_positive, total(), kNan);
}
double Confusion::base_rate() const { return ratio(true_positive + false_negative, total(), kNan); }

Confusion confusion(std::span<const double> actual, std::span<const double> predicted,
                    std::span<const double> weight) {
  check_lengths(actual, predicted, weight);
  Summation cells[4];
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const int cell = (actual[i] != 0.0 ? 2 : 0) + (predicted[i] != 0.0 ? 1 : 0);
    cells[cell].add(weight.empty() ? 1.0 : weight[i]);
  }
  return {.true_positive = cells[3].value(),
          .false_positive = cells[1].value(),
          .true_negative = cells[0].value(),
          .false_negative = cells[2].value()};
}

std::vector<double> decide(std::span<const double> score, double threshold) {
  std::vector<double> predicted(score.size());
  for (std::size_t i = 0; i < score.size(); ++i) predicted[i] = score[i] >= threshold ? 1.0 : 0.0;
  return predicted;
}

Confusion confusion_at(std::span<const double> actual, std::span<const double> score,
                       double threshold, std::span<const double> weight) {
  return confusion(actual, decide(score, threshold), weight);
}

double row_log_loss(double actual, double score) {
  constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
  const double likely = std::clamp(score, kEpsilon, 1.0 - kEpsilon);
  return actual != 0.0 ? -std::log(likely) : -std::log(1.0 - likely);
}

double log_loss(std::span<const double> actual, std::span<const double> score,
                std::span<const double> weight) {
  check_lengths(actual, score, weight);
  return weighted_mean(actual.size(), weight,
                       [&](std::size_t i) { return row_log_loss(actual[i], score[i]); });
}

double brier(std::span<const double> actual, std::span<const double> score,
             std::span<const double> weight) {
  check_lengths(actual, score, weight);
  return weighted_mean(actual.size(), weight, [&](std::size_t i) {
    return (score[i] - actual[i]) * (score[i] - actual[i]);
  });
}

RankedScores::RankedScores(std::span<const double> actual, std::span<const double> score)
    : order_(actual.size()), positive_(actual.size()), tie_ends_(actual.size()),
      score_(actual.size()) {
  check_lengths(actual, score, {});
  MARTLET_CHECK(actual.size() < std::numeric_limits<std::uint32_t>::max(),
                "row numbers are 32 bits wide");
  std::iota(order_.begin(), order_.end(), 0U);
  std::stable_sort(order_.begin(), order_.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return score[a] > score[b]; });
  for (std::size_t i = 0; i < order_.size(); ++i) {
    positive_[i] = actual[order_[i]] != 0.0 ? 1 : 0;
    score_[i] = score[order_[i]];
    if (i > 0) tie_ends_[i - 1] = score_[i] != score_[i - 1] ? 1 : 0;
  }
  if (!tie_ends_.empty()) tie_ends_.back() = 1;
}

double RankedScores::auc(std::span<const double> table,
                         std::span<const std::uint32_t> index) const {
  MARTLET_CHECK(index.size() == order_.size(), "one weight a row");
  double positives = 0;  // above the current score
  double negatives = 0;
  double here[2] = {0, 0};  // negatives and positives at the current score
  double area = 0;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    here[positive_[i]] += table[index[i]];
    if (tie_ends_[i] == 0) continue;
    area += here[0] * (positives + 0.5 * here[1]);
    positives += here[1];
    negatives += here[0];
    here[0] = here[1] = 0;
  }
  return positives > 0 && negatives > 0 ? area / (positives * negatives) : kNan;
}

double RankedScores::average_precision(std::span<const double> table,
                                       std::span<const std::uint32_t> index) const {
  MARTLET_CHECK(index.size() == order_.size(), "one weight a row");
  double positives = 0;
  double all = 0;
  double here[2] = {0, 0};
  double area = 0;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    here[positive_[i]] += table[index[i]];
    if (tie_ends_[i] == 0) continue;
    positives += here[1];
    all += here[0] + here[1];
    if (here[1] > 0) area += here[1] * (positives / all);
    here[0] = here[1] = 0;
  }
  return positives > 0 ? area / positives : kNan;
}

std::vector<RocPoint> RankedScores::roc_curve() const {
  const auto positives = static_cast<double>(std::count(positive_.begin(), positive_.end(), 1));
  const double negatives = static_cast<double>(positive_.size()) - positives;
  std::vector<RocPoint> points{{std::numeric_limits<double>::infinity(), 0.0, 0.0}};
  double counts[2] = {0, 0};
  for (std::size_t i = 0; i < order_.size(); ++i) {
    counts[positive_[i]] += 1;
    if (tie_ends_[i] != 0) {
      points.push_back(
          {score_[i], ratio(counts[0], negatives, kNan), ratio(counts[1], positives, kNan)});
    }
  }
  return points;
}

std::vector<PrecisionRecallPoint> RankedScores::precision_recall_curve() const {
  const auto positives = static_cast<double>(std::count(positive_.begin(), positive_.end(), 1));
  std::vector<PrecisionRecallPoint> points;
  double counts[2] = {0, 0};
  for (std::size_t i = 0; i < order_.size(); ++i) {
    counts[positive_[i]] += 1;
    if (tie_ends_[i] != 0) {
      points.push_back(
          {score_[i], counts[1] / (counts[0] + counts[1]), ratio(counts[1], positives, kNan)});
    }
  }
  return points;
}

double auc(std::span<const double> actual, std::span<const double> score,
           std::span<const double> weight) {
  check_lengths(actual, score, weight);
  const RankedScores ranked(actual, score);
  return weight.empty() ? ranked.auc() : ranked.auc(weight, ranked.order());
}

double average_precision(std::span<const double> actual, std::span<const double> score,
                         std::span<const double> weight) {
  check_lengths(actual, score, weight);
  const RankedScores ranked(actual, score);
  return weight.empty() ? ranked.average_precision()
                        : ranked.average_precision(weight, ranked.order());
}

std::vector<CalibrationBin> calibration_bins(std::span<const double> actual,
                                             std::span<const double> score, std::size_t bins) {
  check_lengths(actual, score, {});
  MARTLET_CHECK(bins >= 1, "a calibration curve needs a bin");
  std::vector<Summation> scores(bins);
  std::vector<Summation> positives(bins);
  std::vector<std::int64_t> rows(bins, 0);
  // NumPy's linspace: a bound is its number times the width, so that equal scores fall alike.
  const double width = 1.0 / static_cast<double>(bins);
  std::vector<double> inner;
  for (std::size_t bin = 1; bin < bins; ++bin) inner.push_back(static_cast<double>(bin) * width);
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const auto bin = static_cast<std::size_t>(
        std::lower_bound(inner.begin(), inner.end(), score[i]) - inner.begin());
    scores[bin].add(score[i]);
    positives[bin].add(actual[i]);
    ++rows[bin];
  }
  std::vector<CalibrationBin> result;
  result.reserve(bins);
  for (std::size_t bin = 0; bin < bins; ++bin) {
    const auto count = static_cast<double>(rows[bin]);
    result.push_back({.low = bin == 0 ? 0.0 : inner[bin - 1],
                      .high = bin + 1 == bins ? 1.0 : inner[bin],
                      .rows = rows[bin],
                      .mean_score = ratio(scores[bin].value(), count, kNan),
                      .positive_share = ratio(positives[bin].value(), count, kNan)});
  }
  return result;
}

}  // namespace martlet::metrics

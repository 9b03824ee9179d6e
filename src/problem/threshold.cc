#include "problem/threshold.h"

#include "metrics/classification.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

namespace martlet::problem {
namespace {

using metrics::Metric;

// Visits the rows from the highest score down: `move` turns one row from no to yes, `value` is the
// KPI as decided so far.
std::vector<Threshold> cuts(std::span<const std::uint32_t> order, std::span<const double> score,
                            const std::function<void(std::uint32_t)>& move,
                            const std::function<double()>& value) {
  std::vector<Threshold> all;
  for (std::size_t i = 0; i < order.size(); ++i) {
    move(order[i]);
    if (i + 1 < order.size() && score[order[i + 1]] == score[order[i]]) continue;
    all.push_back({.value = score[order[i]], .kpi = value()});
  }
  return all;
}

// The last of equal bests is the smallest score.
Threshold best_of(std::span<const Threshold> cuts, const Kpi& kpi) {
  Threshold best{.value = cuts.front().value, .kpi = std::numeric_limits<double>::quiet_NaN()};
  for (const Threshold& cut : cuts) {
    if (std::isnan(cut.kpi)) continue;
    if (std::isnan(best.kpi) || kpi.merit(cut.kpi) >= kpi.merit(best.kpi)) best = cut;
  }
  return best;
}

Result<std::vector<Threshold>> cuts_of_value(const Kpi& kpi, const columns::Batch& rows,
                                             std::span<const double> actual,
                                             std::span<const double> score,
                                             std::span<const std::uint32_t> order) {
  Outcomes outcomes{.rows = rows,
                    .actual = {actual.begin(), actual.end()},
                    .score = {score.begin(), score.end()},
                    .predicted = std::vector<double>(actual.size(), 1.0)};
  MARTLET_TRY_SET(const std::vector<double> as_yes, kpi.row_values(outcomes));
  outcomes.predicted.assign(actual.size(), 0.0);
  MARTLET_TRY_SET(const std::vector<double> as_no, kpi.row_values(outcomes));
  double sum = 0;
  double count = 0;
  for (const std::uint32_t row : order) {
    if (std::isnan(as_no[row])) continue;
    sum += as_no[row];
    count += 1;
  }
  const auto move = [&](std::uint32_t row) {
    if (!std::isnan(as_no[row])) {
      sum -= as_no[row];
      count -= 1;
    }
    if (!std::isnan(as_yes[row])) {
      sum += as_yes[row];
      count += 1;
    }
  };
  const auto value = [&] {
    return count > 0 ? sum / count : std::numeric_limits<double>::quiet_NaN();
  };
  return cuts(order, score, move, value);
}

std::vector<Threshold> cuts_of_metric(const Kpi& kpi, std::span<const double> actual,
                                      std::span<const double> score,
                                      std::span<const std::uint32_t> order) {
  metrics::Confusion counts;
  for (const std::uint32_t row : order)
    (actual[row] != 0.0 ? counts.false_negative : counts.true_negative) += 1;
  const auto move = [&](std::uint32_t row) {
    const bool positive = actual[row] != 0.0;
    (positive ? counts.false_negative : counts.true_negative) -= 1;
    (positive ? counts.true_positive : counts.false_positive) += 1;
  };
  const auto value = [&] {
    switch (*kpi.metric()) {
      case Metric::Accuracy: return counts.accuracy();
      case Metric::Precision: return counts.precision();
      case Metric::Recall: return counts.recall();
      default: return counts.f1();
    }
  };
  return cuts(order, score, move, value);
}

bool depends_on_threshold(const Kpi& kpi) {
  return !kpi.metric() || metrics::info(*kpi.metric()).input != metrics::MetricInput::Score;
}

}  // namespace

Result<std::vector<Threshold>> threshold_curve(const Kpi& kpi, const columns::Batch& rows,
                                               std::span<const double> actual,
                                               std::span<const double> score) {
  if (actual.size() != score.size())
    return internal_error("choosing a threshold needs one score a target");
  std::vector<std::uint32_t> order;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (std::isnan(actual[i])) continue;
    if (std::isnan(score[i]))
      return invalid_argument("choosing a threshold: a score is not a number");
    order.push_back(static_cast<std::uint32_t>(i));
  }
  if (order.empty()) return invalid_argument("choosing a threshold: no row has a known target");
  if (kpi.metric() && metrics::info(*kpi.metric()).task != metrics::MetricTask::Binary)
    return invalid_argument("choosing a threshold: a regression has none");
  if (!depends_on_threshold(kpi)) return std::vector<Threshold>();
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return score[a] > score[b]; });
  if (kpi.metric()) return cuts_of_metric(kpi, actual, score, order);
  return cuts_of_value(kpi, rows, actual, score, order);
}

Result<Threshold> choose_threshold(const Kpi& kpi, const columns::Batch& rows,
                                   std::span<const double> actual, std::span<const double> score) {
  MARTLET_TRY_SET(const std::vector<Threshold> curve, threshold_curve(kpi, rows, actual, score));
  if (!curve.empty()) return best_of(curve, kpi);
  Outcomes outcomes{.rows = {},
                    .actual = {actual.begin(), actual.end()},
                    .score = {score.begin(), score.end()},
                    .predicted = {}};
  MARTLET_TRY_SET(const double value, kpi.estimate(outcomes));
  return Threshold{.value = 0.5, .kpi = value};
}

}  // namespace martlet::problem

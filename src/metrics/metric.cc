#include "metrics/metric.h"

#include "base/text.h"
#include "metrics/classification.h"
#include "metrics/regression.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace martlet::metrics {
namespace {

using enum Metric;
using enum Direction;
constexpr auto kBinary = MetricTask::Binary;
constexpr auto kRegression = MetricTask::Regression;
constexpr auto kScore = MetricInput::Score;
constexpr auto kPrediction = MetricInput::Prediction;

// In the enumeration's order: info() indexes it.
constexpr std::array<MetricInfo, 13> kMetrics{{
    {Auc, "auc", kBinary, kScore, HigherIsBetter},
    {AveragePrecision, "average_precision", kBinary, kScore, HigherIsBetter},
    {LogLoss, "log_loss", kBinary, kScore, LowerIsBetter},
    {Brier, "brier", kBinary, kScore, LowerIsBetter},
    {Accuracy, "accuracy", kBinary, kPrediction, HigherIsBetter},
    {Precision, "precision", kBinary, kPrediction, HigherIsBetter},
    {Recall, "recall", kBinary, kPrediction, HigherIsBetter},
    {F1, "f1", kBinary, kPrediction, HigherIsBetter},
    {Rmse, "rmse", kRegression, kPrediction, LowerIsBetter},
    {Mae, "mae", kRegression, kPrediction, LowerIsBetter},
    {R2, "r2", kRegression, kPrediction, HigherIsBetter},
    {Bias, "bias", kRegression, kPrediction, NearerToZeroIsBetter},
    {Wape, "wape", kRegression, kPrediction, LowerIsBetter},
}};

}  // namespace

std::span<const MetricInfo> all_metrics() { return kMetrics; }

const MetricInfo& info(Metric metric) { return kMetrics[static_cast<std::size_t>(metric)]; }

Result<Metric> metric_by_name(std::string_view name) {
  std::vector<std::string> known;
  for (const MetricInfo& one : kMetrics) {
    if (one.name == name) return one.metric;
    known.emplace_back(one.name);
  }
  return not_found(fmt::format("there is no metric \"{}\"{}; there are {}", name,
                               did_you_mean(name, known), join(known, ", ")));
}

double merit(Direction direction, double value) {
  switch (direction) {
    case HigherIsBetter: return value;
    case LowerIsBetter: return -value;
    case NearerToZeroIsBetter: return -std::abs(value);
  }
  return value;
}

double compute(Metric metric, const Sample& sample) {
  const auto& [actual, score, predicted, weight] = sample;
  const MetricInfo& about = info(metric);
  if (about.task == MetricTask::Binary && about.input == MetricInput::Prediction) {
    const Confusion counts = confusion(actual, predicted, weight);
    switch (metric) {
      case Accuracy: return counts.accuracy();
      case Precision: return counts.precision();
      case Recall: return counts.recall();
      default: return counts.f1();
    }
  }
  switch (metric) {
    case Auc: return auc(actual, score, weight);
    case AveragePrecision: return average_precision(actual, score, weight);
    case LogLoss: return log_loss(actual, score, weight);
    case Brier: return brier(actual, score, weight);
    case Rmse: return rmse(actual, predicted, weight);
    case Mae: return mae(actual, predicted, weight);
    case R2: return r2(actual, predicted, weight);
    case Bias: return bias(actual, predicted, weight);
    default: return wape(actual, predicted, weight);
  }
}

}  // namespace martlet::metrics

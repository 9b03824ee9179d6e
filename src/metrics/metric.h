// metrics/metric.h: the metrics by name: what each needs, which way is better, and one function
// that computes any of them.
//
// The table behind it is constant; thread-safe. `problem` reads KPI names with it, `evaluation`
// walks it.
#pragma once
#include "base/result.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::metrics {

enum class Metric : std::uint8_t {
  Auc,
  AveragePrecision,
  LogLoss,
  Brier,
  Accuracy,
  Precision,
  Recall,
  F1,
  Rmse,
  Mae,
  R2,
  Bias,
  Wape,
};
enum class Direction : std::uint8_t { HigherIsBetter, LowerIsBetter, NearerToZeroIsBetter };
enum class MetricTask : std::uint8_t { Binary, Regression };
// Score: of the scores alone, whatever the threshold. Prediction: of the decisions, or of predicted
// numbers.
enum class MetricInput : std::uint8_t { Score, Prediction };

struct MetricInfo {
  Metric metric;
  std::string_view name;  // "average_precision": in YAML, JSON and messages
  MetricTask task;
  MetricInput input;
  Direction direction;
};

// In the order in which reports show them.
std::span<const MetricInfo> all_metrics();
const MetricInfo& info(Metric metric);
inline std::string_view name_of(Metric metric) { return info(metric).name; }
// NotFound, with the nearest name and all of them.
Result<Metric> metric_by_name(std::string_view name);

// The better of two values is the one with the larger merit: value, -value or -|value|.
double merit(Direction direction, double value);

// What a metric is computed from: spans of one length, borrowed for the call. score may be empty
// when the metric doesn't need it, and so may predicted. Binary: actual and predicted are 0 or 1.
struct Sample {
  std::span<const double> actual;
  std::span<const double> score;
  std::span<const double> predicted;
  std::span<const double> weight;
};

// NaN where the metric isn't defined. MARTLET_CHECKs that the metric's input is there.
double compute(Metric metric, const Sample& sample);

}  // namespace martlet::metrics

// evaluation/diagnostics.h: how a model answers, drawn: the curves that reports show, kept with a
// run so that none has to be computed again.
//
// Plain values of bounded size; pure functions.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "metrics/bootstrap.h"
#include "problem/kpi.h"
#include "problem/task.h"

#include <cstddef>
#include <string>
#include <vector>

namespace martlet::evaluation {

inline constexpr std::size_t kCurvePoints = 400;     // of a curve, at most
inline constexpr std::size_t kCalibrationBins = 10;  // of equal width
inline constexpr std::size_t kScoreBins = 40;        // of equal width over [0, 1]
inline constexpr std::size_t kPredictedBins = 20;    // of equally many rows
inline constexpr std::size_t kResidualBins = 40;     // of equal width

// One who answered the test rows: the model, the best rule, the champion.
struct Contender {
  std::string role;  // "model", "rule", "champion"
  std::string name;
  const problem::Outcomes& outcomes;
};

// All contenders' outcomes are of the same rows in the same order, `blocks` likewise; the first is
// the model, and `threshold` is its own. Rows whose target isn't known are left out.
//
// {contenders: [{role, name, kpi, low, high}]} of the primary KPI, and
// binary:     {roc, precision_recall: [{role, name, points: [[x, y, threshold]], of, deviation}],
//              calibration: [{low, high, rows, mean_score, positive_share}],
//              scores: {edges, positive, negative},
//              threshold: {chosen, points: [[threshold, kpi]], of, deviation}};
// regression: {predicted: [{low, high, rows, mean_predicted, mean_actual, p10, p50, p90}],
//              residuals: {edges, counts, below, above}}.
// Curves hold at most kCurvePoints of `of` points (metrics/curve.h says which); `deviation` is how
// far the others are from the line. Residuals are predicted - actual; their histogram spans the 1st
// to the 99th percentile, `below` and `above` count the rest. Unknown is null. Curves of constant
// scores, and those that need both classes when there is one, are left out.
Result<Json> diagnostics(problem::Task task, const problem::Kpi& primary,
                         const std::vector<Contender>& contenders, double threshold,
                         const metrics::Blocks& blocks, const metrics::BootstrapOptions& bootstrap);

}  // namespace martlet::evaluation

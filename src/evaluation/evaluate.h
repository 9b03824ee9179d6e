// evaluation/evaluate.h: how good given scores or predictions are: what `martlet evaluate` prints
// and what a run reports on its test rows.
//
// Pure functions; thread-safe.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "columns/batch.h"
#include "metrics/bootstrap.h"
#include "problem/kpi.h"
#include "problem/task.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace martlet::evaluation {

// One number, with its two-sided interval when one was asked for. NaN is unknown.
struct Figure {
  std::string name;
  double value = 0;
  std::optional<std::pair<double, double>> interval;  // low, high
};

struct GroupReport {
  std::string group;
  std::int64_t rows = 0;
  std::vector<Figure> figures;  // base_rate, selection_rate, tpr, fpr, precision, accuracy, auc
};
struct FairnessReport {
  std::string column;
  std::vector<Figure> figures;  // the five of metrics/fairness.h
  std::vector<GroupReport> groups;
};

struct Evaluation {
  problem::Task task = problem::Task::Binary;
  std::int64_t rows = 0;      // rows that counted
  std::int64_t left_out = 0;  // rows without a target, a score or a prediction
  std::string positive;       // binary: the target's value that counts as yes
  std::vector<Figure> metrics;
  std::vector<FairnessReport> fairness;

  // The value of a metric; NaN when there is none of that name.
  double metric(std::string_view name) const;
};

struct EvaluateOptions {
  std::string target;
  std::string score;  // exactly one of score and prediction
  std::string prediction;
  double threshold = 0.5;            // of scores
  std::vector<std::string> groups;   // binary only
  std::optional<double> confidence;  // in (0.5, 1): adds intervals
  std::optional<std::string>
      positive;  // which value of the target is yes; default: see problem::read_target
  int resamples = 2000;
  std::uint64_t seed = 0;
};

// Scores make it binary. A prediction is binary when target or prediction are booleans or texts, or
// when both hold only 0 and 1 (or -1 and 1); else regression. Intervals resample single rows. auc,
// average_precision, log_loss and brier are unknown without scores, the latter two also when a
// score lies outside [0, 1]. Errors: NotFound (a column, with the nearest name); InvalidArgument:
// both or neither of score and prediction, groups of a regression, a target or prediction that
// can't be read as such, no row to judge.
Result<Evaluation> evaluate(const columns::Batch& rows, const EvaluateOptions& options);

// All metrics of a task on outcomes whose targets are all known, with intervals by blocks when
// `bootstrap` is given.
std::vector<Figure> metric_figures(problem::Task task, const problem::Outcomes& outcomes,
                                   const metrics::Blocks& blocks,
                                   const std::optional<metrics::BootstrapOptions>& bootstrap);
// Fairness between the groups of one column, likewise. Binary; score may be empty. InvalidArgument
// for too many groups.
Result<FairnessReport> fairness_report(const std::string& name, const columns::Column& column,
                                       const problem::Outcomes& outcomes,
                                       const metrics::Blocks& blocks,
                                       const std::optional<metrics::BootstrapOptions>& bootstrap);

// DESIGN §5: {rows, left_out, metrics: {auc: 0.9, …}, fairness: {column: {…, groups: {name: {n,
// base_rate, …}}}}}. With intervals each number that has one becomes {value, low, high}. Unknown is
// null.
Json to_json(const Evaluation& evaluation);

}  // namespace martlet::evaluation

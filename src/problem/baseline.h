// problem/baseline.h: deciding without machine learning: what a model has to beat (DESIGN §3,
// §12.5).
//
// A baseline learns what it needs on training rows only (a rule: how often it is right; a group
// mean: the means and the threshold) and is then fixed. Immutable, cheap to copy, thread-safe.
// Stored with the run and the package, for the fallback and for simulate.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "columns/batch.h"
#include "expr/expression.h"
#include "problem/contract.h"
#include "problem/kpi.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace martlet::problem {

struct Predictions {
  std::vector<double> score;      // binary: how likely yes is; empty for regression
  std::vector<double> predicted;  // binary: 0 or 1; regression: the number
};

class Baseline {
 public:
  // Learns on training rows; `actual` has one entry a row, NaN unknown.
  //
  // Rule, binary: a boolean rule decides by itself, null meaning no; its score is how often yes was
  // true on the training rows where it said the same. A numeric rule is a score with the threshold
  // that is best for `primary` on the training rows; null scores the lowest. Rule, regression: the
  // number (a boolean counts 0 or 1), null meaning the training mean. Group mean: the mean of the
  // group's training rows, the overall mean for unseen groups; missing is a value like others;
  // binary with a threshold as above. Always, never: constant decisions, the score being the
  // training rows' share of yes. Mean: the training mean. Errors: InvalidArgument with findings
  // (unknown columns, wrong types) or when no target is known.
  static Result<Baseline> fit(const BaselineSpec& spec, Task task, const Zone& zone,
                              const Kpi& primary, const columns::Batch& training,
                              std::span<const double> actual);
  // What the specification needs of a schema; every problem is a finding at its place in the file.
  static Result<void> check(const BaselineSpec& spec, Task task, const columns::Schema& rows,
                            const Zone& zone);

  const std::string& name() const { return spec_.name; }
  // The rule, or "mean by carrier" and the like, for people.
  std::string description() const;
  // Columns that it reads.
  std::vector<std::string> columns_used() const;

  // InvalidArgument, NotFound when the rows lack a column or a rule's evaluation fails.
  Result<Predictions> predict(const columns::Batch& rows) const;

  Json to_json() const;
  // Rows to come have this schema. Corrupt when the JSON isn't one of to_json's.
  static Result<Baseline> from_json(const Json& json, const columns::Schema& rows,
                                    const Zone& zone);

 private:
  Baseline(BaselineSpec spec, Task task) : spec_(std::move(spec)), task_(task) {}
  Result<std::vector<double>> raw(const columns::Batch& rows) const;
  BaselineSpec spec_;
  Task task_;
  std::optional<expr::Expression> rule_;
  double mean_ = 0;         // the target's, over the training rows
  double threshold_ = 0.5;  // of numeric rules and group means, binary
  double yes_score_ = 1;    // boolean rules and constants: the score of a yes and of a no
  double no_score_ = 0;
  struct Groups;
  std::shared_ptr<const Groups> groups_;
};

// Learns them all and finds the one whose primary KPI is best on the training rows (the first of
// equals). InvalidArgument as fit.
struct FittedBaselines {
  std::vector<Baseline> all;
  std::vector<double> training_kpis;  // NaN where undefined
  std::size_t best = 0;
};
Result<FittedBaselines> fit_baselines(std::span<const BaselineSpec> specs, Task task,
                                      const Zone& zone, const Kpi& primary,
                                      const columns::Batch& training,
                                      std::span<const double> actual);

// A baseline's decisions on rows with their targets, ready for a KPI.
Result<Outcomes> outcomes_of(const Baseline& baseline, const columns::Batch& rows,
                             std::span<const double> actual);

}  // namespace martlet::problem

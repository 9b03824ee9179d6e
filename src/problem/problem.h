// problem/problem.h: a contract that has met its data: every expression compiled against the
// dataset's schema, defaults filled in.
//
// Immutable, cheap to copy, thread-safe. Made once a run by lifecycle; evaluation, tuning and
// monitoring read it.
#pragma once
#include "base/result.h"
#include "columns/batch.h"
#include "expr/expression.h"
#include "metrics/bootstrap.h"
#include "problem/baseline.h"
#include "problem/contract.h"
#include "problem/kpi.h"

#include <optional>
#include <vector>

namespace martlet::problem {

class Problem {
 public:
  // `task` is the contract's, or the one inferred from the target. InvalidArgument with every
  // finding: target, time, key or a baseline's column that isn't in the schema, a time that isn't a
  // time, expressions that don't fit, a KPI's metric of another task.
  static Result<Problem> bind(const Contract& contract, Task task, const columns::Schema& rows);

  const Contract& contract() const { return contract_; }
  Task task() const { return task_; }
  const std::vector<Kpi>& kpis() const { return kpis_; }
  const Kpi& primary() const { return kpis_[primary_]; }
  const std::vector<BaselineSpec>& baselines() const { return baselines_; }
  const Zone& zone() const { return contract_.zone; }

  // Rows of the bootstrap: one block a local day of `time`, missing times together; every row by
  // itself without a time.
  Result<metrics::Blocks> blocks_of(const columns::Batch& rows) const;
  // When each row is decided: `decided_at`, else the time (a date means its midnight in the zone).
  // NotFound without a time.
  Result<columns::Column> decided_at(const columns::Batch& rows) const;
  // The target of these rows as numbers (read_target). NotFound without the column.
  Result<Target> target_of(const columns::Batch& rows) const;

 private:
  Problem(Contract contract, Task task) : contract_(std::move(contract)), task_(task) {}
  Contract contract_;
  Task task_;
  std::vector<Kpi> kpis_;
  std::size_t primary_ = 0;
  std::vector<BaselineSpec> baselines_;
  std::optional<expr::Expression> decided_at_;
};

}  // namespace martlet::problem

// tracking/internal/run_plan.h: a search, understood.
#pragma once
#include "base/result.h"
#include "metadata/query.h"
#include "tracking/internal/run_filter.h"
#include "tracking/run_search.h"

#include <cstdint>
#include <vector>

namespace martlet::tracking {

constexpr std::int64_t kParts = 3;  // with a value, with NaN, without it

// What cursors say. Started: `at` is a start. Metric: there are parts, and `at` is a value or a
// start. Text (a param or a tag): there are parts, and `at` is a start in the last one. Offset:
// they count from the beginning.
enum class RunPlace : std::uint8_t { Started, Metric, Text, Offset };

// Where one way of finding runs becomes dearer than another, in records. Pages are the same
// whatever these are.
struct SearchEffort {
  std::int64_t few = 1'000;              // a clause that so many hold is begun with at once
  std::int64_t many = 200'000;           // a clause that more hold never is
  std::int64_t worth_scanning = 20'000;  // a walk that long costs more than looking at a whole key
  std::int64_t first_slice = 2'000;      // of an index, before the walk is thought over
  std::int64_t sorted = 5'000;           // so many runs may be sorted to measure a slice
};

struct RunPlan {
  const RunSearch& search;
  SearchEffort effort;
  std::vector<RunClause> clauses;
  std::vector<RunTerm> terms;

  RunPlace place() const;
  metadata::Order start_order() const;  // of Started
  // A clause on the metric that is ordered by.
  bool is_ordered_by(const RunClause& clause) const;
  bool needs(const RunTerm& term) const;  // whether a run without it can't match

  metadata::Condition experiments() const;  // of RunRecord and MetricRecord; of all: Always
  // About RunRecord: statuses, stage, and what the filter says of attributes.
  metadata::Condition on_attributes() const;
  // About a record whose column `run` is a run's id: the other clauses, without those that `skip`
  // says.
  template <class Skip>
  metadata::Condition on_parts(const std::string& run, Skip skip) const {
    std::vector<metadata::Condition> parts;
    for (const RunClause& clause : clauses) {
      if (clause.entity != RunEntity::Attribute && !skip(clause)) parts.push_back(clause.on(run));
    }
    return metadata::all_of(std::move(parts));
  }
  // About RunRecord: everything but the experiments; everything.
  metadata::Condition tests() const {
    return on_attributes() && on_parts("id", [](const RunClause&) { return false; });
  }
  metadata::Condition on_run() const { return experiments() && tests(); }
};

// InvalidArgument naming what can't be understood.
Result<RunPlan> plan_of(const RunSearch& search, const SearchEffort& effort = {});

// Those terms, then the latest start, then the smaller id; terms must be about attributes.
void order_runs(metadata::Query& query, const std::vector<RunTerm>& terms);

}  // namespace martlet::tracking

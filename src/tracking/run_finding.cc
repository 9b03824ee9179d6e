#include "tracking/internal/run_finding.h"

#include "tracking/internal/run_candidates.h"
#include "tracking/internal/run_plan.h"
#include "tracking/internal/run_sorting.h"
#include "tracking/internal/run_walking.h"

#include <algorithm>

namespace martlet::tracking {

namespace {

using metadata::equal;
using metadata::Query;
using metadata::ReadTransaction;

using Rows = std::optional<std::vector<RunRow>>;

Result<FoundRuns> in_memory(const ReadTransaction& tx, const RunPlan& plan,
                            std::vector<RunRow> runs) {
  MARTLET_TRY_SET(const RunSorter sorter, RunSorter::create(tx, plan, runs));
  return fetch_page(tx, sorter.page(std::move(runs)));
}

// Along the values of what is ordered by: first the runs that have it, then those with NaN, then
// those without it.
Result<std::optional<FoundRuns>> by_parts(const ReadTransaction& tx, const RunPlan& plan,
                                          const WalkStop& stop) {
  const RunTerm& term = plan.terms.front();
  const bool metric = plan.place() == RunPlace::Metric;
  FoundRuns found;
  for (RunCursor from = plan.search.from; from.part < kParts; from = {from.part + 1, 0, {}}) {
    const std::int64_t limit = plan.search.limit - std::ssize(found.records);
    std::optional<FoundRuns> some = FoundRuns();
    if (from.part == 2 && !plan.needs(term)) {
      const RunClause without{term.entity, term.key, equal("key", term.key), true, false};
      MARTLET_TRY_SET(some,
                      by_start(tx, plan, plan.tests() && without.on_run(), from, limit, stop));
    } else if (metric && from.part < 2) {
      MARTLET_TRY_SET(some, by_value(tx, plan, from, limit, stop));
    } else if (from.part == 0) {
      MARTLET_TRY_SET(some, by_text(tx, plan, from, limit, stop));
    }
    if (!some.has_value()) return some;
    std::move(some->records.begin(), some->records.end(), std::back_inserter(found.records));
    if (some->next.has_value()) {
      found.next = some->next;
      break;
    }
  }
  return std::optional(std::move(found));
}

// By walking, unless the first steps say that it takes more of them than a rare clause has records.
Result<FoundRuns> walked(const ReadTransaction& tx, RunPlan& plan) {
  Rows rows;
  const WalkStop stop = [&](std::int64_t found, std::int64_t tested) -> Result<bool> {
    const std::int64_t wanted = plan.search.from.offset + plan.search.limit + 1;
    const std::int64_t steps = tested * wanted / std::max<std::int64_t>(found, 1);
    // Along an index a step costs about half of what a record of a clause costs.
    const std::int64_t most = std::clamp(steps / 2, plan.effort.few, plan.effort.many);
    MARTLET_TRY_SET(rows, few_runs(tx, plan, most, Scans::Skip));
    if (!rows.has_value() && steps > plan.effort.worth_scanning) {
      MARTLET_TRY_SET(rows, few_runs(tx, plan, most, Scans::Count));
    }
    return rows.has_value();
  };
  std::optional<FoundRuns> found;
  if (plan.place() == RunPlace::Started) {
    MARTLET_TRY_SET(found,
                    by_start(tx, plan, plan.tests(), plan.search.from, plan.search.limit, stop));
  } else {
    MARTLET_TRY_SET(found, by_parts(tx, plan, stop));
  }
  if (!rows.has_value()) return std::move(*found);
  return in_memory(tx, plan, std::move(*rows));
}

// --- other orders

Result<FoundRuns> by_columns(const ReadTransaction& tx, const RunPlan& plan) {
  const RunCursor& from = plan.search.from;
  Query query(plan.on_run());
  order_runs(query, plan.terms);
  FoundRuns found;
  MARTLET_TRY_SET(found.records,
                  tx.select<RunRecord>(query.offset(from.offset).limit(plan.search.limit + 1)));
  if (std::ssize(found.records) > plan.search.limit) {
    found.records.resize(static_cast<std::size_t>(plan.search.limit));
    found.next = RunCursor{0, from.offset + plan.search.limit, {}};
  }
  return found;
}

bool all_are_attributes(const std::vector<RunTerm>& terms) {
  return std::all_of(terms.begin(), terms.end(),
                     [](const RunTerm& term) { return term.entity == RunEntity::Attribute; });
}

}  // namespace

Result<FoundRuns> find_planned(const ReadTransaction& tx, RunPlan& plan) {
  MARTLET_TRY_SET(Rows rows, few_runs(tx, plan, plan.effort.few, Scans::Skip));
  if (!rows.has_value() && plan.place() != RunPlace::Offset) return walked(tx, plan);
  if (!rows.has_value()) {
    MARTLET_TRY_SET(rows, few_runs(tx, plan, plan.effort.many, Scans::Count));
  }
  if (!rows.has_value() && all_are_attributes(plan.terms)) return by_columns(tx, plan);
  if (!rows.has_value()) {
    MARTLET_TRY_SET(rows, tx.select<RunRow>(plan.on_run()));
  }
  return in_memory(tx, plan, std::move(*rows));
}

Result<FoundRuns> find_runs(const ReadTransaction& tx, const RunSearch& search,
                            const SearchEffort& effort) {
  MARTLET_TRY_SET(RunPlan plan, plan_of(search, effort));
  return find_planned(tx, plan);
}

}  // namespace martlet::tracking

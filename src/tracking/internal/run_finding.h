// tracking/internal/run_finding.h: from a search to the records of one page.
//
// Plans, so that a page costs little however many runs there are:
// - A clause on params, tags, datasets or metrics that few records hold is begun with
//   (run_candidates.h); the runs of those where all else holds are sorted in memory.
// - Otherwise an index in the order of the search is walked and the rest asked record by record
//   (run_walking.h): starts, one metric, one param or tag. When the first steps find so little that
//   the walk would be longer than a clause has records, that clause is begun with after all.
// - Any other order: as the first where a clause isn't held by very many; else the database sorts,
//   or, if the order is by more than attributes, all that match are sorted in memory.
// All of them give the same pages.
#pragma once
#include "base/result.h"
#include "metadata/database.h"
#include "tracking/internal/records.h"
#include "tracking/internal/run_plan.h"
#include "tracking/run_search.h"

#include <optional>
#include <vector>

namespace martlet::tracking {

struct FoundRuns {
  std::vector<RunRecord> records;
  std::optional<RunCursor> next;
};

// InvalidArgument naming the clause or the term that can't be understood.
Result<FoundRuns> find_runs(const metadata::ReadTransaction& tx, const RunSearch& search,
                            const SearchEffort& effort = {});

// May reorder the plan's clauses.
Result<FoundRuns> find_planned(const metadata::ReadTransaction& tx, RunPlan& plan);

}  // namespace martlet::tracking

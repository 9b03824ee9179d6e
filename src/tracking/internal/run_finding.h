// tracking/internal/run_finding.h: from a search to the records of one page.
//
// Three plans, so that a page costs little however many runs there are. Ordered by one metric: the
// index of that metric's latest values is walked in order, and the rest of the search is asked run
// by run. Ordered by columns of the run: likewise over the runs, unless some metric or param of the
// filter is rare, in which case the few runs that have it are looked at. Anything else: all that
// match are fetched and sorted.
#pragma once
#include "base/result.h"
#include "metadata/database.h"
#include "tracking/internal/records.h"
#include "tracking/run_search.h"

#include <optional>
#include <vector>

namespace martlet::tracking {

struct FoundRuns {
  std::vector<RunRecord> records;
  std::optional<RunCursor> next;
};

// InvalidArgument naming the clause or the term that can't be understood.
Result<FoundRuns> find_runs(const metadata::ReadTransaction& tx, const RunSearch& search);

}  // namespace martlet::tracking

// tracking/internal/run_finding.h: from a search to the records of one page.
//
// Four plans, so that a page costs little however many runs there are. Where some param, tag,
// dataset or metric of the filter is rare, the few runs that have it are looked at. Ordered by one
// metric: the index of that metric's latest values is walked in order, and the rest of the search
// is asked run by run. Ordered by columns of the run: likewise over the runs. Anything else: all
// that match are fetched and sorted.
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

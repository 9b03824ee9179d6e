// tracking/internal/run_walking.h: pages found by walking along an index; nullopt when the walk was
// stopped.
#pragma once
#include "base/result.h"
#include "metadata/database.h"
#include "tracking/internal/run_finding.h"
#include "tracking/internal/run_plan.h"
#include "tracking/internal/run_sorting.h"
#include "tracking/internal/run_walk.h"

#include <optional>

namespace martlet::tracking {

// Along the starts, from `from` on; `tests` is about RunRecord.
Result<std::optional<FoundRuns>> by_start(const metadata::ReadTransaction& tx, const RunPlan& plan,
                                          metadata::Condition tests, const RunCursor& from,
                                          std::int64_t limit, const WalkStop& stop);

// Along the values of the metric that is ordered by, or along the starts of those with NaN: as
// `from` says.
Result<std::optional<FoundRuns>> by_value(const metadata::ReadTransaction& tx, const RunPlan& plan,
                                          const RunCursor& from, std::int64_t limit,
                                          const WalkStop& stop);

// Along the texts of the param or tag that is ordered by.
Result<std::optional<FoundRuns>> by_text(const metadata::ReadTransaction& tx, const RunPlan& plan,
                                         const RunCursor& from, std::int64_t limit,
                                         const WalkStop& stop);

// The records of one page, in order.
Result<FoundRuns> fetch_page(const metadata::ReadTransaction& tx, const RunIdPage& page);

}  // namespace martlet::tracking

// tracking/internal/run_loading.h: runs as values, from their records.
#pragma once
#include "base/result.h"
#include "metadata/database.h"
#include "tracking/internal/records.h"
#include "tracking/run.h"

#include <vector>

namespace martlet::tracking {

// With everything that belongs to it.
Result<Run> load_run(const metadata::ReadTransaction& tx, RunRecord record);
// Many at once, in the given order, without their artifacts.
Result<std::vector<Run>> load_runs(const metadata::ReadTransaction& tx,
                                   std::vector<RunRecord> records);

}  // namespace martlet::tracking

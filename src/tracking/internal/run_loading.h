// tracking/internal/run_loading.h: runs as values, from their records.
#pragma once
#include "base/result.h"
#include "metadata/database.h"
#include "tracking/internal/records.h"
#include "tracking/run.h"

#include <vector>

namespace martlet::tracking {

// As load_run(), of one that was just written with these tags and the rest of its first batch: what
// is known isn't read again.
Result<Run> started_run(const metadata::ReadTransaction& tx, RunRecord record, const Texts& tags,
                        const RunBatch& first);
// With everything that belongs to it.
Result<Run> load_run(const metadata::ReadTransaction& tx, RunRecord record);
// Many at once, in the given order, without their artifacts.
Result<std::vector<Run>> load_runs(const metadata::ReadTransaction& tx,
                                   std::vector<RunRecord> records);

}  // namespace martlet::tracking

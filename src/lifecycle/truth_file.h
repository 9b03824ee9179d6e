// lifecycle/truth_file.h: the use case "monitor truth": ground truth that comes as a file's rows.
#pragma once
#include "base/result.h"
#include "columns/batch.h"
#include "lifecycle/project.h"
#include "lifecycle/store.h"
#include "monitoring/truth.h"
#include "registry/names.h"

namespace martlet::lifecycle {

// Rows with the columns of problem.key, and the target's column (or `actual`: a boolean or a
// number); a missing target means that the truth will never come. `known_at`, a timestamp, says
// when it became known; without it, now. Other columns are ignored. All or nothing.
// InvalidArgument names the columns that are missing or of another type than the dataset's, and the
// first rows without a key.
Result<monitoring::AcceptedTruth> accept_truth_rows(const Store& store, const Project& project,
                                                    registry::Environment environment,
                                                    const columns::Batch& rows);

}  // namespace martlet::lifecycle

// workflow/references.h: the blobs that steps and their cache need, and what must hold between the
// records of pipeline runs. Free functions in the caller's transaction; callers: lifecycle's
// verify, gc and backup.
#pragma once
#include "artifacts/reference.h"
#include "base/finding.h"
#include "base/result.h"

#include <vector>

namespace martlet::metadata {
class ReadTransaction;
}

namespace martlet::workflow {

// Every text "sha256:…" in the outputs of a step or a cache entry is a blob, as it is for the
// runner; and in what the caller said of a run: the project file, which resuming needs.
Result<void> add_references(const metadata::ReadTransaction& tx, artifacts::BlobReferences& found);
// Each step of each run is recorded once; what has ended says so; a run that succeeded has the
// outputs of all its steps.
Result<std::vector<Finding>> check_records(const metadata::ReadTransaction& tx);

}  // namespace martlet::workflow

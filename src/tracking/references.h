// tracking/references.h: the blobs that runs need, and what must hold between their records. Free
// functions in the caller's transaction; callers: lifecycle's verify, gc and backup.
#pragma once
#include "artifacts/reference.h"
#include "base/finding.h"
#include "base/result.h"

#include <vector>

namespace martlet::metadata {
class ReadTransaction;
}

namespace martlet::tracking {

// The artifacts of every run, of deleted ones too: those can be restored.
Result<void> add_references(const metadata::ReadTransaction& tx, artifacts::BlobReferences& found);
// A run that has ended says when; the latest of a metric is one of its points.
Result<std::vector<Finding>> check_records(const metadata::ReadTransaction& tx);

}  // namespace martlet::tracking

// registry/references.h: the blobs that model versions need, and what must hold between the
// registry's records and the audit log. Free functions in the caller's transaction; callers:
// lifecycle's verify, gc and backup.
#pragma once
#include "artifacts/reference.h"
#include "base/finding.h"
#include "base/result.h"

#include <vector>

namespace martlet::metadata {
class ReadTransaction;
}

namespace martlet::registry {

// The package of every version that has one, whatever its status.
Result<void> add_references(const metadata::ReadTransaction& tx, artifacts::BlobReferences& found);
// Aliases point at versions that are there, and where the last change of their history says; each
// model, version, alias change and attestation has its audit entry; searches see the tags that
// there are; and what the audit log says was made and not removed is there.
Result<std::vector<Finding>> check_records(const metadata::ReadTransaction& tx);

}  // namespace martlet::registry

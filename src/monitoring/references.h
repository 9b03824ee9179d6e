// monitoring/references.h: what must hold of monitoring's records. They name no blobs: they keep
// figures, and name models by their versions. Free function in the caller's transaction; caller:
// lifecycle's verify.
#pragma once
#include "base/finding.h"
#include "base/result.h"

#include <vector>

namespace martlet::metadata {
class ReadTransaction;
}

namespace martlet::monitoring {

// Truth without a key, windows that end before they begin, values that can't be their field's.
Result<std::vector<Finding>> check_records(const metadata::ReadTransaction& tx);

}  // namespace martlet::monitoring

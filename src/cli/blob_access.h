// cli/blob_access.h: who may reach blobs on an S3 server, from the process variables. A free
// function; callers: Session, verbs that open a second store.
#pragma once
#include "lifecycle/store.h"

#include <string>

namespace martlet::cli {

lifecycle::BlobAccess blob_access(const std::string& place);

}  // namespace martlet::cli

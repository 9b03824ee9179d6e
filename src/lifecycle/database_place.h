// lifecycle/database_place.h: which PostgreSQL store a folder's files belong to. Two stores that
// shared a folder would take each other's blobs for garbage. Free functions; caller: Store::open.
#pragma once
#include "base/file_system.h"
#include "base/result.h"
#include "lifecycle/store.h"

namespace martlet::lifecycle {

// InvalidArgument when the folder belongs to another database than the place says.
Result<void> refuse_other_database(FileSystem& files, const StorePlace& place);

// Writes it down, without user and password. Nothing for a store whose records lie in the folder.
Result<void> record_database(FileSystem& files, const StorePlace& place);

}  // namespace martlet::lifecycle

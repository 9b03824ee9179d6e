// lifecycle/blob_place.h: where a store's blobs lie: in its folder, or where blobs.json says. Free
// functions; called by Store::open.
#pragma once
#include "artifacts/open_blob_store.h"
#include "base/file_system.h"
#include "base/result.h"
#include "lifecycle/store.h"

#include <string>

namespace martlet::lifecycle {

// Conflict when `access` names another place than the store was made with; InvalidArgument when
// what it names is no place; Corrupt when blobs.json can't be read.
Result<std::string> place_of_blobs(FileSystem& files, const std::string& directory,
                                   const BlobAccess& access);

// Durable when it returns; before the first record names a blob. Nothing where blobs lie in the
// folder.
Result<void> record_blob_place(FileSystem& files, const std::string& directory,
                               const std::string& place);

// Without a collection lock.
artifacts::BlobStoreOptions blob_options(const BlobAccess& access);

}  // namespace martlet::lifecycle

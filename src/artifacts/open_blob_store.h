// artifacts/open_blob_store.h: a blob store by its place: a directory or s3://BUCKET/PREFIX. Free
// functions; called by lifecycle/.
#pragma once
#include "artifacts/durable_blob_store.h"
#include "artifacts/s3_blob_store.h"

#include <memory>
#include <string>

namespace martlet::artifacts {

struct BlobStoreOptions {
  CollectionLock collection_lock;
  S3Options s3;                   // its lock is the one above
  std::string default_s3_region;  // where the URL names none
};

// The references must outlive the store. InvalidArgument with every finding when the URL is wrong;
// else as DirectoryBlobStore::open and S3BlobStore::open.
Result<std::unique_ptr<DurableBlobStore>> open_blob_store(FileSystem& file_system,
                                                          const Clock& clock, Random& random,
                                                          const std::string& place,
                                                          const BlobStoreOptions& options);

// The place in one spelling, such that two that are the same are equal. InvalidArgument.
Result<std::string> blob_place(const std::string& place, const std::string& default_s3_region);

}  // namespace martlet::artifacts

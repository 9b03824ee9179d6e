// tracking/upload.h: files on their way in parts: each part is a blob until all are there.
//
// Free functions inside the caller's transaction. An upload that is neither completed nor aborted
// expires (expired.h).
#pragma once
#include "base/digest.h"
#include "base/result.h"
#include "base/time.h"
#include "tracking/files.h"

#include <cstdint>
#include <string>
#include <vector>

namespace martlet::metadata {
class ReadTransaction;
class Transaction;
}  // namespace martlet::metadata

namespace martlet::tracking {

struct Upload {
  std::string id;
  FileOwner owner;
  std::string path;        // of the file to be
  std::int64_t parts = 1;  // numbered from 1
  Timestamp started;
};

struct UploadPart {
  std::int64_t number = 0;
  Digest digest;
  std::int64_t size_bytes = 0;
};

// NotFound for an unknown owner.
Result<void> begin_upload(metadata::Transaction& tx, const Upload& upload);
Result<Upload> find_upload(const metadata::ReadTransaction& tx, const std::string& id);  // NotFound
// Replaces a part of that number. InvalidArgument for a number that isn't one of the upload's.
Result<void> put_part(metadata::Transaction& tx, const std::string& upload, const UploadPart& part);
// All of them, in order. InvalidArgument naming those that are missing.
Result<std::vector<UploadPart>> parts_of(const metadata::ReadTransaction& tx, const Upload& upload);
// Completed or aborted; fine when there is none. Blobs of parts go with the next garbage
// collection.
Result<void> end_upload(metadata::Transaction& tx, const std::string& id);

}  // namespace martlet::tracking

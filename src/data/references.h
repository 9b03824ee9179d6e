// data/references.h: the blobs that dataset versions need, and what must hold between their
// records. Free functions in the caller's transaction; callers: lifecycle's verify, gc and backup.
#pragma once
#include "artifacts/reference.h"
#include "base/digest.h"
#include "base/finding.h"
#include "base/result.h"

#include <cstdint>
#include <string>
#include <vector>

namespace martlet::artifacts {
class BlobStore;
}
namespace martlet::metadata {
class ReadTransaction;
}

namespace martlet::data {

// Manifest, parts and quarantine of every version.
Result<void> add_references(const metadata::ReadTransaction& tx, artifacts::BlobReferences& found);
// A part of a version, and how many rows its record says that it has.
struct StoredPart {
  artifacts::BlobHolder holder;
  Digest digest;
  std::int64_t rows = 0;
};
// Of every version whose record can be read, each digest once.
Result<std::vector<StoredPart>> stored_parts(const metadata::ReadTransaction& tx);
// Empty when the part is a Parquet file with that many rows. NotFound, Corrupt of the blob.
Result<std::string> check_part(const artifacts::BlobStore& blobs, const StoredPart& part);
// Numbers without gaps, row counts that are those of the parts.
Result<std::vector<Finding>> check_records(const metadata::ReadTransaction& tx);

}  // namespace martlet::data

// lifecycle/blob_copy.h: copies blobs from a store into another one, each durably, many small ones
// together. One use, one thread. Callers: backup, restore, migrate.
#pragma once
#include "artifacts/durable_blob_store.h"
#include "base/cancel.h"
#include "base/file_system.h"
#include "base/result.h"

#include <cstdint>
#include <string>
#include <vector>

namespace martlet::lifecycle {

// What of the target is there already: taken to be sound when it has the right size, or read again.
enum class PresentBlobs : std::uint8_t { Trust, Verify };

class BlobCopy {
 public:
  // Both stores must outlive it.
  BlobCopy(const artifacts::DurableBlobStore& from, artifacts::DurableBlobStore& to,
           PresentBlobs present, CancelToken cancel)
      : from_(from), to_(to), present_(present), cancel_(std::move(cancel)) {}

  // Durable once finish() has returned. Damage of the source is collected, all else is an error.
  Result<void> add(const Digest& digest);
  Result<void> add_bytes(std::string bytes);
  // Durable when it returns, like put_file(), but what is there already is treated as in add().
  Result<artifacts::StoredBlob> add_file(const std::string& path);
  Result<void> finish();

  struct Counts {
    std::int64_t all = 0;
    std::int64_t bytes = 0;
    std::int64_t copied = 0;
    std::int64_t copied_bytes = 0;
  };
  const Counts& counts() const { return counts_; }
  // Blobs of the source that are missing or damaged.
  const std::vector<Error>& damaged() const { return damaged_; }
  // What add() has copied, once finish() has returned.
  const std::vector<Digest>& copied() const { return copied_; }

 private:
  Result<bool> is_present(const Digest& digest, std::uint64_t size_bytes);
  Result<void> copy_large(const Digest& digest);
  Result<artifacts::StoredBlob> fetch_large(const Digest& digest);
  Result<void> put_later(std::string bytes);

  const artifacts::DurableBlobStore& from_;
  artifacts::DurableBlobStore& to_;
  PresentBlobs present_;
  CancelToken cancel_;
  Counts counts_;
  std::vector<Error> damaged_;
  std::vector<Digest> copied_;
  std::vector<std::string> waiting_;  // small ones, not yet put
  std::size_t waiting_bytes_ = 0;
};

// The blob's bytes at `path`, synced, with its name durable in its folder, which is made.
Result<void> write_blob_to(FileSystem& files, const artifacts::BlobStore& blobs,
                           const Digest& digest, const std::string& path);

}  // namespace martlet::lifecycle

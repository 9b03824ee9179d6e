// lifecycle/blob_transfer.h: all blobs of a store that may be in use, into another one that may
// have some of them. Both stores must outlive it; one thread. Caller: migrate.
#pragma once
#include "artifacts/durable_blob_store.h"
#include "base/cancel.h"
#include "base/digest.h"
#include "base/result.h"
#include "lifecycle/blob_copy.h"
#include "lifecycle/store_needs.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace martlet::lifecycle {

struct BlobTransferOptions {
  // Verify: each blob is read at the target, those that were copied as well.
  PresentBlobs present = PresentBlobs::Verify;
  bool same_place = false;  // both stores' blobs lie there: only looked at
  CancelToken cancel{};
};

class BlobTransfer {
 public:
  struct Counts {
    std::int64_t all = 0;  // of the source
    std::int64_t bytes = 0;
    std::int64_t copied = 0;
    std::int64_t copied_bytes = 0;
    std::int64_t read = 0;  // at the target, and compared with their digests
  };

  BlobTransfer(const artifacts::DurableBlobStore& from, artifacts::DurableBlobStore& to,
               BlobTransferOptions options)
      : from_(from), to_(to), options_(std::move(options)) {}

  // Those that the source has now and that no call has brought over yet; durable when it returns.
  // `between` is called now and then, and its error ends the work. Corrupt when the target gives
  // back other bytes than it was given.
  Result<void> run(const std::function<Result<void>()>& between = {});
  // Corrupt, with a finding for each, when a blob that is needed isn't at the target, or one that
  // was brought over isn't there any more or has another size.
  Result<void> check(const StoreNeeds& needs) const;
  // As run() would, and brings nothing over.
  Result<void> count();

  const Counts& counts() const { return counts_; }
  // Damaged ones that check() found nothing to need.
  std::vector<Digest> left_out() const;

 private:
  Result<void> add(BlobCopy& copy, const Digest& digest, std::uint64_t size_bytes, bool is_there);
  Result<void> read_back(const Digest& digest);

  const artifacts::DurableBlobStore& from_;
  artifacts::DurableBlobStore& to_;
  const BlobTransferOptions options_;
  Counts counts_;
  std::map<Digest, std::uint64_t> known_;  // at the target
  std::map<Digest, std::string> damaged_;  // at the source, and how
};

}  // namespace martlet::lifecycle

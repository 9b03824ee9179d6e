// artifacts/s3_blob_store.h: blobs on an S3 server.
//
// <prefix>ab/cdef…: as in a directory. What is written in pieces of unknown digest goes to
// <prefix>tmp/… first and is copied to its name by the server. Every request is signed with the
// digest of its body, so that the server refuses what was damaged on the way; every blob that is
// read is compared with its digest. A blob is durable when the server has acknowledged it. Memory
// is bounded by the size of a part per call. Thread-safe.
//
// Requests are tried again while that can help (S3Options), each with a deadline. The lock is what
// the caller has: processes on several hosts need one that they share before they may run gc.
#pragma once
#include "artifacts/aws_signature.h"
#include "artifacts/durable_blob_store.h"
#include "artifacts/s3_location.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/random.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace martlet::artifacts {

struct S3Options {
  AwsCredentials credentials;
  CollectionLock collection_lock;
  CancelToken cancel;
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds attempt_timeout{60'000};  // for one request
  std::chrono::milliseconds patience{180'000};        // for one request with all its attempts
  int attempts = 10;
  std::chrono::milliseconds first_pause{100};  // twice as long each time, of which any part
  std::chrono::milliseconds longest_pause{20'000};
  std::size_t part_bytes = std::size_t{8} << 20;            // at least 5 MiB (the protocol's)
  std::uint64_t copy_limit_bytes = std::uint64_t{5} << 30;  // larger ones are copied in parts
  int threads = 8;                                          // of one put_many
};

class S3BlobStore : public DurableBlobStore {
 public:
  // Asks the server whether it, the bucket and the credentials are well. The references must
  // outlive the store; `clock` tells the calendar's time, which the server compares with its own.
  // NotFound: no such bucket; Unauthenticated, PermissionDenied, InvalidArgument, Unavailable.
  static Result<std::unique_ptr<S3BlobStore>> open(FileSystem& file_system, const Clock& clock,
                                                   Random& random, S3Location location,
                                                   const S3Options& options);
  ~S3BlobStore() override;

  Result<std::vector<Digest>> put_many(std::span<const std::string_view> blobs) override;
  Result<StoredBlob> put_file(const std::string& path) override;
  Result<std::unique_ptr<BlobWriter>> writer() override;
  Result<std::string> get(const Digest& digest) const override;
  // Reads a blob once to verify it, unless it fits into one part; then only what is asked for, of
  // that very object.
  Result<std::unique_ptr<BlobReader>> open(const Digest& digest) const override;
  Result<bool> exists(const Digest& digest) const override;
  Result<std::uint64_t> size_bytes(const Digest& digest) const override;
  Result<std::optional<std::string>> local_path(const Digest& digest) const override;
  Result<std::vector<StoredBlob>> list() const override;
  Result<void> remove(const Digest& digest) override;
  Result<void> verify(const Digest& digest) const override;

  std::string place_of(const Digest& digest) const override;
  bool is_local() const override { return false; }
  Result<Timestamp> last_put(const Digest& digest) const override;
  Result<bool> remove_unless_put_since(const Digest& digest, Timestamp since) override;
  // Objects below tmp/, and uploads in parts that are neither complete nor aborted.
  Result<std::vector<Leftover>> leftovers() const override;
  Result<void> remove_leftover(const Leftover& leftover) override;

 private:
  class Writer;
  struct State;
  explicit S3BlobStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace martlet::artifacts

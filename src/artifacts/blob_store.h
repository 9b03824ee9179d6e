// artifacts/blob_store.h: bytes by their digest.
//
// A BlobStore keeps immutable blobs named by their SHA-256. One per process and store, built by
// lifecycle/; thread-safe. A blob that was acknowledged survives kill -9 and power loss; a blob is
// there whole or not at all. Every driver passes conformance_test.cc. Never here: names, paths
// given by clients, or any meaning of the bytes.
#pragma once
#include "base/digest.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::artifacts {

// A verified blob, open for reading at any offset. One thread at a time.
class BlobReader {
 public:
  virtual ~BlobReader() = default;
  virtual std::uint64_t size_bytes() const = 0;
  // Up to `size_bytes` at `offset`; fewer only at the end.
  virtual Result<std::string> read_at(std::uint64_t offset, std::size_t size_bytes) const = 0;
};

struct StoredBlob {
  Digest digest;
  std::uint64_t size_bytes = 0;
};

// A blob on its way into a store, of a size that nobody knows yet: its bytes are hashed as they
// come and written once. Destroyed before finish() has succeeded, it leaves nothing behind; killed,
// it leaves what garbage collection takes. The store must outlive it. One thread at a time; several
// writers may be at work at once.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  BlobWriter(const BlobWriter&) = delete;
  BlobWriter& operator=(const BlobWriter&) = delete;

  // Pieces of any size. Errors as BlobStore::put's; after one, and after finish(), every call is
  // Conflict: what has been written can't be continued, begin again with a new writer.
  Result<void> append(std::string_view bytes);
  // Durable when it returns; no bytes at all are a blob too.
  Result<StoredBlob> finish();

 protected:
  BlobWriter() = default;

 private:
  virtual Result<void> write(std::string_view bytes) = 0;
  // All bytes were written; makes them the blob of that name.
  virtual Result<void> settle(const StoredBlob& blob) = 0;
  Result<void> begin();

  Sha256 hasher_;
  std::uint64_t size_bytes_ = 0;
  bool over_ = false;  // finished, or failed
};

class BlobStore {
 public:
  virtual ~BlobStore() = default;

  // Stores the bytes; durable when it returns. Storing what is there already costs no write.
  // ResourceExhausted when the disk is full; Unavailable for other input/output errors, and for
  // every put after a failed sync until the store is opened again (RELIABILITY §1.4).
  Result<Digest> put(std::string_view bytes);
  // Many small blobs with one pass of syncs. All are durable when it returns; after a failure any
  // part of them may be stored.
  virtual Result<std::vector<Digest>> put_many(std::span<const std::string_view> blobs) = 0;
  // Copies the file in, in pieces. NotFound when there is none; Conflict when it changed while it
  // was copied.
  virtual Result<StoredBlob> put_file(const std::string& path) = 0;
  // For bytes that come in pieces and don't fit into memory, as an upload's.
  virtual Result<std::unique_ptr<BlobWriter>> writer() = 0;

  // The whole blob; its digest is checked when this process first reads it. NotFound; Corrupt
  // (names the digest and what to do).
  virtual Result<std::string> get(const Digest& digest) const = 0;
  // As get(), for blobs that are large or read in parts.
  virtual Result<std::unique_ptr<BlobReader>> open(const Digest& digest) const = 0;
  virtual Result<bool> exists(const Digest& digest) const = 0;
  // NotFound when absent.
  virtual Result<std::uint64_t> size_bytes(const Digest& digest) const = 0;
  // Where the verified blob lies on this machine, for libraries that read files themselves (read
  // only!); nullopt when the store isn't a local directory. NotFound, Corrupt.
  virtual Result<std::optional<std::string>> local_path(const Digest& digest) const = 0;

  // Every stored blob, by digest.
  virtual Result<std::vector<StoredBlob>> list() const = 0;
  // Only for garbage collection. Fine when absent.
  virtual Result<void> remove(const Digest& digest) = 0;
  // Reads the blob again and compares, whatever this process has checked before. NotFound, Corrupt.
  virtual Result<void> verify(const Digest& digest) const = 0;
};

// What drivers answer, so that all of them say the same.
Error no_such_blob(const Digest& digest);
Error corrupt_blob(const Digest& digest, std::string_view found);

}  // namespace martlet::artifacts

// artifacts/internal/s3_state.h: what S3BlobStore and its readers and writers share: the client,
// and how a blob is put, found and read. Thread-safe.
#pragma once
#include "artifacts/internal/s3_objects.h"
#include "artifacts/s3_blob_store.h"
#include "platform/threads.h"

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace martlet::artifacts {

inline constexpr std::string_view kTemporaryFolder = "tmp/";

struct S3BlobStore::State {
  State(FileSystem& files_in, const Clock& clock, Random& random, S3Location location,
        const S3Options& options)
      : files(files_in), client(std::move(location), options, clock, random),
        pool({.threads = options.threads, .name = "s3"}) {}

  std::string key_of(const Digest& digest) const;
  Result<std::unique_ptr<CollectionHold>> hold(CollectionShare share) const;
  // NotFound.
  Result<S3Object> look(const Digest& digest) const;

  // In one request where that is possible; durable when it returns.
  Result<void> put(std::string_view bytes, const Digest& digest);
  // Whether it is there with this size, undamaged as far as that is cheap to say; notes that it was
  // put now. False also when that can't be noted: put it again.
  Result<bool> mark_present(const Digest& digest, std::uint64_t size_bytes);
  Result<StoredBlob> copy_in(const std::string& path);
  // Calls body(0 … count - 1), several at a time.
  Result<void> each(std::size_t count, const std::function<Result<void>(std::size_t)>& body);

  // The whole blob in pieces, in order; fails after the last one when it is damaged. What is handed
  // on before is not verified. NotFound, Corrupt.
  Result<void> stream(const Digest& digest,
                      const std::function<void(std::string_view)>& take) const;
  // As stream(), unless this process has verified that object before. The object that was verified.
  Result<S3Object> verify_once(const Digest& digest) const;
  void forget(const Digest& digest) const;

  FileSystem& files;
  S3Client client;
  platform::ThreadPool pool;
  std::atomic<bool> has_conditions{true};  // the server understands If-None-Match

 private:
  bool is_verified(const Digest& digest, const S3Object& object) const;
  Result<Digest> digest_of_file(const std::string& path, std::uint64_t size_bytes) const;
  Result<void> upload_file(const std::string& path, const FileStatus& before,
                           const StoredBlob& blob);
  // Conflict when the file isn't what it was.
  Result<void> refuse_changed(const std::string& path, const FileStatus& before) const;

  mutable std::mutex mutex_;                                  // guards verified_
  mutable std::unordered_map<Digest, std::string> verified_;  // to the object's tag
};

}  // namespace martlet::artifacts

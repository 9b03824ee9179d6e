// artifacts/memory_blob_store.h: blobs in memory, for tests and scratch work. Thread-safe.
#pragma once
#include "artifacts/blob_store.h"
#include "base/file_system.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace martlet::artifacts {

class MemoryBlobStore : public BlobStore {
 public:
  // `file_system` is only for put_file() and must outlive the store.
  explicit MemoryBlobStore(FileSystem& file_system) : file_system_(&file_system) {}
  // A store whose put_file() fails.
  MemoryBlobStore() = default;

  Result<std::vector<Digest>> put_many(std::span<const std::string_view> blobs) override;
  Result<StoredBlob> put_file(const std::string& path) override;
  Result<std::unique_ptr<BlobWriter>> writer() override;
  Result<std::string> get(const Digest& digest) const override;
  Result<std::unique_ptr<BlobReader>> open(const Digest& digest) const override;
  Result<bool> exists(const Digest& digest) const override;
  Result<std::uint64_t> size_bytes(const Digest& digest) const override;
  Result<std::optional<std::string>> local_path(const Digest& digest) const override;
  Result<std::vector<StoredBlob>> list() const override;
  Result<void> remove(const Digest& digest) override;
  Result<void> verify(const Digest& digest) const override;

 private:
  class Writer;
  Result<std::shared_ptr<const std::string>> find(const Digest& digest) const;
  FileSystem* file_system_ = nullptr;
  mutable std::mutex mutex_;  // guards blobs_
  std::map<Digest, std::shared_ptr<const std::string>> blobs_;
};

}  // namespace martlet::artifacts

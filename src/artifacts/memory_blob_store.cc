#include "artifacts/memory_blob_store.h"

namespace martlet::artifacts {

namespace {

class MemoryBlobReader : public BlobReader {
 public:
  explicit MemoryBlobReader(std::shared_ptr<const std::string> bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size_bytes() const override { return bytes_->size(); }
  Result<std::string> read_at(std::uint64_t offset, std::size_t size_bytes) const override {
    if (offset >= bytes_->size()) return std::string();
    return bytes_->substr(static_cast<std::size_t>(offset), size_bytes);
  }

 private:
  std::shared_ptr<const std::string> bytes_;
};

}  // namespace

Result<std::shared_ptr<const std::string>> MemoryBlobStore::find(const Digest& digest) const {
  const std::unique_lock lock(mutex_);
  const auto found = blobs_.find(digest);
  if (found == blobs_.end()) return fail(no_such_blob(digest));
  return found->second;
}

Result<std::vector<Digest>> MemoryBlobStore::put_many(std::span<const std::string_view> blobs) {
  std::vector<Digest> digests;
  digests.reserve(blobs.size());
  for (const std::string_view bytes : blobs) {
    digests.push_back(digest_of(bytes));
    const std::unique_lock lock(mutex_);
    auto& kept = blobs_[digests.back()];
    if (kept == nullptr) kept = std::make_shared<const std::string>(bytes);
  }
  return digests;
}

Result<StoredBlob> MemoryBlobStore::put_file(const std::string& path) {
  if (file_system_ == nullptr)
    return invalid_argument("storing the file " + path +
                            ": this store in memory has no file system");
  auto bytes = file_system_->read_file(path);
  if (!bytes.has_value())
    return fail(std::move(bytes).error().with_context("storing the file " + path));
  MARTLET_TRY_SET(const Digest digest, put(*bytes));
  return StoredBlob{digest, bytes->size()};
}

class MemoryBlobStore::Writer : public BlobWriter {
 public:
  explicit Writer(MemoryBlobStore& store) : store_(store) {}

 private:
  Result<void> write(std::string_view bytes) override {
    bytes_.append(bytes);
    return {};
  }
  Result<void> settle(const StoredBlob& blob) override {
    const std::unique_lock lock(store_.mutex_);
    auto& kept = store_.blobs_[blob.digest];
    if (kept == nullptr) kept = std::make_shared<const std::string>(std::move(bytes_));
    return {};
  }

  MemoryBlobStore& store_;
  std::string bytes_;
};

Result<std::unique_ptr<BlobWriter>> MemoryBlobStore::writer() {
  return std::make_unique<Writer>(*this);
}

Result<std::string> MemoryBlobStore::get(const Digest& digest) const {
  MARTLET_TRY_SET(const std::shared_ptr<const std::string> bytes, find(digest));
  return *bytes;
}

Result<std::unique_ptr<BlobReader>> MemoryBlobStore::open(const Digest& digest) const {
  MARTLET_TRY_SET(std::shared_ptr<const std::string> bytes, find(digest));
  return std::make_unique<MemoryBlobReader>(std::move(bytes));
}

Result<bool> MemoryBlobStore::exists(const Digest& digest) const {
  const std::unique_lock lock(mutex_);
  return blobs_.contains(digest);
}

Result<std::uint64_t> MemoryBlobStore::size_bytes(const Digest& digest) const {
  MARTLET_TRY_SET(const std::shared_ptr<const std::string> bytes, find(digest));
  return bytes->size();
}

Result<std::optional<std::string>> MemoryBlobStore::local_path(const Digest& digest) const {
  MARTLET_TRY(find(digest));
  return std::optional<std::string>();
}

Result<std::vector<StoredBlob>> MemoryBlobStore::list() const {
  const std::unique_lock lock(mutex_);
  std::vector<StoredBlob> blobs;
  for (const auto& [digest, bytes] : blobs_) blobs.push_back({digest, bytes->size()});
  return blobs;
}

Result<void> MemoryBlobStore::remove(const Digest& digest) {
  const std::unique_lock lock(mutex_);
  blobs_.erase(digest);
  return {};
}

Result<void> MemoryBlobStore::verify(const Digest& digest) const {
  MARTLET_TRY_SET(const std::shared_ptr<const std::string> bytes, find(digest));
  if (digest_of(*bytes) != digest) return fail(corrupt_blob(digest, "its bytes in memory changed"));
  return {};
}

}  // namespace martlet::artifacts

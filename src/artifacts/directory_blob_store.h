// artifacts/directory_blob_store.h: blobs in a local directory.
//
// <root>/ab/cdef…: the first two hex digits of the digest name the folder. Written to
// <root>/ab/tmp-… in the same folder, synced, renamed, and the folder synced. Files may be shared
// with other processes on this host that do the same. A file's time of modification says when its
// blob was last put. Thread-safe.
#pragma once
#include "artifacts/durable_blob_store.h"
#include "base/file_system.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace martlet::artifacts {

class DirectoryBlobStore : public DurableBlobStore {
 public:
  // Makes the directory when it is absent. `file_system` must outlive the store. Without a lock
  // nobody may remove blobs while others put them.
  static Result<std::unique_ptr<DirectoryBlobStore>> open(FileSystem& file_system, std::string root,
                                                          CollectionLock collection_lock = {});

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

  std::string place_of(const Digest& digest) const override { return path_of(digest); }
  bool is_local() const override { return true; }
  Result<Timestamp> last_put(const Digest& digest) const override;
  Result<bool> remove_unless_put_since(const Digest& digest, Timestamp since) override;
  Result<std::vector<Leftover>> leftovers() const override;
  Result<void> remove_leftover(const Leftover& leftover) override;
  // Removes temporary files that killed processes left behind. Call only while no other process
  // writes to the store; returns how many.
  Result<std::int64_t> remove_leftovers();
  std::string path_of(const Digest& digest) const;

 private:
  class Writer;
  DirectoryBlobStore(FileSystem& file_system, std::string root, CollectionLock collection_lock);
  std::string folder_of(const Digest& digest) const;
  Result<void> refuse_if_stopped() const;
  // Passes a sync's result on; a failed one stops all later writes.
  Result<void> stop_unless(Result<void> synced);
  bool is_in(const std::unordered_set<Digest>& set, const Digest& digest) const;
  void add_to(std::unordered_set<Digest>& set, const Digest& digest) const;
  Result<void> prepare_folder(const std::string& folder);
  Result<std::unique_ptr<File>> create_temporary(const std::string& folder, std::string& path);
  Result<std::unique_ptr<CollectionHold>> hold(CollectionShare share) const;
  // Notes that it was put now. False when it can't be: it is gone, or isn't ours to change.
  Result<bool> mark_put(const Digest& digest, std::uint64_t size_bytes);
  // Whether it is there, whole and durably.
  Result<bool> is_stored(const Digest& digest, std::uint64_t size_bytes);
  Result<void> store_group(std::span<const std::string_view> blobs,
                           const std::vector<Digest>& digests,
                           std::span<const std::size_t> indices);
  // Passes its bytes to `to`, in pieces.
  Result<StoredBlob> copy_in(const std::string& path, BlobWriter& to);
  Result<void> settle(const StoredBlob& blob, const std::string& temporary, File& file);
  Result<void> verify_once(const Digest& digest) const;

  FileSystem& file_system_;
  std::string root_;
  CollectionLock collection_lock_;
  std::atomic<std::uint64_t> temporaries_{0};
  std::atomic<bool> stopped_{false};
  mutable std::mutex mutex_;  // guards the sets below; never held across input or output
  mutable std::unordered_set<Digest> verified_;
  mutable std::unordered_set<Digest> durable_;  // this process has synced (or re-synced) them
  std::unordered_set<std::string> folders_;     // exist, and are durably named in the root
};

}  // namespace martlet::artifacts

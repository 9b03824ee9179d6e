#include "storage/planted_bugs.h"

#include <array>

namespace martlet::storage {

std::string_view name_of(Bug bug) {
  static constexpr std::array<std::string_view, 13> kNames{
      "none",           "no_file_sync",  "no_directory_sync", "rename_before_sync", "file_sync_retried",
      "ack_before_commit", "row_before_blob", "no_digest_check", "no_fence",        "no_log_sync",
      "no_database_sync", "no_log_directory_sync", "log_sync_retried"};
  return kNames[static_cast<std::size_t>(bug)];
}

VfsBug vfs_bug(Bug bug) {
  switch (bug) {
    case Bug::NoLogSync: return VfsBug::NoLogSync;
    case Bug::NoDatabaseSync: return VfsBug::NoDatabaseSync;
    case Bug::NoLogDirectorySync: return VfsBug::NoDirectorySync;
    case Bug::LogSyncRetried: return VfsBug::RetriesFailedSync;
    default: return VfsBug::None;
  }
}

namespace {

class BuggyFileSystem;

class BuggyFile : public File {
 public:
  BuggyFile(std::unique_ptr<File> file, std::string path, BuggyFileSystem& owner)
      : file_(std::move(file)), path_(std::move(path)), owner_(owner) {}
  Result<std::string> read_at(std::uint64_t offset, std::size_t size_bytes) const override {
    return file_->read_at(offset, size_bytes);
  }
  Result<void> append(std::string_view bytes) override { return file_->append(bytes); }
  Result<std::uint64_t> size_bytes() const override { return file_->size_bytes(); }
  Result<void> truncate(std::uint64_t size_bytes) override { return file_->truncate(size_bytes); }
  Result<void> sync() override;
  Result<void> close() override { return file_->close(); }

 private:
  std::unique_ptr<File> file_;
  std::string path_;
  BuggyFileSystem& owner_;
};

class BuggyFileSystem : public FileSystem {
 public:
  BuggyFileSystem(FileSystem& files, Bug bug) : files_(files), bug_(bug) {}

  Result<std::unique_ptr<File>> open_for_reading(const std::string& path) override {
    return wrap(files_.open_for_reading(path), path);
  }
  Result<std::unique_ptr<File>> create_new(const std::string& path) override {
    return wrap(files_.create_new(path), path);
  }
  Result<std::unique_ptr<File>> open_for_appending(const std::string& path) override {
    return wrap(files_.open_for_appending(path), path);
  }
  Result<FileStatus> status(const std::string& path) override { return files_.status(path); }
  Result<std::vector<std::string>> list(const std::string& directory) override { return files_.list(directory); }
  Result<void> create_directories(const std::string& path) override { return files_.create_directories(path); }
  Result<void> rename(const std::string& from, const std::string& to) override {
    {
      const std::lock_guard lock(mutex_);
      if (late_.erase(from) > 0) late_[to] = parent_path(to);
    }
    return files_.rename(from, to);
  }
  Result<void> remove(const std::string& path) override { return files_.remove(path); }
  Result<void> remove_all(const std::string& path) override { return files_.remove_all(path); }
  Result<void> sync_directory(const std::string& path) override {
    if (bug_ == Bug::NoDirectorySync) return {};
    MARTLET_TRY(retried([&] { return files_.sync_directory(path); }));
    std::vector<std::string> due;
    {
      const std::lock_guard lock(mutex_);
      for (auto at = late_.begin(); at != late_.end();) {
        if (at->second == path) due.push_back(at->first);
        at = at->second == path ? late_.erase(at) : std::next(at);
      }
    }
    for (const std::string& late : due) {
      MARTLET_TRY_SET(const std::unique_ptr<File> file, files_.open_for_reading(late));
      MARTLET_TRY(file->sync());
    }
    return {};
  }

  Result<void> sync(File& file, const std::string& path) {
    if (bug_ == Bug::NoFileSync) return {};
    if (bug_ == Bug::RenameBeforeSync) {
      const std::lock_guard lock(mutex_);
      late_[path] = parent_path(path);
      return {};
    }
    return retried([&] { return file.sync(); });
  }

 private:
  template <class Sync>
  Result<void> retried(const Sync& sync) const {
    auto synced = sync();
    if (!synced.has_value() && bug_ == Bug::FileSyncRetried) return sync();
    return synced;
  }
  Result<std::unique_ptr<File>> wrap(Result<std::unique_ptr<File>> opened, const std::string& path) {
    if (!opened.has_value()) return opened;
    return std::make_unique<BuggyFile>(std::move(*opened), path, *this);
  }
  FileSystem& files_;
  Bug bug_;
  std::mutex mutex_;                         // guards late_
  std::map<std::string, std::string> late_;  // files whose sync is still to come, and their directories
};

Result<void> BuggyFile::sync() { return owner_.sync(*file_, path_); }

// Answers before the commit, which happens when the next call comes.
class EarlyDatabase : public metadata::Database {
 public:
  EarlyDatabase(metadata::Database& database, bool early) : database_(database), early_(early) {}
  ~EarlyDatabase() override { static_cast<void>(settle().has_value()); }
  Result<std::unique_ptr<metadata::OpenTransaction>> begin() override {
    MARTLET_TRY(settle());
    return database_.begin();
  }
  Result<std::int64_t> data_version() const override { return database_.data_version(); }
  Result<std::vector<Finding>> check_integrity() const override { return database_.check_integrity(); }
  Result<void> back_up_to(const std::string& path) const override { return database_.back_up_to(path); }
  metadata::WriteCounts write_counts() const override { return database_.write_counts(); }

 protected:
  Result<void> write_erased(const std::function<Result<void>(metadata::Transaction&)>& function) override {
    MARTLET_TRY(settle());
    if (!early_) return database_.write([&](metadata::Transaction& tx) { return function(tx); });
    MARTLET_TRY_SET(auto open, database_.begin());
    MARTLET_TRY(function(*open));
    held_ = std::move(open);
    return {};
  }
  Result<void>
  read_erased(const std::function<Result<void>(const metadata::ReadTransaction&)>& function) const override {
    MARTLET_TRY(settle());
    return database_.read([&](const metadata::ReadTransaction& tx) { return function(tx); });
  }

 private:
  Result<void> settle() const {
    if (held_ == nullptr) return {};
    auto committed = held_->commit();
    held_.reset();
    return committed;
  }
  metadata::Database& database_;
  bool early_;
  mutable std::unique_ptr<metadata::OpenTransaction> held_;
};

class BuggyBlobs : public artifacts::BlobStore {
 public:
  BuggyBlobs(BlobStore& blobs, FileSystem& files, std::string root, Bug bug)
      : blobs_(blobs), files_(files), root_(std::move(root)), bug_(bug) {}

  Result<std::vector<Digest>> put_many(std::span<const std::string_view> blobs) override {
    if (bug_ != Bug::RowBeforeBlob) return blobs_.put_many(blobs);
    MARTLET_TRY(store_late());
    std::vector<Digest> digests;
    const std::lock_guard lock(mutex_);
    for (const std::string_view bytes : blobs) {
      digests.push_back(digest_of(bytes));
      late_[digests.back()] = bytes;
    }
    return digests;
  }
  Result<artifacts::StoredBlob> put_file(const std::string& path) override {
    if (bug_ != Bug::RowBeforeBlob) return blobs_.put_file(path);
    MARTLET_TRY_SET(const std::string bytes, files_.read_file(path));
    MARTLET_TRY_SET(const Digest digest, put(bytes));
    return artifacts::StoredBlob{digest, bytes.size()};
  }
  Result<std::unique_ptr<artifacts::BlobWriter>> writer() override {
    if (bug_ != Bug::RowBeforeBlob) return blobs_.writer();
    return std::make_unique<LateWriter>(*this);
  }
  Result<std::string> get(const Digest& digest) const override {
    if (bug_ == Bug::NoDigestCheck)
      return files_.read_file(join_path(root_, digest.hex().substr(0, 2) + "/" + digest.hex().substr(2)));
    MARTLET_TRY(store_late());
    return blobs_.get(digest);
  }
  Result<std::unique_ptr<artifacts::BlobReader>> open(const Digest& digest) const override {
    MARTLET_TRY(store_late());
    return blobs_.open(digest);
  }
  Result<bool> exists(const Digest& digest) const override {
    {
      const std::lock_guard lock(mutex_);
      if (late_.contains(digest)) return true;
    }
    return blobs_.exists(digest);
  }
  Result<std::uint64_t> size_bytes(const Digest& digest) const override {
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = late_.find(digest); found != late_.end()) return found->second.size();
    }
    return blobs_.size_bytes(digest);
  }
  Result<std::optional<std::string>> local_path(const Digest& digest) const override {
    MARTLET_TRY(store_late());
    return blobs_.local_path(digest);
  }
  Result<std::vector<artifacts::StoredBlob>> list() const override { return blobs_.list(); }
  Result<void> remove(const Digest& digest) override { return blobs_.remove(digest); }
  Result<void> verify(const Digest& digest) const override {
    return bug_ == Bug::NoDigestCheck ? Result<void>{} : blobs_.verify(digest);
  }

 private:
  // Says that it is stored, and stores it when the next call comes.
  class LateWriter : public artifacts::BlobWriter {
   public:
    explicit LateWriter(BuggyBlobs& owner) : owner_(owner) {}

   private:
    Result<void> write(std::string_view bytes) override {
      bytes_.append(bytes);
      return {};
    }
    Result<void> settle(const artifacts::StoredBlob& blob) override {
      const std::lock_guard lock(owner_.mutex_);
      owner_.late_[blob.digest] = std::move(bytes_);
      return {};
    }
    BuggyBlobs& owner_;
    std::string bytes_;
  };
  Result<void> store_late() const {
    std::map<Digest, std::string> due;
    {
      const std::lock_guard lock(mutex_);
      due.swap(late_);
    }
    for (const auto& [digest, bytes] : due) MARTLET_TRY(blobs_.put(bytes));
    return {};
  }
  BlobStore& blobs_;
  FileSystem& files_;
  std::string root_;
  Bug bug_;
  mutable std::mutex mutex_;                     // guards late_
  mutable std::map<Digest, std::string> late_;  // said to be stored
};

}  // namespace

std::unique_ptr<FileSystem> with_bug(FileSystem& files, Bug bug) { return std::make_unique<BuggyFileSystem>(files, bug); }

std::unique_ptr<metadata::Database> with_bug(metadata::Database& database, Bug bug) {
  return std::make_unique<EarlyDatabase>(database, bug == Bug::AckBeforeCommit);
}

std::unique_ptr<artifacts::BlobStore> with_bug(artifacts::BlobStore& blobs, FileSystem& files, std::string root, Bug bug) {
  return std::make_unique<BuggyBlobs>(blobs, files, std::move(root), bug);
}

}  // namespace martlet::storage

#include "artifacts/directory_blob_store.h"

#include "base/durable_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace martlet::artifacts {

namespace {

constexpr std::size_t kPieceBytes = 1 << 20;  // read, hashed and written at a time
constexpr std::size_t kMaxOpenFiles = 64;     // of one put_many
constexpr std::uint64_t kRecheckBytes =
    16u << 20;  // a stored blob up to this size is compared when it is put again
constexpr int kMaxNameAttempts = 10'000;  // temporary names taken by other processes
constexpr std::string_view kTemporaryPrefix = "tmp-";

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

class FileBlobReader : public BlobReader {
 public:
  FileBlobReader(std::unique_ptr<File> file, std::uint64_t size_bytes)
      : file_(std::move(file)), size_bytes_(size_bytes) {}
  std::uint64_t size_bytes() const override { return size_bytes_; }
  Result<std::string> read_at(std::uint64_t offset, std::size_t size_bytes) const override {
    return file_->read_at(offset, size_bytes);
  }

 private:
  std::unique_ptr<File> file_;
  std::uint64_t size_bytes_;
};

// A blob on its way into the store.
struct Arriving {
  std::size_t index = 0;  // in the caller's list
  std::string temporary;
  std::unique_ptr<File> file;
};

}  // namespace

DirectoryBlobStore::DirectoryBlobStore(FileSystem& file_system, std::string root,
                                       CollectionLock collection_lock)
    : file_system_(file_system), root_(std::move(root)),
      collection_lock_(std::move(collection_lock)) {}

Result<std::unique_ptr<DirectoryBlobStore>>
DirectoryBlobStore::open(FileSystem& file_system, std::string root,
                         CollectionLock collection_lock) {
  if (auto created = create_directories_durably(file_system, root); !created.has_value()) {
    return fail(std::move(created).error().with_context("opening the blob store " + root));
  }
  return std::unique_ptr<DirectoryBlobStore>(
      new DirectoryBlobStore(file_system, std::move(root), std::move(collection_lock)));
}

std::string DirectoryBlobStore::folder_of(const Digest& digest) const {
  return join_path(root_, digest.hex().substr(0, 2));
}
std::string DirectoryBlobStore::path_of(const Digest& digest) const {
  return join_path(folder_of(digest), digest.hex().substr(2));
}

Result<void> DirectoryBlobStore::refuse_if_stopped() const {
  if (!stopped_) return {};
  return unavailable(
      "the blob store " + root_ +
      " has stopped writing after the disk failed to sync, so that nothing acknowledged is lost; " +
      "mend the disk and start again");
}

Result<void> DirectoryBlobStore::stop_unless(Result<void> synced) {
  if (!synced.has_value()) stopped_ = true;
  return synced;
}

bool DirectoryBlobStore::is_in(const std::unordered_set<Digest>& set, const Digest& digest) const {
  const std::unique_lock lock(mutex_);
  return set.contains(digest);
}

void DirectoryBlobStore::add_to(std::unordered_set<Digest>& set, const Digest& digest) const {
  const std::unique_lock lock(mutex_);
  set.insert(digest);
}

Result<void> DirectoryBlobStore::prepare_folder(const std::string& folder) {
  {
    const std::unique_lock lock(mutex_);
    if (folders_.contains(folder)) return {};
  }
  MARTLET_TRY(file_system_.create_directories(folder));
  // Also when it was there: whoever made it may not have come to this.
  MARTLET_TRY(stop_unless(file_system_.sync_directory(root_)));
  const std::unique_lock lock(mutex_);
  folders_.insert(folder);
  return {};
}

Result<std::unique_ptr<File>> DirectoryBlobStore::create_temporary(const std::string& folder,
                                                                   std::string& path) {
  for (int attempt = 0; attempt < kMaxNameAttempts; ++attempt) {
    path = join_path(folder, std::string(kTemporaryPrefix) + std::to_string(temporaries_++));
    auto created = file_system_.create_new(path);
    if (created.has_value() || created.error().code() != ErrorCode::AlreadyExists) return created;
  }
  return unavailable(fmt::format("{} is full of temporary files; run `martlet gc`", folder));
}

Result<std::unique_ptr<CollectionHold>> DirectoryBlobStore::hold(CollectionShare share) const {
  if (!collection_lock_) return std::unique_ptr<CollectionHold>();
  return collection_lock_(share);
}

Result<bool> DirectoryBlobStore::mark_put(const Digest& digest, std::uint64_t size_bytes) {
  MARTLET_TRY_SET(const std::unique_ptr<CollectionHold> held, hold(CollectionShare::Shared));
  const auto status = file_system_.status(path_of(digest));
  if (!status.has_value() || status->size_bytes != size_bytes) return false;
  // Setting a file to the length that it has changes nothing but its time of modification.
  auto file = file_system_.open_for_appending(path_of(digest));
  if (!file.has_value()) {
    // One that can't be marked can still be replaced by the bytes at hand.
    if (file.error().code() == ErrorCode::PermissionDenied) return false;
    return fail(std::move(file).error());
  }
  // Somebody may have removed it by hand, and opening it made an empty one.
  MARTLET_TRY_SET(const std::uint64_t found_bytes, (*file)->size_bytes());
  if (found_bytes != size_bytes) return false;
  MARTLET_TRY((*file)->truncate(size_bytes));
  MARTLET_TRY((*file)->close());
  return true;
}

Result<bool> DirectoryBlobStore::is_stored(const Digest& digest, std::uint64_t size_bytes) {
  const auto status = file_system_.status(path_of(digest));
  if (!status.has_value()) {
    if (status.error().code() == ErrorCode::NotFound) return false;
    return fail(status.error());
  }
  // Damaged: the bytes at hand replace it.
  if (status->size_bytes != size_bytes) return false;
  if (size_bytes <= kRecheckBytes) {
    if (auto checked = verify_once(digest); !checked.has_value()) {
      if (checked.error().code() == ErrorCode::Corrupt ||
          checked.error().code() == ErrorCode::NotFound)
        return false;
      return fail(std::move(checked).error());
    }
  }
  MARTLET_TRY_SET(const bool marked, mark_put(digest, size_bytes));
  if (!marked) return false;
  if (is_in(durable_, digest)) return true;
  // Another process may have put the name there and not have synced it yet.
  MARTLET_TRY(prepare_folder(folder_of(digest)));
  MARTLET_TRY(stop_unless(file_system_.sync_directory(folder_of(digest))));
  add_to(durable_, digest);
  return true;
}

Result<void> DirectoryBlobStore::store_group(std::span<const std::string_view> blobs,
                                             const std::vector<Digest>& digests,
                                             std::span<const std::size_t> indices) {
  std::vector<Arriving> arriving;
  auto stored = [&]() -> Result<void> {
    // All are written before the first is synced, so that the disk can take them together.
    for (const std::size_t index : indices) {
      const std::string folder = folder_of(digests[index]);
      MARTLET_TRY(prepare_folder(folder));
      Arriving& next = arriving.emplace_back();
      next.index = index;
      MARTLET_TRY_SET(next.file, create_temporary(folder, next.temporary));
      MARTLET_TRY(next.file->append(blobs[index]));
    }
    std::set<std::string> folders;
    for (Arriving& each : arriving) {
      MARTLET_TRY(stop_unless(each.file->sync()));
      MARTLET_TRY(each.file->close());
      MARTLET_TRY(file_system_.rename(each.temporary, path_of(digests[each.index])));
      each.temporary.clear();
      folders.insert(folder_of(digests[each.index]));
    }
    for (const std::string& folder : folders)
      MARTLET_TRY(stop_unless(file_system_.sync_directory(folder)));
    return {};
  }();
  if (!stored.has_value()) {
    for (Arriving& each : arriving) {
      each.file.reset();
      // Best effort: what is left behind is found by remove_leftovers().
      if (!each.temporary.empty())
        static_cast<void>(file_system_.remove(each.temporary).has_value());
    }
    return stored;
  }
  const std::unique_lock lock(mutex_);
  for (const std::size_t index : indices) {
    durable_.insert(digests[index]);
    verified_.insert(digests[index]);
  }
  return {};
}

Result<std::vector<Digest>> DirectoryBlobStore::put_many(std::span<const std::string_view> blobs) {
  MARTLET_TRY(refuse_if_stopped());
  std::vector<Digest> digests;
  digests.reserve(blobs.size());
  std::set<Digest> seen;
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < blobs.size(); ++i) {
    digests.push_back(digest_of(blobs[i]));
    if (!seen.insert(digests[i]).second) continue;
    MARTLET_TRY_SET(const bool stored, is_stored(digests[i], blobs[i].size()));
    if (!stored) missing.push_back(i);
  }
  const std::span<const std::size_t> all(missing);
  for (std::size_t done = 0; done < all.size(); done += kMaxOpenFiles) {
    if (auto stored = store_group(blobs, digests,
                                  all.subspan(done, std::min(kMaxOpenFiles, all.size() - done)));
        !stored.has_value()) {
      return fail(std::move(stored).error().with_context("storing blobs in " + root_));
    }
  }
  return digests;
}

Result<void> DirectoryBlobStore::settle(const StoredBlob& blob, const std::string& temporary,
                                        File& file) {
  MARTLET_TRY(refuse_if_stopped());
  MARTLET_TRY_SET(const bool known, is_stored(blob.digest, blob.size_bytes));
  if (known) return file_system_.remove(temporary);
  MARTLET_TRY(prepare_folder(folder_of(blob.digest)));
  MARTLET_TRY(stop_unless(file.sync()));
  MARTLET_TRY(file.close());
  MARTLET_TRY(file_system_.rename(temporary, path_of(blob.digest)));
  MARTLET_TRY(stop_unless(file_system_.sync_directory(folder_of(blob.digest))));
  add_to(durable_, blob.digest);
  return {};
}

// The digest, and so the folder, is known only at the end; the temporary file lies in the root, on
// the same file system.
class DirectoryBlobStore::Writer : public BlobWriter {
 public:
  Writer(DirectoryBlobStore& store, std::unique_ptr<File> file, std::string temporary)
      : store_(store), file_(std::move(file)), temporary_(std::move(temporary)) {}
  ~Writer() override {
    file_.reset();
    // Best effort: what is left behind is found by remove_leftovers().
    if (!temporary_.empty()) static_cast<void>(store_.file_system_.remove(temporary_).has_value());
  }

 private:
  Result<void> write(std::string_view bytes) override {
    MARTLET_TRY(store_.refuse_if_stopped());
    return in_context(file_->append(bytes));
  }
  Result<void> settle(const StoredBlob& blob) override {
    auto settled = in_context(store_.settle(blob, temporary_, *file_));
    if (settled.has_value()) temporary_.clear();
    return settled;
  }
  Result<void> in_context(Result<void> done) const {
    if (done.has_value()) return done;
    return fail(std::move(done).error().with_context("storing a blob in " + store_.root_));
  }

  DirectoryBlobStore& store_;
  std::unique_ptr<File> file_;
  std::string temporary_;  // "" once it is the blob
};

Result<std::unique_ptr<BlobWriter>> DirectoryBlobStore::writer() {
  MARTLET_TRY(refuse_if_stopped());
  std::string temporary;
  auto file = create_temporary(root_, temporary);
  if (!file.has_value())
    return fail(std::move(file).error().with_context("storing a blob in " + root_));
  return std::make_unique<Writer>(*this, std::move(*file), std::move(temporary));
}

Result<StoredBlob> DirectoryBlobStore::copy_in(const std::string& path, BlobWriter& to) {
  MARTLET_TRY_SET(const FileStatus before, file_system_.status(path));
  if (before.kind != FileKind::Regular) return invalid_argument("it isn't a regular file");
  MARTLET_TRY_SET(const std::unique_ptr<File> source, file_system_.open_for_reading(path));
  std::uint64_t copied_bytes = 0;
  for (;;) {
    MARTLET_TRY_SET(const std::string piece, source->read_at(copied_bytes, kPieceBytes));
    if (piece.empty()) break;
    MARTLET_TRY(to.append(piece));
    copied_bytes += piece.size();
  }
  MARTLET_TRY_SET(const FileStatus after, file_system_.status(path));
  if (after.size_bytes != copied_bytes || after.modified != before.modified ||
      after.inode != before.inode) {
    return conflict("it changed while it was copied; wait until it is finished and try again");
  }
  return to.finish();
}

Result<StoredBlob> DirectoryBlobStore::put_file(const std::string& path) {
  MARTLET_TRY_SET(const std::unique_ptr<BlobWriter> to, writer());
  auto stored = copy_in(path, *to);
  if (!stored.has_value())
    return fail(std::move(stored).error().with_context("storing the file " + path));
  return stored;
}

Result<std::string> DirectoryBlobStore::get(const Digest& digest) const {
  auto bytes = file_system_.read_file(path_of(digest));
  if (!bytes.has_value()) {
    if (bytes.error().code() == ErrorCode::NotFound) return fail(no_such_blob(digest));
    return fail(std::move(bytes).error().with_context("reading blob " + digest.text()));
  }
  if (!is_in(verified_, digest)) {
    if (digest_of(*bytes) != digest)
      return fail(
          corrupt_blob(digest, fmt::format("its {} bytes have another digest", bytes->size())));
    add_to(verified_, digest);
  }
  return bytes;
}

Result<void> DirectoryBlobStore::verify(const Digest& digest) const {
  auto file = file_system_.open_for_reading(path_of(digest));
  if (!file.has_value()) {
    if (file.error().code() == ErrorCode::NotFound) return fail(no_such_blob(digest));
    return fail(std::move(file).error().with_context("reading blob " + digest.text()));
  }
  Sha256 hasher;
  std::uint64_t offset = 0;
  for (;;) {
    MARTLET_TRY_SET(const std::string piece, (*file)->read_at(offset, kPieceBytes));
    if (piece.empty()) break;
    hasher.update(piece);
    offset += piece.size();
  }
  if (hasher.finish() != digest) {
    const std::unique_lock lock(mutex_);
    verified_.erase(digest);
    return fail(corrupt_blob(digest, fmt::format("its {} bytes have another digest", offset)));
  }
  add_to(verified_, digest);
  return {};
}

Result<void> DirectoryBlobStore::verify_once(const Digest& digest) const {
  if (is_in(verified_, digest)) return {};
  return verify(digest);
}

Result<std::unique_ptr<BlobReader>> DirectoryBlobStore::open(const Digest& digest) const {
  MARTLET_TRY(verify_once(digest));
  auto file = file_system_.open_for_reading(path_of(digest));
  if (!file.has_value()) {
    if (file.error().code() == ErrorCode::NotFound) return fail(no_such_blob(digest));
    return fail(std::move(file).error().with_context("opening blob " + digest.text()));
  }
  MARTLET_TRY_SET(const std::uint64_t size_bytes, (*file)->size_bytes());
  return std::make_unique<FileBlobReader>(std::move(*file), size_bytes);
}

Result<bool> DirectoryBlobStore::exists(const Digest& digest) const {
  const auto status = file_system_.status(path_of(digest));
  if (status.has_value()) return true;
  if (status.error().code() == ErrorCode::NotFound) return false;
  return fail(status.error());
}

Result<std::uint64_t> DirectoryBlobStore::size_bytes(const Digest& digest) const {
  const auto status = file_system_.status(path_of(digest));
  if (status.has_value()) return status->size_bytes;
  if (status.error().code() == ErrorCode::NotFound) return fail(no_such_blob(digest));
  return fail(status.error());
}

Result<std::optional<std::string>> DirectoryBlobStore::local_path(const Digest& digest) const {
  MARTLET_TRY_SET(const bool present, exists(digest));
  if (!present) return fail(no_such_blob(digest));
  MARTLET_TRY(verify_once(digest));
  return std::optional<std::string>(path_of(digest));
}

Result<std::vector<StoredBlob>> DirectoryBlobStore::list() const {
  std::vector<StoredBlob> blobs;
  MARTLET_TRY_SET(const std::vector<std::string> folders, file_system_.list(root_));
  for (const std::string& folder : folders) {
    if (folder.size() != 2 || !is_hex(folder)) continue;
    const std::string directory = join_path(root_, folder);
    MARTLET_TRY_SET(const std::vector<std::string> names, file_system_.list(directory));
    for (const std::string& name : names) {
      if (name.size() != 2 * Digest::kBytes - 2 || !is_hex(name)) continue;
      MARTLET_TRY_SET(const Digest digest, Digest::parse(folder + name));
      const auto status = file_system_.status(join_path(directory, name));
      if (status.has_value())
        blobs.push_back({digest, status->size_bytes});  // else it was removed meanwhile
    }
  }
  return blobs;
}

Result<void> DirectoryBlobStore::remove(const Digest& digest) {
  {
    const std::unique_lock lock(mutex_);
    durable_.erase(digest);
    verified_.erase(digest);
  }
  auto removed = file_system_.remove(path_of(digest));
  if (removed.has_value() || removed.error().code() == ErrorCode::NotFound) return {};
  return fail(std::move(removed).error().with_context("removing blob " + digest.text()));
}

Result<Timestamp> DirectoryBlobStore::last_put(const Digest& digest) const {
  const auto status = file_system_.status(path_of(digest));
  if (status.has_value()) return status->modified;
  if (status.error().code() == ErrorCode::NotFound) return fail(no_such_blob(digest));
  return fail(status.error());
}

Result<bool> DirectoryBlobStore::remove_unless_put_since(const Digest& digest, Timestamp since) {
  MARTLET_TRY_SET(const std::unique_ptr<CollectionHold> held, hold(CollectionShare::Alone));
  const auto put = last_put(digest);
  if (!put.has_value() && put.error().code() == ErrorCode::NotFound) return false;
  if (!put.has_value()) return fail(put.error());
  if (*put >= since) return false;
  MARTLET_TRY(remove(digest));
  return true;
}

Result<std::vector<Leftover>> DirectoryBlobStore::leftovers() const {
  std::vector<Leftover> found;
  const auto look = [&](const std::string& directory, const std::string& name) {
    if (!name.starts_with(kTemporaryPrefix)) return;
    const std::string path = join_path(directory, name);
    const auto status = file_system_.status(path);  // else its process has removed it meanwhile
    if (status.has_value()) found.push_back({path, status->size_bytes, status->modified});
  };
  MARTLET_TRY_SET(const std::vector<std::string> entries, file_system_.list(root_));
  for (const std::string& entry : entries) {
    look(root_, entry);
    if (entry.size() != 2 || !is_hex(entry)) continue;
    const std::string directory = join_path(root_, entry);
    MARTLET_TRY_SET(const std::vector<std::string> names, file_system_.list(directory));
    for (const std::string& name : names) look(directory, name);
  }
  return found;
}

Result<void> DirectoryBlobStore::remove_leftover(const Leftover& leftover) {
  auto removed = file_system_.remove(leftover.place);
  if (removed.has_value() || removed.error().code() == ErrorCode::NotFound) return {};
  return removed;
}

Result<std::int64_t> DirectoryBlobStore::remove_leftovers() {
  MARTLET_TRY_SET(const std::vector<Leftover> found, leftovers());
  for (const Leftover& each : found) MARTLET_TRY(remove_leftover(each));
  return static_cast<std::int64_t>(found.size());
}

}  // namespace martlet::artifacts

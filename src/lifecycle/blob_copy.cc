#include "lifecycle/blob_copy.h"

#include <fmt/format.h>

#include <string_view>

namespace martlet::lifecycle {

namespace {

constexpr std::uint64_t kSmallBytes = 1u << 20;  // read whole and put with others
constexpr std::size_t kWaitingBlobs = 64;
constexpr std::size_t kWaitingBytes = 16u << 20;
constexpr std::size_t kPieceBytes = 1u << 20;

bool is_damage(ErrorCode code) { return code == ErrorCode::NotFound || code == ErrorCode::Corrupt; }

}  // namespace

Result<bool> BlobCopy::is_present(const Digest& digest, std::uint64_t size_bytes) {
  const auto present = to_.size_bytes(digest);
  if (!present.has_value() && present.error().code() == ErrorCode::NotFound) return false;
  if (!present.has_value()) return fail(present.error());
  bool sound = *present == size_bytes;
  if (sound && present_ == PresentBlobs::Verify) {
    const auto verified = to_.verify(digest);
    if (!verified.has_value() && !is_damage(verified.error().code())) return fail(verified.error());
    sound = verified.has_value();
  }
  // A damaged one of the right size would be taken for stored.
  if (!sound) MARTLET_TRY(to_.remove(digest));
  return sound;
}

Result<void> BlobCopy::add(const Digest& digest) {
  if (cancel_.cancelled()) return fail(ErrorCode::Cancelled, "copying blobs was cancelled");
  ++counts_.all;
  const auto size = from_.size_bytes(digest);
  if (!size.has_value()) {
    if (!is_damage(size.error().code())) return fail(size.error());
    damaged_.push_back(size.error());
    return {};
  }
  counts_.bytes += static_cast<std::int64_t>(*size);
  MARTLET_TRY_SET(const bool present, is_present(digest, *size));
  if (present) return {};
  if (*size > kSmallBytes) return copy_large(digest);
  auto bytes = from_.get(digest);
  if (!bytes.has_value()) {
    if (!is_damage(bytes.error().code())) return fail(std::move(bytes).error());
    damaged_.push_back(std::move(bytes).error());
    return {};
  }
  copied_.push_back(digest);
  return put_later(std::move(*bytes));
}

Result<void> BlobCopy::add_bytes(std::string bytes) {
  MARTLET_TRY_SET(const bool present, is_present(digest_of(std::string_view(bytes)), bytes.size()));
  return present ? Result<void>{} : put_later(std::move(bytes));
}

Result<artifacts::StoredBlob> BlobCopy::add_file(const std::string& path) {
  MARTLET_TRY_SET(const artifacts::StoredBlob stored, to_.put_file(path));
  // A large one that was there is taken for stored by its size alone.
  MARTLET_TRY_SET(const bool sound, is_present(stored.digest, stored.size_bytes));
  return sound ? Result<artifacts::StoredBlob>(stored) : to_.put_file(path);
}

Result<void> BlobCopy::put_later(std::string bytes) {
  ++counts_.copied;
  counts_.copied_bytes += static_cast<std::int64_t>(bytes.size());
  waiting_bytes_ += bytes.size();
  waiting_.push_back(std::move(bytes));
  return waiting_.size() >= kWaitingBlobs || waiting_bytes_ >= kWaitingBytes ? finish()
                                                                             : Result<void>{};
}

Result<void> BlobCopy::copy_large(const Digest& digest) {
  auto copied = from_.is_local() ? to_.put_file(from_.place_of(digest)) : fetch_large(digest);
  if (!copied.has_value()) {
    if (from_.is_local() || !is_damage(copied.error().code()))
      return fail(std::move(copied).error());
    damaged_.push_back(std::move(copied).error());
    return {};
  }
  const artifacts::StoredBlob stored = *copied;
  if (stored.digest != digest) {
    damaged_.push_back(artifacts::corrupt_blob(
        digest, fmt::format("its {} bytes have another digest", stored.size_bytes)));
    return to_.remove(stored.digest);
  }
  ++counts_.copied;
  counts_.copied_bytes += static_cast<std::int64_t>(stored.size_bytes);
  copied_.push_back(digest);
  return {};
}

Result<artifacts::StoredBlob> BlobCopy::fetch_large(const Digest& digest) {
  MARTLET_TRY_SET(const std::unique_ptr<artifacts::BlobReader> reader, from_.open(digest));
  MARTLET_TRY_SET(const std::unique_ptr<artifacts::BlobWriter> writer, to_.writer());
  for (std::uint64_t at = 0; at < reader->size_bytes();) {
    MARTLET_TRY_SET(const std::string piece, reader->read_at(at, kPieceBytes));
    if (piece.empty())
      return unavailable(fmt::format("blob {} ended early while it was copied", digest.text()));
    MARTLET_TRY(writer->append(piece));
    at += piece.size();
  }
  return writer->finish();
}

Result<void> BlobCopy::finish() {
  const std::vector<std::string_view> views(waiting_.begin(), waiting_.end());
  if (!views.empty()) MARTLET_TRY(to_.put_many(views));
  waiting_.clear();
  waiting_bytes_ = 0;
  return {};
}

Result<void> write_blob_to(FileSystem& files, const artifacts::BlobStore& blobs,
                           const Digest& digest, const std::string& path) {
  const std::string partial = path + ".new";
  MARTLET_TRY(files.create_directories(parent_path(path)));
  MARTLET_TRY(files.remove_all(partial));
  MARTLET_TRY_SET(const std::unique_ptr<artifacts::BlobReader> reader, blobs.open(digest));
  MARTLET_TRY_SET(const std::unique_ptr<File> file, files.create_new(partial));
  for (std::uint64_t at = 0; at < reader->size_bytes();) {
    MARTLET_TRY_SET(const std::string piece, reader->read_at(at, kPieceBytes));
    if (piece.empty())
      return unavailable(fmt::format("blob {} ended early while it was copied", digest.text()));
    MARTLET_TRY(file->append(piece));
    at += piece.size();
  }
  MARTLET_TRY(file->sync());
  MARTLET_TRY(file->close());
  MARTLET_TRY(files.rename(partial, path));
  return files.sync_directory(parent_path(path));
}

}  // namespace martlet::lifecycle

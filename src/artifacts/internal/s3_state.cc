#include "artifacts/internal/s3_state.h"

#include "artifacts/internal/s3_upload.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::artifacts {
namespace {

// From this size on it is asked whether a blob is there before it is sent.
constexpr std::size_t kLookFirstBytes = 1 << 20;
// A stored blob up to this size is compared when it is put again.
constexpr std::uint64_t kRecheckBytes = std::uint64_t{16} << 20;

Error changed() {
  return {ErrorCode::Conflict,
          "it changed while it was copied; wait until it is finished and try again"};
}

}  // namespace

std::string S3BlobStore::State::key_of(const Digest& digest) const {
  const std::string hex = digest.hex();
  return client.location().prefix + hex.substr(0, 2) + "/" + hex.substr(2);
}

Result<std::unique_ptr<CollectionHold>> S3BlobStore::State::hold(CollectionShare share) const {
  const CollectionLock& lock = client.options().collection_lock;
  if (!lock) return std::unique_ptr<CollectionHold>();
  return lock(share);
}

Result<S3Object> S3BlobStore::State::look(const Digest& digest) const {
  MARTLET_TRY_SET(std::optional<S3Object> object, look_at(client, key_of(digest)));
  if (!object.has_value()) return fail(no_such_blob(digest));
  return std::move(*object);
}

bool S3BlobStore::State::is_verified(const Digest& digest, const S3Object& object) const {
  const std::lock_guard lock(mutex_);
  const auto found = verified_.find(digest);
  return found != verified_.end() && !object.tag.empty() && found->second == object.tag;
}

void S3BlobStore::State::forget(const Digest& digest) const {
  const std::lock_guard lock(mutex_);
  verified_.erase(digest);
}

Result<bool> S3BlobStore::State::mark_present(const Digest& digest, std::uint64_t size_bytes) {
  const std::string key = key_of(digest);
  MARTLET_TRY_SET(const std::optional<S3Object> object, look_at(client, key));
  // Of another size it is damaged: the bytes at hand replace it.
  if (!object.has_value() || object->size_bytes != size_bytes) return false;
  if (size_bytes <= kRecheckBytes && !is_verified(digest, *object)) {
    if (auto sound = stream(digest, [](std::string_view) {}); !sound.has_value()) {
      if (sound.error().code() == ErrorCode::Corrupt || sound.error().code() == ErrorCode::NotFound)
        return false;
      return fail(std::move(sound).error());
    }
  }
  MARTLET_TRY_SET(const auto held, hold(CollectionShare::Shared));
  return copy_object(client, key, key, size_bytes);
}

Result<void> S3BlobStore::State::put(std::string_view bytes, const Digest& digest) {
  if (bytes.size() >= kLookFirstBytes) {
    MARTLET_TRY_SET(const bool present, mark_present(digest, bytes.size()));
    if (present) return {};
  }
  const std::string key = key_of(digest);
  if (has_conditions) {
    MARTLET_TRY_SET(const PutOutcome outcome,
                    put_object(client, key, bytes, digest, PutWhen::Absent));
    if (outcome == PutOutcome::Stored) return {};
    if (outcome == PutOutcome::PresentBefore) {
      MARTLET_TRY_SET(const bool present, mark_present(digest, bytes.size()));
      if (present) return {};
    } else {
      has_conditions = false;
    }
  }
  forget(digest);
  // Nobody may find it old and remove it while it is replaced.
  MARTLET_TRY_SET(const auto held, hold(CollectionShare::Shared));
  MARTLET_TRY(put_object(client, key, bytes, digest, PutWhen::Always));
  return {};
}

Result<void> S3BlobStore::State::each(std::size_t count,
                                      const std::function<Result<void>(std::size_t)>& body) {
  if (count == 1) return body(0);
  return pool.try_parallel_for(count, 1, client.options().cancel,
                               [&](std::size_t begin, std::size_t end) -> Result<void> {
                                 for (std::size_t i = begin; i < end; ++i) MARTLET_TRY(body(i));
                                 return {};
                               });
}

Result<Digest> S3BlobStore::State::digest_of_file(const std::string& path,
                                                  std::uint64_t size_bytes) const {
  MARTLET_TRY_SET(const std::unique_ptr<File> file, files.open_for_reading(path));
  Sha256 hasher;
  for (std::uint64_t offset = 0;;) {
    MARTLET_TRY_SET(const std::string piece, file->read_at(offset, client.options().part_bytes));
    offset += piece.size();
    if (piece.empty() && offset == size_bytes) return hasher.finish();
    if (piece.empty() || offset > size_bytes) return fail(changed());
    hasher.update(piece);
  }
}

// Its digest is known, so it goes to its name directly; it is computed again from what is sent.
Result<void> S3BlobStore::State::upload_file(const std::string& path, const FileStatus& before,
                                             const StoredBlob& blob) {
  MARTLET_TRY_SET(const std::unique_ptr<File> file, files.open_for_reading(path));
  MARTLET_TRY_SET(const std::unique_ptr<S3Upload> upload,
                  S3Upload::begin(client, key_of(blob.digest)));
  Sha256 hasher;
  while (upload->size_bytes() < blob.size_bytes) {
    MARTLET_TRY_SET(std::string part,
                    file->read_at(upload->size_bytes(), upload->next_part_bytes()));
    if (part.empty()) return fail(changed());
    hasher.update(part);
    MARTLET_TRY(upload->add(std::move(part)));
  }
  if (upload->size_bytes() != blob.size_bytes || hasher.finish() != blob.digest)
    return fail(changed());
  MARTLET_TRY(refuse_changed(path, before));
  forget(blob.digest);
  MARTLET_TRY_SET(const auto held, hold(CollectionShare::Shared));
  return upload->complete();
}

Result<void> S3BlobStore::State::refuse_changed(const std::string& path,
                                                const FileStatus& before) const {
  MARTLET_TRY_SET(const FileStatus after, files.status(path));
  if (after.size_bytes == before.size_bytes && after.modified == before.modified &&
      after.inode == before.inode)
    return {};
  return fail(changed());
}

Result<StoredBlob> S3BlobStore::State::copy_in(const std::string& path) {
  MARTLET_TRY_SET(const FileStatus before, files.status(path));
  if (before.kind != FileKind::Regular) return invalid_argument("it isn't a regular file");
  StoredBlob blob;
  blob.size_bytes = before.size_bytes;
  if (before.size_bytes <= client.options().part_bytes) {
    MARTLET_TRY_SET(const std::string bytes, files.read_file(path));
    if (bytes.size() != before.size_bytes) return fail(changed());
    blob.digest = digest_of(std::string_view(bytes));
    MARTLET_TRY(refuse_changed(path, before));
    MARTLET_TRY(put(bytes, blob.digest));
  } else {
    MARTLET_TRY_SET(blob.digest, digest_of_file(path, before.size_bytes));
    MARTLET_TRY(refuse_changed(path, before));
    MARTLET_TRY_SET(const bool present, mark_present(blob.digest, blob.size_bytes));
    if (!present) MARTLET_TRY(upload_file(path, before, blob));
  }
  return blob;
}

Result<void> S3BlobStore::State::stream(const Digest& digest,
                                        const std::function<void(std::string_view)>& take) const {
  const std::string key = key_of(digest);
  const std::size_t part_bytes = client.options().part_bytes;
  MARTLET_TRY_SET(std::optional<S3Range> range, read_range(client, key, 0, part_bytes, ""));
  if (!range.has_value()) return fail(no_such_blob(digest));
  const S3Object object = range->object;
  Sha256 hasher;
  std::uint64_t offset = 0;
  for (;;) {
    hasher.update(std::string_view(range->bytes));
    take(range->bytes);
    offset += range->bytes.size();
    if (offset >= object.size_bytes) break;
    MARTLET_TRY_SET(range, read_range(client, key, offset, part_bytes, object.tag));
    if (!range.has_value() || range->bytes.empty())
      return unavailable(fmt::format(
          "blob {} was stored anew or removed while it was read; try again", digest.text()));
  }
  if (hasher.finish() != digest) {
    forget(digest);
    return fail(corrupt_blob(
        digest, fmt::format("the {} bytes that the server sends have another digest", offset)));
  }
  const std::lock_guard lock(mutex_);
  verified_[digest] = object.tag;
  return {};
}

Result<S3Object> S3BlobStore::State::verify_once(const Digest& digest) const {
  MARTLET_TRY_SET(S3Object object, look(digest));
  if (is_verified(digest, object)) return object;
  MARTLET_TRY(stream(digest, [](std::string_view) {}));
  MARTLET_TRY_SET(object, look(digest));
  if (is_verified(digest, object)) return object;
  return unavailable(
      fmt::format("blob {} was stored anew while it was read; try again", digest.text()));
}

}  // namespace martlet::artifacts

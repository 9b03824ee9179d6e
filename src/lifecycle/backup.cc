#include "lifecycle/backup.h"

#include "artifacts/directory_blob_store.h"
#include "lifecycle/blob_copy.h"
#include "lifecycle/garbage.h"
#include "lifecycle/store_files.h"
#include "lifecycle/store_needs.h"
#include "metadata/database.h"
#include "platform/file_lock.h"
#include "platform/host.h"
#include "platform/real_file_system.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>

namespace martlet::lifecycle {

namespace {

constexpr std::string_view kLockFile = "backup.lock";
constexpr std::string_view kPartial = "partial";  // what is being made
constexpr std::string_view kBlobs = "blobs";
constexpr std::size_t kPieceBytes = 1u << 20;
constexpr std::uint64_t kSmallBytes = 1u << 20;
// One line of a million blobs is 70 MB.
constexpr JsonLimits kManifestLimits{1u << 30, 8};

bool is_ours(const std::string& name) {
  return name == kLockFile || name == kPartial || name == kBlobs ||
         name.starts_with(std::string(kBackupFile));
}

Result<void> refuse_foreign(FileSystem& files, const std::string& directory) {
  const auto names = files.list(directory);
  if (!names.has_value()) {
    if (names.error().code() == ErrorCode::NotFound) return {};
    return fail(names.error());
  }
  const auto foreign = std::find_if_not(names->begin(), names->end(), is_ours);
  if (foreign == names->end()) return {};
  return fail(ErrorCode::AlreadyExists,
              fmt::format("backing up to {}: it holds something that is no backup ({}); name an "
                          "empty or new directory",
                          directory, *foreign));
}

class Backup {
 public:
  Backup(const Store& store, std::string directory, const BackupOptions& options)
      : store_(store), files_(store.host().files), directory_(std::move(directory)),
        options_(options) {}

  Result<BackupReport> run() {
    const auto began = store_.host().clock.monotonic();
    MARTLET_TRY_SET(target_, artifacts::DirectoryBlobStore::open(files_, path_of(kBlobs)));
    MARTLET_TRY(files_.remove_all(path_of(kPartial)));
    MARTLET_TRY(files_.create_directories(path_of(kPartial)));
    // Rather there than in the store, whose disk may be full; but databases open on local disks
    // only.
    work_ = path_of(kPartial);
    MARTLET_TRY_SET(const bool remote, platform::is_network_file_system(work_));
    std::optional<platform::TemporaryDirectory> scratch;
    if (remote) {
      MARTLET_TRY_SET(scratch,
                      platform::TemporaryDirectory::create(store_.scratch_directory(), "backup-"));
      work_ = scratch->path();
    }
    manifest_.made = store_.host().clock.now();
    manifest_.made_by = "martlet " + store_.host().version;
    BlobCopy copy(store_.durable_blobs(), *target_,
                  options_.check == BackupOptions::Check::Everything ? PresentBlobs::Verify
                                                                     : PresentBlobs::Trust,
                  options_.cancel);
    MARTLET_TRY(copy_database(copy));
    for (const Digest& digest : manifest_.blobs) MARTLET_TRY(copy.add(digest));
    MARTLET_TRY(copy_files(copy));
    MARTLET_TRY(copy.finish());
    MARTLET_TRY(refuse_damage(copy));
    // From here on it is the new backup.
    MARTLET_TRY(files_.write_file_durably(path_of(kBackupFile), manifest_.to_bytes()));
    MARTLET_TRY(remove_unneeded());
    report_.directory = directory_;
    report_.made = manifest_.made;
    report_.blobs = copy.counts().all;
    report_.bytes = copy.counts().bytes + static_cast<std::int64_t>(manifest_.database_bytes);
    report_.copied = copy.counts().copied;
    report_.copied_bytes =
        copy.counts().copied_bytes + static_cast<std::int64_t>(manifest_.database_bytes);
    report_.seconds =
        std::chrono::duration<double>(store_.host().clock.monotonic() - began).count();
    return report_;
  }

 private:
  std::string path_of(std::string_view name) const { return join_path(directory_, name); }

  // What the copy refers to is asked of the copy itself: the store goes on meanwhile.
  Result<void> copy_database(BlobCopy& blobs) {
    const std::string path = join_path(work_, "metadata.db");
    MARTLET_TRY(store_.database().back_up_to(path));
    {
      metadata::DatabaseOptions options;
      options.schema = store_schema();
      MARTLET_TRY_SET(const std::unique_ptr<metadata::Database> copy,
                      metadata::Database::open(path, options));
      MARTLET_TRY_SET(const std::vector<Finding> findings, copy->check_integrity());
      if (!findings.empty()) {
        return corrupt(fmt::format("the metadata database is damaged ({}); `martlet verify` names "
                                   "all that is, and what to do",
                                   findings.front().message));
      }
      MARTLET_TRY_SET(const StoreNeeds needs, complete_needs_of(*copy, store_.blobs()));
      for (const auto& [digest, references] : needs.blobs) manifest_.blobs.push_back(digest);
    }
    if (files_.exists(path + "-wal"))
      return unavailable("the copy of the database could not be closed; try again");
    MARTLET_TRY_SET(const artifacts::StoredBlob stored, blobs.add_file(path));
    manifest_.database = stored.digest;
    manifest_.database_bytes = stored.size_bytes;
    return {};
  }

  // Segments and logs grow at their end while they are copied: what is there when its turn comes.
  Result<void> copy_files(BlobCopy& copy) {
    MARTLET_TRY_SET(std::vector<StoreFile> found, prediction_segments(store_));
    MARTLET_TRY_SET(const std::vector<StoreFile> logs, step_logs(store_));
    found.insert(found.end(), logs.begin(), logs.end());
    for (const StoreFile& file : found) {
      const std::string path = join_path(store_.directory(), file.path);
      if (file.size_bytes <= kSmallBytes) {
        MARTLET_TRY_SET(const std::unique_ptr<File> source, files_.open_for_reading(path));
        MARTLET_TRY_SET(std::string bytes, source->read_at(0, kSmallBytes));
        const Digest digest = digest_of(std::string_view(bytes));
        manifest_.files[file.path] = {digest, bytes.size()};
        MARTLET_TRY(copy.add_bytes(std::move(bytes)));
        continue;
      }
      MARTLET_TRY_SET(const artifacts::StoredBlob stored, copy_head(copy, path, file.size_bytes));
      manifest_.files[file.path] = {stored.digest, stored.size_bytes};
    }
    return {};
  }

  Result<artifacts::StoredBlob> copy_head(BlobCopy& copy, const std::string& path,
                                          std::uint64_t size_bytes) {
    const std::string head = join_path(work_, "head");
    MARTLET_TRY(files_.remove_all(head));
    MARTLET_TRY_SET(const std::unique_ptr<File> source, files_.open_for_reading(path));
    MARTLET_TRY_SET(const std::unique_ptr<File> taken, files_.create_new(head));
    for (std::uint64_t at = 0; at < size_bytes;) {
      MARTLET_TRY_SET(const std::string piece,
                      source->read_at(at, static_cast<std::size_t>(std::min<std::uint64_t>(
                                              kPieceBytes, size_bytes - at))));
      if (piece.empty()) break;
      MARTLET_TRY(taken->append(piece));
      at += piece.size();
    }
    MARTLET_TRY(taken->close());
    return copy.add_file(head);
  }

  static Result<void> refuse_damage(const BlobCopy& copy) {
    if (copy.damaged().empty()) return {};
    std::vector<Finding> findings;
    for (const Error& error : copy.damaged()) {
      Finding finding;
      finding.rule = "damaged_blob";
      finding.message = error.message();
      findings.push_back(std::move(finding));
    }
    return fail(Error(ErrorCode::Corrupt,
                      fmt::format("{} blobs of the store are missing or damaged, so nothing was "
                                  "backed up and the backup before stays as it is (the first: {}); "
                                  "`martlet verify` says whose they are, and what to do",
                                  copy.damaged().size(), copy.damaged().front().message()),
                      std::move(findings)));
  }

  Result<void> remove_unneeded() {
    std::set<Digest> needed(manifest_.blobs.begin(), manifest_.blobs.end());
    needed.insert(manifest_.database);
    for (const auto& [path, file] : manifest_.files) needed.insert(file.digest);
    MARTLET_TRY_SET(const std::vector<artifacts::StoredBlob> held, target_->list());
    for (const artifacts::StoredBlob& blob : held) {
      if (needed.contains(blob.digest)) continue;
      MARTLET_TRY(target_->remove(blob.digest));
      ++report_.removed;
    }
    MARTLET_TRY(target_->remove_leftovers());
    return files_.remove_all(path_of(kPartial));
  }

  const Store& store_;
  FileSystem& files_;
  std::string directory_;
  const BackupOptions& options_;
  std::string work_;  // where the copies are made that are stored afterwards
  std::unique_ptr<artifacts::DirectoryBlobStore> target_;
  BackupManifest manifest_;
  BackupReport report_;
};

Json digests_json(const std::vector<Digest>& digests) {
  Json list = Json::array();
  for (const Digest& digest : digests) list.push_back(digest.text());
  return list;
}

Result<Digest> digest_of_text(const Json& value) {
  if (!value.is_string()) return corrupt("a digest is no text");
  return Digest::parse(value.get_ref<const std::string&>());
}

Result<BackupManifest> read_manifest(const Json& json) {
  constexpr std::string_view kSubject = "a backup";
  BackupManifest manifest;
  MARTLET_TRY_SET(const std::string made, text_member(json, "made", kSubject));
  MARTLET_TRY_SET(manifest.made, parse_timestamp_utc(made));
  MARTLET_TRY_SET(manifest.made_by, text_member(json, "made_by", kSubject));
  MARTLET_TRY_SET(const Json* database, member(json, "database", kSubject));
  MARTLET_TRY_SET(manifest.database, digest_of_text(*database));
  MARTLET_TRY_SET(const std::int64_t bytes, integer_member(json, "database_bytes", kSubject));
  manifest.database_bytes = static_cast<std::uint64_t>(bytes);
  MARTLET_TRY_SET(const Json* blobs, member(json, "blobs", kSubject));
  for (const Json& blob : *blobs) {
    MARTLET_TRY_SET(const Digest digest, digest_of_text(blob));
    manifest.blobs.push_back(digest);
  }
  MARTLET_TRY_SET(const Json* named, member(json, "files", kSubject));
  for (const auto& [path, entry] : named->items()) {
    MARTLET_TRY(artifacts::check_relative_path(path));
    if (!path.starts_with("predictions/") && !path.starts_with("logs/"))
      return corrupt("it names a file that no backup has: " + path);
    MARTLET_TRY_SET(const Json* digest, member(entry, "digest", path));
    artifacts::TreeFile file;
    MARTLET_TRY_SET(file.digest, digest_of_text(*digest));
    MARTLET_TRY_SET(const std::int64_t size, integer_member(entry, "size", path));
    file.size_bytes = static_cast<std::uint64_t>(size);
    manifest.files[path] = file;
  }
  return manifest;
}

}  // namespace

std::string BackupManifest::to_bytes() const {
  Json named = Json::object();
  for (const auto& [path, file] : files)
    named[path] = Json{{"digest", file.digest.text()}, {"size", file.size_bytes}};
  Json json{{"format", kBackupFormat},
            {"made", to_text(made)},
            {"made_by", made_by},
            {"database", database.text()},
            {"database_bytes", database_bytes},
            {"blobs", digests_json(blobs)},
            {"files", std::move(named)}};
  json["digest"] = digest_of(json).text();  // of all that stands before it
  return to_pretty_text(json) + "\n";
}

Result<BackupManifest> BackupManifest::parse(std::string_view bytes) {
  auto json = parse_json(bytes, kManifestLimits);
  if (!json.has_value()) return corrupt(json.error().message());
  const auto format = integer_member(*json, "format", "a backup");
  if (!format.has_value()) return corrupt(format.error().message());
  if (*format != kBackupFormat) {
    return invalid_argument(fmt::format("its format is {}, this martlet knows {}; use the version "
                                        "that made it, or a later one",
                                        *format, kBackupFormat));
  }
  const auto digest = text_member(*json, "digest", "a backup");
  json->erase("digest");
  if (!digest.has_value() || *digest != digest_of(*json).text())
    return corrupt("it was changed after it was written");
  auto manifest = read_manifest(*json);
  if (!manifest.has_value()) return corrupt(manifest.error().message());
  return manifest;
}

Result<BackupManifest> read_backup(FileSystem& files, const std::string& directory) {
  const std::string path = join_path(directory, kBackupFile);
  const auto bytes = files.read_file(path);
  if (!bytes.has_value()) {
    if (bytes.error().code() != ErrorCode::NotFound) return fail(bytes.error());
    return not_found(fmt::format("there is no whole backup in {}; `martlet backup {}` makes one",
                                 directory, directory));
  }
  auto manifest = BackupManifest::parse(*bytes);
  if (manifest.has_value()) return manifest;
  return fail(Error(manifest.error().code(),
                    fmt::format("reading the backup {}: {}", path, manifest.error().message())));
}

Result<BackupReport> back_up(const Store& store, const std::string& directory,
                             const BackupOptions& options) {
  FileSystem& files = store.host().files;
  MARTLET_TRY(refuse_foreign(files, directory));
  MARTLET_TRY(files.create_directories(directory));
  auto target = platform::FileLock::acquire(join_path(directory, kLockFile));
  if (!target.has_value())
    return fail(std::move(target).error().with_context("backing up to " + directory));
  // What is being copied must not be collected.
  auto source = platform::FileLock::acquire(garbage_lock_path(store));
  if (!source.has_value()) {
    if (source.error().code() != ErrorCode::Conflict) return fail(std::move(source).error());
    return conflict("backing up " + store.directory() +
                    ": gc or another backup is at work on this store; wait until it is done (" +
                    source.error().message() + ")");
  }
  auto done = Backup(store, directory, options).run();
  if (!done.has_value())
    return fail(std::move(done).error().with_context("backing up to " + directory));
  return done;
}

Json BackupReport::to_json() const {
  return Json{{"directory", directory}, {"made", to_text(made)}, {"blobs", blobs},
              {"bytes", bytes},         {"copied", copied},      {"copied_bytes", copied_bytes},
              {"removed", removed},     {"seconds", seconds}};
}

}  // namespace martlet::lifecycle

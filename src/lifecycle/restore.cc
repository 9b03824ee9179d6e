#include "lifecycle/restore.h"

#include "artifacts/directory_blob_store.h"
#include "lifecycle/backup.h"
#include "lifecycle/blob_copy.h"
#include "metadata/place.h"
#include "platform/file_lock.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace martlet::lifecycle {

namespace {

constexpr std::string_view kMarker = "restoring.json";
constexpr std::string_view kLockFile = "restore.lock";
constexpr std::string_view kDatabase = "metadata.db";

class Restore {
 public:
  Restore(const Host& host, std::string backup, std::string directory, CancelToken cancel)
      : host_(host), files_(host.files), backup_(std::move(backup)),
        directory_(std::move(directory)), cancel_(std::move(cancel)) {}

  Result<RestoreReport> run() {
    MARTLET_TRY_SET(manifest_, read_backup(files_, backup_));
    MARTLET_TRY(refuse_other_content());
    MARTLET_TRY(files_.create_directories(directory_));
    {
      MARTLET_TRY_SET(const platform::FileLock lock,
                      platform::FileLock::acquire(path_of(kLockFile)));
      MARTLET_TRY(refuse_other_content());  // once more: somebody may have been quicker
      MARTLET_TRY(files_.write_file_durably(path_of(kMarker), marker_bytes()));
      MARTLET_TRY(files_.sync_directory(parent_path(directory_)));
      MARTLET_TRY(copy());
      MARTLET_TRY(files_.remove(path_of(kMarker)));
      MARTLET_TRY(files_.remove(path_of(kLockFile)));
      MARTLET_TRY(files_.sync_directory(directory_));
    }
    report_.directory = directory_;
    report_.made = manifest_.made;
    MARTLET_TRY_SET(const std::unique_ptr<Store> store,
                    Store::open(host_, directory_, WhenMissing::Refuse));
    VerifyOptions options;
    options.cancel = cancel_;
    MARTLET_TRY_SET(report_.verified, verify_store(*store, options));
    return std::move(report_);
  }

 private:
  std::string path_of(std::string_view name) const { return join_path(directory_, name); }

  // Which backup, so that two of them aren't mixed.
  std::string marker_bytes() const {
    const Digest which = digest_of(std::string_view(manifest_.to_bytes()));
    return to_pretty_text(Json{{"backup", which.text()}, {"made", to_text(manifest_.made)}}) + "\n";
  }

  Result<void> refuse_other_content() {
    const auto names = files_.list(directory_);
    if (!names.has_value()) {
      if (names.error().code() == ErrorCode::NotFound) return {};
      return fail(names.error());
    }
    const auto marker = files_.read_file(path_of(kMarker));
    if (marker.has_value()) {
      if (*marker == marker_bytes()) return {};
      return conflict(fmt::format("restoring into {}: a restore of another backup was begun there; "
                                  "finish that one, or remove the directory",
                                  directory_));
    }
    const auto other = std::find_if_not(names->begin(), names->end(), [](const std::string& name) {
      return name == kLockFile || name.starts_with(std::string(kMarker));
    });
    if (other == names->end()) return {};
    return fail(ErrorCode::AlreadyExists,
                fmt::format("restoring into {}: it isn't empty ({}); name a new directory",
                            directory_, *other));
  }

  Result<void> copy() {
    MARTLET_TRY_SET(const auto from,
                    artifacts::DirectoryBlobStore::open(files_, join_path(backup_, "blobs")));
    MARTLET_TRY_SET(const auto to, artifacts::DirectoryBlobStore::open(files_, path_of("blobs")));
    BlobCopy blobs(*from, *to, PresentBlobs::Trust, cancel_);
    for (const Digest& digest : manifest_.blobs) MARTLET_TRY(blobs.add(digest));
    MARTLET_TRY(blobs.finish());
    for (const Error& error : blobs.damaged()) note_damage(error);
    for (const auto& [path, file] : manifest_.files) MARTLET_TRY(write(*from, file.digest, path));
    MARTLET_TRY(sync_folders());
    // Last: with it the directory is a store.
    if (damaged_.empty()) MARTLET_TRY(write(*from, manifest_.database, std::string(kDatabase)));
    report_.blobs = blobs.counts().all;
    report_.bytes = blobs.counts().bytes;
    report_.copied = blobs.counts().copied;
    if (damaged_.empty()) return {};
    std::string message = fmt::format("restoring {}: {} files of the backup are missing or damaged "
                                      "(the first: {}); mend them from "
                                      "another copy and restore again",
                                      backup_, damaged_.size(), damaged_.front().message);
    return fail(Error(ErrorCode::Corrupt, std::move(message), std::move(damaged_)));
  }

  Result<void> write(const artifacts::BlobStore& from, const Digest& digest,
                     const std::string& path) {
    if (cancel_.cancelled())
      return fail(ErrorCode::Cancelled, "restoring was cancelled; the same call goes on with it");
    auto written = write_blob_to(files_, from, digest, path_of(path));
    if (written.has_value()) return {};
    const ErrorCode code = written.error().code();
    if (code != ErrorCode::NotFound && code != ErrorCode::Corrupt) return written;
    note_damage(written.error());
    return {};
  }

  // Files are durable in their folders already; folders must be in theirs.
  Result<void> sync_folders() {
    std::set<std::string> folders;
    for (const auto& [path, file] : manifest_.files) {
      for (std::string folder = parent_path(path); folder != "."; folder = parent_path(folder))
        folders.insert(parent_path(folder));
    }
    for (const std::string& folder : folders)
      MARTLET_TRY(files_.sync_directory(folder == "." ? directory_ : path_of(folder)));
    return {};
  }

  void note_damage(const Error& error) {
    Finding finding;
    finding.rule = "damaged_blob";
    finding.message = error.message();
    damaged_.push_back(std::move(finding));
  }

  const Host& host_;
  FileSystem& files_;
  std::string backup_;
  std::string directory_;
  CancelToken cancel_;
  BackupManifest manifest_;
  RestoreReport report_;
  std::vector<Finding> damaged_;
};

}  // namespace

Result<RestoreReport> restore(const Host& host, const std::string& backup,
                              const std::string& directory, const CancelToken& cancel) {
  if (metadata::is_postgres_url(directory)) {
    return invalid_argument("restoring: a backup becomes a store in a folder; name a new folder "
                            "with --store");
  }
  return Restore(host, backup, directory, cancel).run();
}

Result<void> refuse_half_restored(FileSystem& files, const std::string& directory) {
  if (!files.exists(join_path(directory, kMarker))) return {};
  return conflict(
      fmt::format("{} was not restored to its end; call `martlet restore` with the same "
                  "backup again, it goes on where it stopped",
                  directory));
}

Json RestoreReport::to_json() const {
  return Json{{"directory", directory}, {"made", to_text(made)}, {"blobs", blobs},
              {"bytes", bytes},         {"copied", copied},      {"verified", verified.to_json()}};
}

}  // namespace martlet::lifecycle

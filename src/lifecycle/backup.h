// lifecycle/backup.h: a copy of a whole store in another directory, taken while others write.
//
// <backup>/backup.json names everything by digest: the copy of the database, the blobs that its
// records refer to, the prediction log and the steps' logs. All of them lie in <backup>/blobs as in
// a store. backup.json is replaced last and atomically, so a backup is the one before or the new
// one, never a mixture; what the one before had already isn't copied again. Called by
// `martlet backup` and restore.h.
#pragma once
#include "artifacts/tree.h"
#include "base/cancel.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "lifecycle/store.h"

#include <cstdint>
#include <string>
#include <vector>

namespace martlet::lifecycle {

inline constexpr std::int64_t kBackupFormat = 1;
inline constexpr std::string_view kBackupFile = "backup.json";

// backup.json.
struct BackupManifest {
  Timestamp made;
  std::string made_by;  // "martlet 0.1.0"
  Digest database;      // of the copy
  std::uint64_t database_bytes = 0;
  std::vector<Digest> blobs;  // that its records refer to, sorted
  artifacts::Tree files;      // the rest, by their paths in the store

  std::string to_bytes() const;
  // Corrupt when it is none, or not what was written; InvalidArgument for a later format.
  static Result<BackupManifest> parse(std::string_view bytes);
};

struct BackupOptions {
  // Reads again what the backup had already; else it is taken to be sound.
  enum class Check : std::uint8_t { Everything, OnlyNew } check = Check::Everything;
  CancelToken cancel{};
};

struct BackupReport {
  std::string directory;
  Timestamp made;
  std::int64_t blobs = 0;  // all that the backup holds
  std::int64_t bytes = 0;
  std::int64_t copied = 0;  // this time
  std::int64_t copied_bytes = 0;
  std::int64_t removed = 0;  // that only the backup before needed
  double seconds = 0;
  Json to_json() const;
};

// AlreadyExists when the directory holds something else; Conflict while another backup into it, or
// gc of the store, is at work; Corrupt, and the backup before stays as it is, when the store is
// damaged.
Result<BackupReport> back_up(const Store& store, const std::string& directory,
                             const BackupOptions& options);

// NotFound when there is no whole backup.
Result<BackupManifest> read_backup(FileSystem& files, const std::string& directory);

}  // namespace martlet::lifecycle

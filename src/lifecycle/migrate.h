// lifecycle/migrate.h: a store as another one: its records in another database, its blobs in
// another place, between SQLite and PostgreSQL, a folder and an S3 server, any way round.
//
// The source may be in use and isn't changed, but for a name that it is given. What is brought over
// is one moment of it: blobs first, then that moment's records in one transaction of the target,
// after every blob that they name; at last logs and predictions. Killed at any moment, the target
// holds the records of the call before or of this one. Calling it again brings over what has
// changed since, additions, changes and removals. A target is empty, or a copy that an earlier call
// made of the same store and nobody has written to since. Called by `martlet migrate`.
#pragma once
#include "base/cancel.h"
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "lifecycle/blob_transfer.h"
#include "lifecycle/file_transfer.h"
#include "lifecycle/store.h"
#include "metadata/table_copy.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::lifecycle {

struct MigrateTarget {
  std::string records;  // a folder ("sqlite:FOLDER" too), or a PostgreSQL URL
  std::string files;    // the folder for its files, with PostgreSQL; "": beside the source's
  BlobAccess blobs;
};

struct MigrateOptions {
  enum class Mode : std::uint8_t { Copy, OnlyCount } mode = Mode::Copy;
  // What the target has is read and compared, or taken for sound when it has the right size.
  PresentBlobs present = PresentBlobs::Verify;
  // Whether a copy that was written to since may be made like the source again.
  TargetFiles written_since = TargetFiles::Keep;
  CancelToken cancel{};
  // "blobs", "running" or "succeeded", and a detail; from the calling thread.
  std::function<void(std::string_view phase, std::string_view status, const std::string& detail)>
      progress{};
};

// A store as people name its parts; without user and password.
struct StorePlaces {
  std::string records;
  std::string blobs;
  std::string files;
  Json to_json() const;
};

struct MigrateReport {
  StorePlaces from;
  StorePlaces to;
  bool only_counted = false;
  Timestamp as_of;  // the moment whose records the target has
  std::vector<metadata::TableDifference> tables;
  BlobTransfer::Counts blobs;
  std::vector<Digest> left_out;  // damaged, and nothing needs them
  FileTransferCounts files;
  // Tables that the source has changed in the meantime: what another call would bring over.
  std::vector<std::string> newer;
  double seconds = 0;

  std::int64_t rows() const;
  bool to_server() const { return to.records.starts_with("postgres://"); }
  // The shape of `martlet migrate --json`, see docs/cli.md.
  Json to_json() const;
};

// InvalidArgument when source and target are the same; AlreadyExists when the target holds
// something else; Conflict when it was written to since it was a copy, or gc, backup or another
// migration is at work on either; Corrupt, naming table and key or digest, when a check fails; else
// as Store::open.
Result<MigrateReport> migrate(const Store& source, const MigrateTarget& target,
                              const MigrateOptions& options);

}  // namespace martlet::lifecycle

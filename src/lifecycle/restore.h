// lifecycle/restore.h: makes a store of a backup.
//
// Into a directory that is absent or empty. The database is put in place last; until then a marker
// keeps everybody from opening the directory as a store, and calling it again goes on where it was
// killed. Called by `martlet restore`.
#pragma once
#include "base/cancel.h"
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "lifecycle/store.h"
#include "lifecycle/verify.h"

#include <cstdint>
#include <string>

namespace martlet::lifecycle {

struct RestoreReport {
  std::string directory;
  Timestamp made;  // when the backup was
  std::int64_t blobs = 0;
  std::int64_t bytes = 0;
  std::int64_t copied = 0;  // this time; fewer than `blobs` when it went on
  VerifyReport verified;
  Json to_json() const;
};

// AlreadyExists when the directory isn't empty; Conflict while another restore into it is at work,
// or when it was begun from another backup; NotFound when there is no whole backup; Corrupt, naming
// each damaged file of the backup.
Result<RestoreReport> restore(const Host& host, const std::string& backup,
                              const std::string& directory, const CancelToken& cancel);

// Conflict when a restore into it was begun and not finished.
Result<void> refuse_half_restored(FileSystem& files, const std::string& directory);

}  // namespace martlet::lifecycle

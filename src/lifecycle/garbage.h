// lifecycle/garbage.h: removes what nothing in the store refers to.
//
// Runs, logged models and experiments that were deleted long ago go first, for good, so that their
// blobs go too. Safe beside processes that write. What was put after the cutoff stays: its record
// may not be committed yet. The cutoff is the given age, and never later than the beginning of a
// run that a living process drives. Blobs are listed first and the records read afterwards, so what
// was committed in between counts; whether one was put again is looked at once more under the
// collection lock when it is removed. Killed at any moment it leaves a sound store. Called by
// `martlet gc`.
#pragma once
#include "base/cancel.h"
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "lifecycle/store.h"

#include <cstdint>

namespace martlet::lifecycle {

// Longer than any step lies between storing a blob and committing the record that names it.
inline constexpr Duration kGarbageAge = std::chrono::hours(24);

// How long what was deleted can be restored.
inline constexpr Duration kDeletedAge = std::chrono::hours(24 * 7);

struct GarbageOptions {
  Duration deleted_older_than = kDeletedAge;
  Duration older_than = kGarbageAge;
  enum class Mode : std::uint8_t { Remove, OnlyCount } mode = Mode::Remove;
  CancelToken cancel{};
};

struct GarbageReport {
  struct Amount {
    std::int64_t count = 0;
    std::int64_t bytes = 0;
    void add(std::uint64_t size_bytes) {
      ++count;
      bytes += static_cast<std::int64_t>(size_bytes);
    }
  };
  Amount deleted;  // runs, logged models and experiments, removed for good; their bytes are the
                   // blobs'
  Amount blobs;
  Amount leftovers;  // temporary files and scratch folders
  Amount logs;       // of runs that are gone
  Amount too_young;  // nothing refers to them, but they were put after the cutoff
  Amount kept;       // blobs that are needed
  Timestamp cutoff;
  bool only_counted = false;

  std::int64_t freed_bytes() const { return blobs.bytes + leftovers.bytes + logs.bytes; }
  // The shape of `martlet gc --json`, see docs/cli.md.
  Json to_json() const;
};

// Conflict while another gc or a backup is at work; Corrupt, and nothing removed, when something
// can't say what it needs.
Result<GarbageReport> collect_garbage(const Store& store, const GarbageOptions& options);

// Held by gc and by backup, so that what a backup copies stays until it is done.
std::string garbage_lock_path(const Store& store);

}  // namespace martlet::lifecycle

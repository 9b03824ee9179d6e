// tests/storage/store_check.h: whether a store holds what its ledger says was acknowledged, and nothing that nobody asked
// for: the invariants I1 to I8 of RELIABILITY §2 over the workload's use cases. README.md says which of them apply.
//
// Reads only, but for the removal of temporary files. One thread; nobody else may write to the store meanwhile.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "storage/world.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace martlet::storage {

struct Violation {
  std::string invariant;  // "I1"
  std::string message;
};
std::string to_text(const std::vector<Violation>& violations);

struct CheckReport {
  std::vector<Violation> violations;
  std::int64_t operations = 0;    // in the ledger
  std::int64_t acknowledged = 0;  // of them
  std::int64_t blobs = 0;         // referenced, read and compared
  std::int64_t garbage = 0;       // blobs that nothing refers to: what a collection may remove
  std::int64_t leftovers = 0;     // temporary files that were removed
  // What became of operations that were neither acknowledged nor known to be absent: entries for the ledger.
  std::vector<Json> resolutions;
};

// An Error is what martlet answered where it must answer: a store that can't be read is a violation too, and is reported
// as one by check_directory().
Result<CheckReport> check_store(World& world, const std::vector<Json>& ledger);
// Opens the store in `directory` and checks it; opening has to succeed, in 5 s (I9).
CheckReport check_directory(FileSystem& files, const std::string& directory, const std::vector<Json>& ledger,
                            std::uint64_t seed, Bug bug = Bug::None);

}  // namespace martlet::storage

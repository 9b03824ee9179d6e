// tests/storage/crash_loop.h: kill -9 of a process that works on a store, at random moments, over and over on the same store.
//
// Each cycle forks the workload, kills it after 1 to 500 ms (short times most often, so that opening and recovering are hit
// too), opens the store again and checks it against the ledger. In bursts the store isn't checked between kills, so that
// recovery itself is killed. Real files, real SQLite. Unix only; the caller has no other threads when it calls.
#pragma once
#include <cstdint>
#include <string>

namespace martlet::storage {

struct CrashLoopOptions {
  std::uint64_t seed = 1;
  std::int64_t cycles = 50;
  std::string directory;  // where the store and the ledger lie; made, and removed when all went well
  int workers = 2;        // threads of the workload
};

struct CrashLoopReport {
  std::int64_t cycles = 0;        // kills
  std::int64_t checks = 0;
  std::int64_t operations = 0;    // told to ledgers
  std::int64_t acknowledged = 0;
  std::int64_t leftovers = 0;     // temporary files found and removed
  std::int64_t garbage = 0;       // blobs without a record, summed over the stores' last checks
  double seconds = 0;
  double slowest_check_seconds = 0;
  std::string violation;          // "" when none
};

CrashLoopReport kill_often(const CrashLoopOptions& options);

}  // namespace martlet::storage

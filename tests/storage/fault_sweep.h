// tests/storage/fault_sweep.h: fails the n-th call of a kind, for n = 1, 2, … until a run has no n-th one, along the paths
// that write to a store. After each fault: an error is told or nothing is lost, the process lives, a store whose sync failed
// stops and never syncs that file again, and after reopening everything acknowledged is there and the path works.
#pragma once
#include "storage/simulated_disk.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::storage {

enum class SweepPath : std::uint8_t { Write, Upload, Promote, Dataset, Predictions, Pipeline, Open };
inline constexpr SweepPath kSweepPaths[] = {SweepPath::Write,   SweepPath::Upload,      SweepPath::Promote,
                                            SweepPath::Dataset, SweepPath::Predictions, SweepPath::Pipeline, SweepPath::Open};
std::string_view name_of(SweepPath path);

struct SweepReport {
  std::int64_t faults = 0;         // injected
  std::int64_t refused = 0;        // operations that told of it
  std::int64_t survived = 0;       // faults after which the operation succeeded, durably
  std::int64_t states = 0;         // power losses checked
  std::int64_t sites = 0;          // places in the program that call the disk on this path
  std::int64_t sites_failed = 0;   // of them, those at which a call was made to fail
  std::vector<std::string> violations;
};

SweepReport sweep(SweepPath path, std::uint64_t seed);

}  // namespace martlet::storage

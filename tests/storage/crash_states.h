// tests/storage/crash_states.h: what a power loss may leave on the disk, from the log of a SimulatedDisk.
//
// A file's bytes are safe once it was synced after them, a directory's entry once the directory was synced after it; all
// that came later may or may not have arrived, in any order, and the last write to arrive may be torn at a sector.
// Renames within a directory are atomic; between directories their two halves are not. Walks the log once, forwards;
// one thread at a time.
#pragma once
#include "base/random.h"
#include "storage/simulated_disk.h"

#include <cstddef>
#include <map>
#include <set>
#include <string_view>
#include <vector>

namespace martlet::storage {

enum class Survival : std::uint8_t {
  OnlySynced,  // nothing that wasn't synced
  Everything,  // as after kill -9
  Random,      // each later change or not
  Torn512,     // as Random, and the last write that arrives is torn at 512 bytes
  Torn4096,    // … at 4 KiB
};
inline constexpr Survival kSurvivals[] = {Survival::OnlySynced, Survival::Everything, Survival::Random, Survival::Torn512,
                                          Survival::Torn4096};
std::string_view name_of(Survival survival);

class CrashStates {
 public:
  CrashStates(DiskImage first, std::vector<DiskOp> log);

  std::size_t operations() const { return log_.size(); }
  // Goes on to the moment just after the first `position` operations; never backwards.
  void advance_to(std::size_t position);
  std::size_t position() const { return position_; }
  // Changes that a power loss now could lose.
  std::size_t unsynced() const { return pending_.size(); }
  DiskImage state(Survival survival, Random& random) const;

 private:
  void apply(DiskImage& image, const DiskOp& op) const;

  std::vector<DiskOp> log_;
  std::size_t position_ = 0;
  DiskImage safe_;                     // what is on the disk for certain
  std::set<std::size_t> pending_;      // operations that may have reached it
  std::set<std::size_t> dropped_;      // those of them that no later sync will write: their sync failed
};

}  // namespace martlet::storage

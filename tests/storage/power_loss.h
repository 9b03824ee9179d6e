// tests/storage/power_loss.h: power loss at sampled moments of the workload, on a simulated disk.
//
// A round runs the workload over a SimulatedDisk, closing and reopening the store now and then; then it visits sampled
// positions of the disk's log, builds what a power loss there may leave (crash_states.h), opens each such disk and checks
// it against what had been acknowledged by then. Some recoveries lose power again. Most rounds go on from a disk that lost
// power. In some rounds one sync fails, as a dying disk's do: the store stops, is opened again, goes on, and then the power
// goes. One thread, so that a seed replays.
#pragma once
#include "storage/planted_bugs.h"

#include <cstdint>
#include <functional>
#include <string>

namespace martlet::storage {

struct PowerLossOptions {
  std::uint64_t seed = 1;
  std::int64_t states = 300;
  Bug bug = Bug::None;
  int operations = 40;         // of a round
  int states_per_round = 60;
  bool failing_syncs = true;   // in every third round
};

struct PowerLossReport {
  std::int64_t states = 0;
  std::int64_t rounds = 0;
  std::int64_t operations = 0;       // of the workload
  std::int64_t acknowledged = 0;     // of them, summed over the states that were checked
  std::int64_t disk_operations = 0;  // logged
  std::int64_t failed_syncs = 0;     // injected
  std::int64_t kills = 0;            // of processes, within rounds
  double seconds = 0;
  // The first state that broke an invariant, where it was, and how; "" when none did. The run ends there.
  std::string violation;
};

PowerLossReport lose_power_often(const PowerLossOptions& options);

// Flips a random bit of a stored blob, `flips` times: reading it must be refused as Corrupt. Returns the first time it was
// not, or "".
std::string flip_bits(std::uint64_t seed, int flips, Bug bug);

}  // namespace martlet::storage

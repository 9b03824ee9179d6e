// tests/storage/simulated_vfs.h: SQLite's file layer over a SimulatedDisk, with locks and shared memory of its own.
//
// While it lives it is SQLite's default layer in this process, so that a Store opens over it without knowing. New opens
// go to the disk that is mounted; files stay on the one they were opened on. It does what SQLite's own unix layer does
// for durability: a journal or log is named durably, by a sync of its directory, at each process's first sync of it. The log's index
// (-shm) is memory that dies with the last connection: SQLite never syncs it and builds it anew after a crash, so a power
// loss has nothing of it to lose. One at a time; thread-safe.
#pragma once
#include "storage/simulated_disk.h"

#include <memory>
#include <string>

namespace martlet::storage {

// What a planted bug of the database's file layer does.
enum class VfsBug : std::uint8_t { None, NoLogSync, NoDatabaseSync, NoDirectorySync, RetriesFailedSync };

class SimulatedVfs {
 public:
  SimulatedVfs();
  ~SimulatedVfs();
  SimulatedVfs(const SimulatedVfs&) = delete;
  SimulatedVfs& operator=(const SimulatedVfs&) = delete;

  // Opening further files means this disk; nullptr: none.
  void mount(SimulatedDisk* disk);
  void plant(VfsBug bug);

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace martlet::storage

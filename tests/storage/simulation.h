// tests/storage/simulation.h: where simulated stores live: a directory of the real disk that is empty but for scratch files,
// and SQLite's file layer over whichever simulated disk is mounted. One at a time.
#pragma once
#include "platform/real_file_system.h"
#include "storage/simulated_disk.h"
#include "storage/simulated_file_system.h"
#include "storage/simulated_vfs.h"
#include "storage/store_check.h"

#include <memory>
#include <string>

namespace martlet::storage {

class Simulation {
 public:
  explicit Simulation(Bug bug);
  const std::string& store() const { return store_; }
  // A disk on which the store's parent directory is safely there.
  DiskImage blank() const;
  // Opens a process on it.
  struct Machine {
    explicit Machine(DiskImage image, const std::string& scratch) : disk(std::move(image)), files(disk, scratch) {}
    SimulatedDisk disk;
    SimulatedFileSystem files;
  };
  std::unique_ptr<Machine> boot(DiskImage image) const;
  void mount(Machine* machine) { vfs_.mount(machine == nullptr ? nullptr : &machine->disk); }
  // Mounts and checks it.
  CheckReport check(Machine& machine, const std::vector<Json>& ledger, std::uint64_t seed, Bug bug = Bug::None);
  SimulatedVfs& vfs() { return vfs_; }

 private:
  platform::TemporaryDirectory directory_;
  std::string store_;
  SimulatedVfs vfs_;
};

}  // namespace martlet::storage

#include "storage/simulation.h"

namespace martlet::storage {

Simulation::Simulation(Bug bug)
    : directory_(platform::TemporaryDirectory::create("/tmp", "martlet-storm-").value()),
      store_(join_path(directory_.path(), "project/store")) {
  platform::RealFileSystem real;
  MARTLET_CHECK(real.create_directories(join_path(store_, "tmp")).has_value(), "the scratch directory can be made");
  vfs_.plant(vfs_bug(bug));
}

DiskImage Simulation::blank() const {
  const auto machine = boot(DiskImage());
  MARTLET_CHECK(machine->files.create_directories(parent_path(store_)).has_value(), "a simulated disk takes directories");
  return machine->disk.image();
}

std::unique_ptr<Simulation::Machine> Simulation::boot(DiskImage image) const {
  return std::make_unique<Machine>(std::move(image), join_path(store_, "tmp"));
}

CheckReport Simulation::check(Machine& machine, const std::vector<Json>& ledger, std::uint64_t seed, Bug bug) {
  mount(&machine);
  CheckReport report = check_directory(machine.files, store_, ledger, seed, bug);
  mount(nullptr);
  return report;
}

}  // namespace martlet::storage

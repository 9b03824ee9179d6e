#include "storage/fault_sweep.h"

#include "metadata/database.h"
#include "storage/crash_states.h"
#include "storage/simulation.h"
#include "storage/workload.h"

#include <fmt/format.h>

#include <array>

namespace martlet::storage {

namespace {

struct Kind {
  Call call;
  Fault fault;
};
constexpr Kind kKinds[] = {
    {Call::Open, Fault::InputOutput},   {Call::Open, Fault::TooManyFiles}, {Call::Read, Fault::InputOutput},
    {Call::Write, Fault::InputOutput},  {Call::Write, Fault::NoSpace},     {Call::Write, Fault::ShortWrite},
    {Call::Truncate, Fault::InputOutput}, {Call::Sync, Fault::InputOutput},  {Call::SyncDirectory, Fault::InputOutput},
    {Call::Rename, Fault::InputOutput}, {Call::Rename, Fault::NoSpace},    {Call::Remove, Fault::InputOutput}};

std::vector<Operation> operations_of(SweepPath path) {
  switch (path) {
    case SweepPath::Write: return {Operation::StartRun, Operation::Log, Operation::Truth, Operation::EndRun};
    case SweepPath::Upload: return {Operation::Artifact, Operation::ArtifactFile, Operation::Blobs};
    case SweepPath::Promote: return {Operation::AddVersion, Operation::Promote, Operation::MoveAlias};
    case SweepPath::Dataset: return {Operation::Dataset, Operation::AppendDataset};
    case SweepPath::Predictions: return {Operation::Predictions, Operation::Predictions};
    case SweepPath::Pipeline: return {Operation::Pipeline};
    case SweepPath::Open: return {};
  }
  return {};
}

class Sweep {
 public:
  Sweep(SweepPath path, std::uint64_t seed) : path_(path), seed_(seed), simulation_(Bug::None) {}

  SweepReport run() {
    prepare();
    for (const Kind& kind : kKinds) {
      for (std::uint64_t n = 1; try_fault(kind, n); ++n) {
        if (report_.violations.size() > 20) return report_;
      }
    }
    report_.sites = static_cast<std::int64_t>(sites_.size());
    for (const auto& site : sites_) report_.sites_failed += failed_sites_.contains(site) ? 1 : 0;
    return report_;
  }

 private:
  // A store that was used before; for the path "open", its log still waits to be recovered.
  void prepare() {
    auto machine = simulation_.boot(simulation_.blank());
    simulation_.mount(machine.get());
    MemoryLedger ledger([] { return std::size_t{0}; });
    {
      auto world = World::open(machine->files, {.directory = simulation_.store(), .seed = seed_});
      MARTLET_CHECK(world.has_value(), "a store opens on a sound disk");
      Worker worker(**world, ledger, {.seed = seed_});
      MARTLET_CHECK(worker.begin().has_value(), "the workload begins on a sound disk");
      for (int i = 0; i < 12; ++i) MARTLET_CHECK(worker.step().has_value(), "the workload runs on a sound disk");
      if (path_ == SweepPath::Open) image_ = machine->disk.image();
    }
    if (path_ != SweepPath::Open) image_ = machine->disk.image();
    simulation_.mount(nullptr);
    entries_ = ledger.entries();
  }

  void violate(const Kind& kind, std::uint64_t n, const std::string& what) {
    report_.violations.push_back(fmt::format("{}: {} of {} call {}: {}", name_of(path_), name_of(kind.fault),
                                             name_of(kind.call), n, what));
  }

  // Whether the fault happened.
  bool try_fault(const Kind& kind, std::uint64_t n) {
    const auto machine = simulation_.boot(image_);
    SimulatedDisk& disk = machine->disk;
    simulation_.mount(machine.get());
    MemoryLedger ledger([] { return std::size_t{0}; });
    ledger.continue_from(entries_);
    disk.start_recording();
    std::int64_t refused = 0;
    if (path_ == SweepPath::Open) arm(disk, kind, n);
    {
      auto world = World::open(machine->files, {.directory = simulation_.store(), .seed = seed_ + 1});
      if (!world.has_value()) {
        ++refused;
        if (!disk.has_failed()) violate(kind, n, "the store doesn't open: " + world.error().message());
      } else {
        refused += use(**world, ledger, disk, kind, n);
      }
    }
    disk.never_fail();
    const bool failed = disk.has_failed();
    if (!failed) {
      simulation_.mount(nullptr);
      if (refused > 0) violate(kind, n, "an operation was refused, though nothing had failed");
      return false;
    }
    ++report_.faults;
    report_.refused += refused;
    report_.survived += refused == 0 ? 1 : 0;
    failed_sites_.insert({kind.call, disk.failed_site()});
    if (kind.call == Call::Sync && disk.retried_syncs() > 0)
      violate(kind, n, "a sync was tried again after it had failed");
    afterwards(*machine, ledger, kind, n);
    return true;
  }

  static void arm(SimulatedDisk& disk, const Kind& kind, std::uint64_t n) {
    disk.forget_counts();
    disk.fail_nth(kind.call, n, kind.fault);
  }

  // The path, with the fault in it; then once more, in the same process. Returns how many operations were refused.
  std::int64_t use(World& world, Ledger& ledger, SimulatedDisk& disk, const Kind& kind, std::uint64_t n) {
    Worker worker(world, ledger, {.seed = seed_ + 2});
    std::int64_t refused = 0;
    if (!worker.begin().has_value()) ++refused;
    if (refused == 0 && path_ == SweepPath::Upload) refused += worker.perform(Operation::StartRun).has_value() ? 0 : 1;
    if (path_ != SweepPath::Open) arm(disk, kind, n);
    for (const Operation operation : operations_of(path_)) {
      const bool before = disk.has_failed();
      if (worker.perform(operation).has_value()) continue;
      ++refused;
      if (!disk.has_failed() && !before) violate(kind, n, std::string(name_of(operation)) + " was refused, though nothing had failed");
    }
    if (!disk.has_failed()) {
      const auto sites = disk.sites();
      sites_.insert(sites.begin(), sites.end());
      return refused;
    }
    std::int64_t refused_again = 0;
    for (const Operation operation : operations_of(path_)) refused_again += worker.perform(operation).has_value() ? 0 : 1;
    if (kind.call == Call::Sync && refused > 0 && refused_again == 0)
      violate(kind, n, "the store went on writing after a failed sync");
    return refused;
  }

  void afterwards(Simulation::Machine& machine, MemoryLedger& ledger, const Kind& kind, std::uint64_t n) {
    const auto expect_sound = [&](CheckReport report, std::string_view when) {
      for (const Violation& violation : report.violations)
        violate(kind, n, fmt::format("{}: {}: {}", when, violation.invariant, violation.message));
      return report.resolutions;
    };
    // The power goes at once.
    lose_power(machine, ledger, kind, n, "after a power loss");
    // Or the program is started again.
    std::vector<Json> entries = ledger.entries();
    const std::vector<Json> resolutions = expect_sound(simulation_.check(machine, entries, seed_ + 3), "after reopening");
    entries.insert(entries.end(), resolutions.begin(), resolutions.end());
    ledger.continue_from(entries);
    simulation_.mount(&machine);
    {
      auto world = World::open(machine.files, {.directory = simulation_.store(), .seed = seed_ + 4});
      if (!world.has_value()) return violate(kind, n, "the store doesn't open again: " + world.error().message());
      Worker worker(**world, ledger, {.seed = seed_ + 5});
      if (auto begun = worker.begin(); !begun.has_value()) violate(kind, n, "the workload doesn't go on: " + begun.error().message());
      for (const Operation operation : operations_of(path_)) {
        if (auto done = worker.perform(operation); !done.has_value())
          violate(kind, n, fmt::format("{} is refused after reopening: {}", name_of(operation), done.error().message()));
      }
      // With the log not yet moved into the file.
      lose_power(machine, ledger, kind, n, "after reopening, going on and a power loss");
    }
    simulation_.mount(nullptr);
    expect_sound(simulation_.check(machine, ledger.entries(), seed_ + 6), "after going on");
    lose_power(machine, ledger, kind, n, "after closing and a power loss");
  }

  void lose_power(Simulation::Machine& machine, const MemoryLedger& ledger, const Kind& kind, std::uint64_t n,
                  std::string_view when) {
    CrashStates states(machine.disk.first_image(), machine.disk.log());
    states.advance_to(states.operations());
    SeededRandom random(seed_ + n);
    for (const Survival survival : {Survival::OnlySynced, Survival::Torn512}) {
      ++report_.states;
      const auto rebooted = simulation_.boot(states.state(survival, random));
      for (const Violation& violation : simulation_.check(*rebooted, ledger.entries(), seed_ + 7).violations)
        violate(kind, n, fmt::format("{} ({} left): {}: {}", when, name_of(survival), violation.invariant, violation.message));
    }
    simulation_.mount(&machine);
  }

  SweepPath path_;
  std::uint64_t seed_;
  Simulation simulation_;
  DiskImage image_;
  std::vector<Json> entries_;
  std::set<std::pair<Call, const void*>> sites_;
  std::set<std::pair<Call, const void*>> failed_sites_;
  SweepReport report_;
};

}  // namespace

std::string_view name_of(SweepPath path) {
  static constexpr std::array<std::string_view, 7> kNames{"write",       "upload",   "promote", "dataset",
                                                          "predictions", "pipeline", "open"};
  return kNames[static_cast<std::size_t>(path)];
}

SweepReport sweep(SweepPath path, std::uint64_t seed) { return Sweep(path, seed).run(); }

}  // namespace martlet::storage

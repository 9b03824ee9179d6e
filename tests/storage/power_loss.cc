#include "storage/power_loss.h"

#include "artifacts/blob_store.h"
#include "storage/crash_states.h"
#include "storage/simulation.h"
#include "storage/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace martlet::storage {

namespace {

class PowerLoss {
 public:
  explicit PowerLoss(const PowerLossOptions& options)
      : options_(options), random_(options.seed), simulation_(options.bug), start_(simulation_.blank()) {}

  PowerLossReport run() {
    const auto began = std::chrono::steady_clock::now();
    while (report_.states < options_.states && report_.violation.empty()) {
      ++report_.rounds;
      play();
      visit();
    }
    report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    return report_;
  }

 private:
  // The workload over the disk, with everything recorded.
  void play() {
    machine_ = simulation_.boot(start_);
    simulation_.mount(machine_.get());
    ledger_ = std::make_unique<MemoryLedger>([this] { return machine_->disk.position(); });
    ledger_->continue_from(entries_);
    machine_->disk.start_recording();
    const bool retries = options_.bug == Bug::FileSyncRetried || options_.bug == Bug::LogSyncRetried;
    const bool failing = retries || (options_.failing_syncs && report_.rounds % 3 == 0);
    if (failing) {
      const Call call = random_.below(4) == 0 ? Call::SyncDirectory : Call::Sync;
      machine_->disk.fail_nth(call, 1 + random_.below(60), Fault::InputOutput);
    }
    int left = options_.operations;
    while (left > 0 && report_.violation.empty()) {
      const int share = std::min(left, 5 + static_cast<int>(random_.below(30)));
      // Every third process is killed; the next one finds what the page cache holds.
      if (random_.below(3) == 0) machine_->disk.kill_after(1 + random_.below(150));
      process(share);
      report_.kills += machine_->disk.is_killed() ? 1 : 0;
      machine_->disk.revive();
      left -= share;
    }
    // A round may end before the call that was to fail: then the next sync does, in one process more.
    if (failing && !machine_->disk.has_failed() && report_.violation.empty()) {
      machine_->disk.fail_nth(Call::Sync, 1, Fault::InputOutput);
      process(5);
    }
    machine_->disk.never_fail();
    simulation_.mount(nullptr);
    report_.failed_syncs += failing && machine_->disk.has_failed() ? 1 : 0;
    report_.disk_operations += static_cast<std::int64_t>(machine_->disk.position());
  }

  // One process, from opening the store to closing it.
  void process(int operations) {
    WorldOptions options{.directory = simulation_.store(), .seed = random_.next(), .bug = options_.bug};
    const auto opened = World::open(machine_->files, options);
    if (!opened.has_value()) {
      // Only because it was killed, or a sync failed: the next process finds the store again.
      if (!excused()) report_.violation = "the store doesn't open: " + opened.error().message();
      return;
    }
    Worker worker(**opened, *ledger_, {.worker = 0, .seed = random_.next(), .datasets = random_.below(3) == 0});
    Result<void> done = worker.begin();
    int refused = 0;
    for (int i = 0; i < operations && done.has_value(); ++i) {
      ++report_.operations;
      // Some more after an error, to see that a store that stopped stays stopped.
      if (auto step = worker.step(); !step.has_value() && ++refused > 3) done = std::move(step);
      if (refused > 0 && !excused())
        report_.violation = "an operation was refused, though nothing had failed: " + martlet::to_text(ledger_->entries().back());
    }
    if (!done.has_value() && !excused()) report_.violation = "the workload stopped: " + done.error().message();
  }

  bool excused() const { return machine_->disk.has_failed() || machine_->disk.is_killed(); }

  // Power losses along the log.
  void visit() {
    CrashStates states(machine_->disk.first_image(), machine_->disk.log());
    std::vector<std::size_t> positions;
    for (int i = 0; i < options_.states_per_round; ++i) positions.push_back(random_.below(states.operations() + 1));
    std::sort(positions.begin(), positions.end());
    DiskImage last = simulation_.blank();
    std::vector<Json> last_entries;
    for (const std::size_t position : positions) {
      if (!report_.violation.empty() || report_.states >= options_.states) return;
      states.advance_to(position);
      const Survival survival = kSurvivals[random_.below(std::size(kSurvivals))];
      std::vector<Json> entries = ledger_->entries_at(position);
      DiskImage image = states.state(survival, random_);
      const CheckReport report = check(image, entries, position, survival, random_.below(10) == 0);
      entries.insert(entries.end(), report.resolutions.begin(), report.resolutions.end());
      last = std::move(image);
      last_entries = std::move(entries);
    }
    const bool fresh = report_.rounds % 5 == 0;
    start_ = fresh ? simulation_.blank() : std::move(last);
    entries_ = fresh ? std::vector<Json>() : std::move(last_entries);
  }

  CheckReport check(const DiskImage& image, const std::vector<Json>& entries, std::size_t position, Survival survival,
                    bool again) {
    ++report_.states;
    const auto machine = simulation_.boot(image);
    if (again) machine->disk.start_recording();
    CheckReport report = simulation_.check(*machine, entries, random_.next(), options_.bug);
    report_.acknowledged += report.acknowledged;
    if (!report.violations.empty() && report_.violation.empty()) {
      report_.violation = fmt::format("seed {}, round {}, after {} of {} disk operations, {} left:\n{}", options_.seed,
                                      report_.rounds, position, machine_->disk.position(), name_of(survival),
                                      to_text(report.violations));
    }
    if (again && report_.violation.empty()) {
      // What the recovery (and the check) did is lost in turn.
      CrashStates recovery(machine->disk.first_image(), machine->disk.log());
      recovery.advance_to(random_.below(recovery.operations() + 1));
      check(recovery.state(Survival::Torn512, random_), entries, position, survival, false);
    }
    return report;
  }

  PowerLossOptions options_;
  SeededRandom random_;
  Simulation simulation_;
  DiskImage start_;
  std::vector<Json> entries_;
  std::unique_ptr<Simulation::Machine> machine_;
  std::unique_ptr<MemoryLedger> ledger_;
  PowerLossReport report_;
};

}  // namespace

PowerLossReport lose_power_often(const PowerLossOptions& options) { return PowerLoss(options).run(); }

std::string flip_bits(std::uint64_t seed, int flips, Bug bug) {
  Simulation simulation(Bug::None);
  SeededRandom random(seed);
  const auto machine = simulation.boot(simulation.blank());
  simulation.mount(machine.get());
  {
    MemoryLedger ledger([] { return std::size_t{0}; });
    auto world = World::open(machine->files, {.directory = simulation.store(), .seed = seed});
    MARTLET_CHECK(world.has_value(), "a store opens on a sound disk");
    Worker worker(**world, ledger, {.seed = seed, .datasets = false});
    MARTLET_CHECK(worker.begin().has_value(), "the workload begins on a sound disk");
    for (int i = 0; i < 40; ++i) MARTLET_CHECK(worker.step().has_value(), "the workload runs on a sound disk");
  }
  for (int i = 0; i < flips; ++i) {
    const auto damaged = simulation.boot(machine->disk.image());
    simulation.mount(damaged.get());
    auto world = World::open(damaged->files, {.directory = simulation.store(), .seed = seed, .bug = bug});
    if (!world.has_value()) return "the store doesn't open: " + world.error().message();
    const auto blobs = (*world)->blobs().list();
    if (!blobs.has_value() || blobs->empty()) return "the store lists no blobs";
    const artifacts::StoredBlob& blob = (*blobs)[random.below(blobs->size())];
    if (blob.size_bytes == 0) continue;
    const std::string hex = blob.digest.hex();
    damaged->disk.flip_bit(join_path(simulation.store(), "blobs/" + hex.substr(0, 2) + "/" + hex.substr(2)), random.next());
    const auto read = (*world)->blobs().get(blob.digest);
    if (read.has_value()) return fmt::format("seed {}, flip {}: damaged blob {} was given out", seed, i, hex);
    if (read.error().code() != ErrorCode::Corrupt)
      return fmt::format("seed {}, flip {}: reading a damaged blob says: {}", seed, i, read.error().message());
    if ((*world)->blobs().verify(blob.digest).has_value())
      return fmt::format("seed {}, flip {}: verify finds nothing wrong with damaged blob {}", seed, i, hex);
  }
  return "";
}

}  // namespace martlet::storage

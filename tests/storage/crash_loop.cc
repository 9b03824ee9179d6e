#include "storage/crash_loop.h"

#include "platform/real_file_system.h"
#include "storage/store_check.h"
#include "storage/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace martlet::storage {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kOperationsPerStore = 400;  // then a new one is begun, so that checks stay quick
constexpr int kExitedByItself = 3;

[[noreturn]] void work_until_killed(const std::string& store, const std::string& ledger_path, std::uint64_t seed, int workers) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  platform::RealFileSystem files;
  auto ledger = FileLedger::open(ledger_path);
  if (!ledger.has_value()) _exit(kExitedByItself);
  const auto give_up = [&](const Error& error) {
    (*ledger)->note({{"kind", "stopped"}, {"error", error.message()}});
    _exit(kExitedByItself);
  };
  auto world = World::open(files, {.directory = store, .seed = seed});
  if (!world.has_value()) give_up(world.error());
  std::vector<std::thread> threads;
  for (int i = 0; i < workers; ++i) {
    threads.emplace_back([&, i] {
      Worker worker(**world, **ledger, {.worker = i, .seed = seed});
      Result<void> done = worker.begin();
      while (done.has_value()) done = worker.step();
      give_up(done.error());
    });
  }
  for (std::thread& thread : threads) thread.join();
  _exit(kExitedByItself);
}

class CrashLoop {
 public:
  explicit CrashLoop(const CrashLoopOptions& options)
      : options_(options), random_(options.seed), store_(join_path(options.directory, "store")),
        ledger_(join_path(options.directory, "ledger.jsonl")) {}

  CrashLoopReport run() {
    const auto began = Clock::now();
    begin_store();
    while (report_.cycles < options_.cycles && report_.violation.empty()) {
      ++report_.cycles;
      const bool burst = report_.cycles % 100 >= 90;  // recovery itself is killed, ten times in a row
      kill_one(burst ? 1 + random_.below(15) : after());
      if (burst && report_.cycles % 100 != 99 && report_.cycles != options_.cycles) continue;
      check();
      if (told_ > kOperationsPerStore) begin_store();
    }
    report_.operations += told_;
    report_.seconds = std::chrono::duration<double>(Clock::now() - began).count();
    if (report_.violation.empty()) static_cast<void>(files_.remove_all(options_.directory).has_value());
    return report_;
  }

 private:
  // 1 to 500 ms, evenly in the logarithm.
  std::uint64_t after() { return static_cast<std::uint64_t>(std::exp(random_.uniform() * std::log(500.0))); }

  void begin_store() {
    report_.operations += told_;
    told_ = 0;
    acknowledged_here_ = 0;
    if (auto made = files_.create_directories(options_.directory); !made.has_value())
      report_.violation = made.error().message();
    static_cast<void>(files_.remove_all(store_).has_value());
    static_cast<void>(files_.remove_all(ledger_).has_value());
  }

  void kill_one(std::uint64_t after_ms) {
    const std::uint64_t seed = options_.seed * 1'000'000 + static_cast<std::uint64_t>(report_.cycles);
    const pid_t child = fork();
    MARTLET_CHECK(child >= 0, "a process can be forked");
    if (child == 0) work_until_killed(store_, ledger_, seed, options_.workers);
    std::this_thread::sleep_for(std::chrono::milliseconds(after_ms));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return;
    const auto entries = read_ledger(ledger_);
    report_.violation = fmt::format("cycle {}: the workload ended by itself ({}): {}", report_.cycles, status,
                                    entries.has_value() && !entries->empty() ? martlet::to_text(entries->back()) : "");
  }

  void check() {
    const auto began = Clock::now();
    auto entries = read_ledger(ledger_);
    // Killed before it began.
    if (!entries.has_value() && entries.error().code() == ErrorCode::NotFound) entries = std::vector<Json>();
    if (!entries.has_value()) {
      report_.violation = entries.error().message();
      return;
    }
    ++report_.checks;
    const CheckReport found = check_directory(files_, store_, *entries, random_.next());
    told_ = found.operations;
    report_.acknowledged += found.acknowledged - acknowledged_here_;
    acknowledged_here_ = found.acknowledged;
    report_.leftovers += found.leftovers;
    report_.garbage = std::max(report_.garbage, found.garbage);
    if (!found.violations.empty()) {
      report_.violation = fmt::format("seed {}, cycle {}; the store and its ledger lie in {}:\n{}", options_.seed,
                                      report_.cycles, options_.directory, to_text(found.violations));
      return;
    }
    auto ledger = FileLedger::open(ledger_);
    if (!ledger.has_value()) report_.violation = ledger.error().message();
    for (const Json& resolution : found.resolutions) {
      if (ledger.has_value()) (*ledger)->note(resolution);
    }
    report_.slowest_check_seconds =
        std::max(report_.slowest_check_seconds, std::chrono::duration<double>(Clock::now() - began).count());
  }

  CrashLoopOptions options_;
  SeededRandom random_;
  std::string store_;
  std::string ledger_;
  platform::RealFileSystem files_;
  std::int64_t told_ = 0;
  std::int64_t acknowledged_here_ = 0;  // in the ledger of this store, at its last check
  CrashLoopReport report_;
};

}  // namespace

CrashLoopReport kill_often(const CrashLoopOptions& options) { return CrashLoop(options).run(); }

}  // namespace martlet::storage

// martlet_storage_harness crash|power|flip|sweep|bugs [--cycles N] [--states N] [--seed S] [--bug NAME] [--directory DIR]
// Prints counts, rates and the seed. Exit status: 0 nothing lost; 1 a violation, with all that replays it; 2 wrong use.
#include "storage/crash_loop.h"
#include "storage/fault_sweep.h"
#include "storage/power_loss.h"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <string>
#include <string_view>
#include <unistd.h>

namespace martlet::storage {
namespace {

struct Arguments {
  std::string what;
  std::map<std::string, std::string> flags;

  std::int64_t number(const std::string& flag, std::int64_t otherwise) const {
    const auto found = flags.find(flag);
    if (found == flags.end()) return otherwise;
    std::int64_t value = 0;
    const auto& text = found->second;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    return code == std::errc() && end == text.data() + text.size() ? value : otherwise;
  }
};

int tell(const std::string& violation) {
  if (!violation.empty()) fmt::print("VIOLATION {}\n", violation);
  return violation.empty() ? 0 : 1;
}

int crash(const Arguments& arguments) {
  CrashLoopOptions options;
  options.seed = static_cast<std::uint64_t>(arguments.number("--seed", 1));
  options.cycles = arguments.number("--cycles", 50);
  const auto directory = arguments.flags.find("--directory");
  options.directory = directory != arguments.flags.end() ? directory->second : fmt::format("/tmp/martlet-crash-{}", getpid());
  const CrashLoopReport report = kill_often(options);
  fmt::print("crash: seed {}: {} kills, {} checks, {} operations, {} acknowledged, {} temporary files left and removed, at most "
             "{} blobs without a record; {:.1f} s, {:.0f} ms a kill, slowest check {:.0f} ms\n",
             options.seed, report.cycles, report.checks, report.operations, report.acknowledged, report.leftovers,
             report.garbage, report.seconds, 1000 * report.seconds / static_cast<double>(report.cycles),
             1000 * report.slowest_check_seconds);
  return tell(report.violation);
}

Bug bug_named(const std::string& name) {
  for (const Bug bug : kBugs) {
    if (name_of(bug) == name) return bug;
  }
  return Bug::None;
}

int power(const Arguments& arguments) {
  PowerLossOptions options;
  options.seed = static_cast<std::uint64_t>(arguments.number("--seed", 1));
  options.states = arguments.number("--states", 300);
  const auto bug = arguments.flags.find("--bug");
  if (bug != arguments.flags.end()) options.bug = bug_named(bug->second);
  const PowerLossReport report = lose_power_often(options);
  fmt::print("power: seed {}: {} states in {} rounds, {} operations, {} disk operations, {} kills, {} failed syncs, {} acknowledged "
             "operations compared; {:.1f} s, {:.0f} states/s\n",
             options.seed, report.states, report.rounds, report.operations, report.disk_operations, report.kills,
             report.failed_syncs,
             report.acknowledged, report.seconds, static_cast<double>(report.states) / report.seconds);
  return tell(report.violation);
}

int flip(const Arguments& arguments) {
  const auto flips = static_cast<int>(arguments.number("--states", 200));
  const std::string violation = flip_bits(static_cast<std::uint64_t>(arguments.number("--seed", 1)), flips, Bug::None);
  fmt::print("flip: {} flipped bits in blobs, {}\n", flips, violation.empty() ? "each one found when it was read" : "one was not found");
  return tell(violation);
}

int sweep_all(const Arguments& arguments) {
  int status = 0;
  const auto only = arguments.flags.find("--path");
  for (const SweepPath path : kSweepPaths) {
    if (only != arguments.flags.end() && only->second != name_of(path)) continue;
    const SweepReport report = sweep(path, static_cast<std::uint64_t>(arguments.number("--seed", 1)));
    fmt::print("sweep: {:11} {:4} faults at {} of {} call sites: {} refusals, {} survived; {} power losses after them\n",
               name_of(path), report.faults, report.sites_failed, report.sites, report.refused, report.survived, report.states);
    for (const std::string& violation : report.violations) status |= tell(violation);
    if (report.sites_failed != report.sites) status |= tell("not every call site was made to fail");
  }
  return status;
}

int bugs(const Arguments& arguments) {
  int status = 0;
  for (const Bug bug : kBugs) {
    PowerLossOptions options;
    options.seed = static_cast<std::uint64_t>(arguments.number("--seed", 1));
    options.states = arguments.number("--states", 2000);
    options.bug = bug;
    const bool damage = bug == Bug::NoDigestCheck;
    const PowerLossReport report = damage ? PowerLossReport{} : lose_power_often(options);
    const std::string violation = damage ? flip_bits(options.seed, 50, bug) : report.violation;
    fmt::print("bug: {:22} {} after {} states\n{}", name_of(bug), violation.empty() ? "NOT CAUGHT" : "caught",
               report.states, arguments.flags.contains("--verbose") ? violation + "\n" : "");
    if (violation.empty()) status = 1;
  }
  return status;
}

int run(const Arguments& arguments) {
  if (arguments.what == "crash") return crash(arguments);
  if (arguments.what == "power") return power(arguments);
  if (arguments.what == "flip") return flip(arguments);
  if (arguments.what == "sweep") return sweep_all(arguments);
  if (arguments.what == "bugs") return bugs(arguments);
  fmt::print(stderr, "usage: martlet_storage_harness crash|power|flip|sweep|bugs [--cycles N] [--states N] [--seed S] "
                     "[--bug NAME] [--path NAME] [--directory DIR] [--verbose yes]\n");
  return 2;
}

}  // namespace
}  // namespace martlet::storage

int main(int count, char** words) {
  martlet::storage::Arguments arguments;
  if (count > 1) arguments.what = words[1];
  for (int i = 2; i + 1 < count; i += 2) arguments.flags[words[i]] = words[i + 1];
  return martlet::storage::run(arguments);
}

#include "platform/internal/spawn.h"

#include "base/file_system.h"
#include "base/text.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <string_view>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace martlet::platform {
namespace {

constexpr std::array<const char*, 9> kStages = {"making a process group for",
                                                "confining",
                                                "connecting the streams of",
                                                "entering the directory for",
                                                "limiting the memory of",
                                                "limiting the CPU time of",
                                                "switching off core files of",
                                                "lowering the priority of",
                                                "executing"};
enum Stage : int { Group, Confine, Streams, Directory, Memory, Cpu, Core, Priority, Execute };

struct Failure {
  int stage = 0;
  int number = 0;
};

// What the child needs, all of it made before the fork: between vfork and execve it shares our
// memory while our other threads run on, so it must neither allocate nor take a lock.
struct ChildPlan {
  const char* program = nullptr;
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  const char* directory = nullptr;
  std::uint64_t memory_bytes = 0;
  std::uint64_t cpu_seconds = 0;
  int niceness = 0;
  bool confined = false;  // to `processors`
  cpu_set_t processors{};
  bool first_to_die = false;
  std::array<int, 3> streams{};
  int report = -1;  // closes by itself when execve succeeds
  pid_t parent = 0;
};

[[noreturn]] void child_failed(const ChildPlan& plan, Stage stage) {
  const Failure failure{stage, errno};
  (void)!::write(plan.report, &failure, sizeof(failure));
  ::_exit(127);
}

void limit(const ChildPlan& plan, decltype(RLIMIT_AS) resource, std::uint64_t soft,
           std::uint64_t hard, Stage stage) {
  rlimit wanted{};
  wanted.rlim_cur = soft;
  wanted.rlim_max = hard;
  if (::setrlimit(resource, &wanted) != 0) child_failed(plan, stage);
}

void connect_streams(const ChildPlan& plan) {
  // First moved out of the way of 0, 1 and 2, so that no dup2 overwrites one that is still needed.
  std::array<int, 3> moved{};
  for (std::size_t i = 0; i < 3; ++i) {
    moved[i] = ::fcntl(plan.streams[i], F_DUPFD_CLOEXEC, 3);
    if (moved[i] < 0) child_failed(plan, Streams);
  }
  for (std::size_t i = 0; i < 3; ++i)
    if (::dup2(moved[i], static_cast<int>(i)) < 0) child_failed(plan, Streams);
  // All others close at execve, those that some library opened without CLOEXEC too (the flag needs
  // Linux 5.11).
  if (::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
    for (int number = 3; number < 65'536; ++number) ::fcntl(number, F_SETFD, FD_CLOEXEC);
}

void give_way(const ChildPlan& plan) {
  if (plan.niceness != 0 && ::setpriority(PRIO_PROCESS, 0, plan.niceness) != 0)
    child_failed(plan, Priority);
  if (plan.confined && ::sched_setaffinity(0, sizeof(plan.processors), &plan.processors) != 0)
    child_failed(plan, Priority);
  if (!plan.first_to_die) return;
  // A wish only: where /proc isn't there, the child runs all the same.
  const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (score < 0) return;
  constexpr std::string_view kFirst = "800";
  (void)!::write(score, kFirst.data(), kFirst.size());
  ::close(score);
}

[[noreturn]] void run_child(const ChildPlan& plan) {
  if (::setpgid(0, 0) != 0) child_failed(plan, Group);
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    child_failed(plan, Confine);
  if (::getppid() != plan.parent)
    ::_exit(127);  // our parent died between the fork and the line above
  struct sigaction plain{};
  plain.sa_handler = SIG_DFL;
  for (int number = 1; number < 65; ++number)
    ::sigaction(number, &plain, nullptr);  // ignored signals would stay ignored through execve
  connect_streams(plan);
  if (plan.directory != nullptr && ::chdir(plan.directory) != 0) child_failed(plan, Directory);
  if (plan.memory_bytes != 0) limit(plan, RLIMIT_AS, plan.memory_bytes, plan.memory_bytes, Memory);
  if (plan.cpu_seconds != 0) limit(plan, RLIMIT_CPU, plan.cpu_seconds, plan.cpu_seconds + 2, Cpu);
  limit(plan, RLIMIT_CORE, 0, 0, Core);
  give_way(plan);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(plan.program, plan.argv, plan.environment);
  child_failed(plan, Execute);
}

// In a function of its own, because vfork returns twice into the same frame. vfork rather than
// fork: it does not copy the page tables of a process of many gigabytes, and does not fail where
// memory may not be overcommitted.
__attribute__((noinline)) pid_t start_child(const ChildPlan& plan) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  const pid_t pid =
      ::fork();  // the sanitizers' runtime keeps state that a child sharing our memory would spoil
#else
  const pid_t pid = ::vfork();
#endif
  if (pid == 0) run_child(plan);
  return pid;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// The last `count` of the processors that we may run on; false when that is all of them, or
// unknown.
bool last_processors(int count, cpu_set_t& chosen) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  CPU_ZERO(&chosen);
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0 || count >= CPU_COUNT(&allowed))
    return false;
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && count > 0; --cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    CPU_SET(cpu, &chosen);
    --count;
  }
  return true;
}

std::string_view variable(const std::vector<std::pair<std::string, std::string>>& environment,
                          std::string_view name, std::string_view otherwise) {
  for (const auto& [key, value] : environment)
    if (key == name) return value;
  return otherwise;
}

}  // namespace

Result<std::string>
find_program(const std::string& name,
             const std::vector<std::pair<std::string, std::string>>& environment) {
  if (name.find('/') != std::string::npos) return name;
  const std::string_view path = variable(environment, "PATH", "/usr/local/bin:/usr/bin:/bin");
  for (const std::string_view directory : split(path, ':')) {
    if (!directory.starts_with('/'))
      continue;  // the working directory is no place to look for programs
    std::string candidate = join_path(directory, name);
    struct stat found{};
    if (::stat(candidate.c_str(), &found) == 0 && S_ISREG(found.st_mode) &&
        ::access(candidate.c_str(), X_OK) == 0)
      return candidate;
  }
  return not_found(fmt::format(
      "starting {}: no such program in PATH ({}); install it, or name it by its full path", name,
      path));
}

Result<int> spawn(const SpawnRequest& request) {
  MARTLET_TRY_SET(const std::string program,
                  find_program(request.argv.front(), request.environment));
  std::vector<std::string> arguments = request.argv;
  std::vector<std::string> variables;
  variables.reserve(request.environment.size());
  for (const auto& [name, value] : request.environment) variables.push_back(name + "=" + value);
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> environment = pointers(variables);

  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "making a pipe for", program);
  const Descriptor reading(ends[0]);
  Descriptor writing(ends[1]);
  if (writing.get() < 3) {  // we run without standard streams: keep the report out of their places
    writing = Descriptor(::fcntl(writing.get(), F_DUPFD_CLOEXEC, 3));
    if (!writing.valid()) return fail_errno(errno, "making a pipe for", program);
  }

  ChildPlan plan;
  plan.program = program.c_str();
  plan.argv = argv.data();
  plan.environment = environment.data();
  plan.directory = request.working_directory.empty() ? nullptr : request.working_directory.c_str();
  plan.memory_bytes = request.memory_bytes;
  plan.cpu_seconds = static_cast<std::uint64_t>(request.cpu_seconds);
  plan.niceness = request.niceness;
  plan.confined = request.processors > 0 && last_processors(request.processors, plan.processors);
  plan.first_to_die = request.first_to_die;
  plan.streams = {request.input, request.output, request.error};
  plan.report = writing.get();
  plan.parent = ::getpid();

  // No signal handler of ours may run in the child while it shares our memory.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = start_child(plan);
  const int number = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return fail_errno(number, "starting", program);
  writing.reset();

  Failure failure;
  const ssize_t got =
      uninterrupted([&] { return ::read(reading.get(), &failure, sizeof(failure)); });
  if (got != static_cast<ssize_t>(sizeof(failure))) return pid;  // closed by execve
  uninterrupted([&] { return ::waitpid(pid, nullptr, 0); });
  const bool directory = failure.stage == Directory;
  return fail_errno(failure.number, kStages.at(static_cast<std::size_t>(failure.stage)),
                    directory ? fmt::format("{} ({})", program, request.working_directory)
                              : program);
}

}  // namespace martlet::platform

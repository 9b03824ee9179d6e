// platform/process.h: child processes, started by argument list and never by a shell, within
// limits, and gone when we are.
//
// Every child has its own process group, no descriptor but its three standard ones, exactly the
// environment it is given, no_new_privs, and dies (SIGKILL) with the THREAD that started it: start
// long-lived children from a thread that lives as long. When the child ends, what it left behind in
// its group is killed. A Process is for one thread at a time; run_process() may be called from
// many. Callers: workflow's executors, models (training children), monitoring (alert commands).
#pragma once
#include "base/cancel.h"
#include "base/result.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace martlet::platform {

enum class OutputStream : std::uint8_t { Out, Err };

struct ProcessOptions {
  // argv[0] with a slash is a path; without one it's looked up in the PATH of `environment` (or
  // /usr/local/bin:/usr/bin:/bin).
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> environment;  // all of it; nothing is inherited
  std::string working_directory;                                 // "": ours
  std::optional<std::string> input;  // run_process: all of stdin; none: /dev/null
  // Wall clock, from the start; zero: none. At its end, SIGTERM to the group; SIGKILL after
  // `grace`. So too when cancelled.
  std::chrono::milliseconds time_limit{0};
  std::chrono::milliseconds grace{5000};
  std::uint64_t memory_bytes = 0;     // RLIMIT_AS: address space, not resident memory; 0: no limit
  std::chrono::seconds cpu_limit{0};  // RLIMIT_CPU; 0: no limit
  // How the child gives way to others, and its children with it: its nice value, the processors it
  // may run on (the last so many of ours; 0: all of them), and whether the kernel takes it first
  // when memory runs out.
  int niceness = 0;
  int processors = 0;
  bool first_to_die = false;
  std::size_t output_limit_bytes = 1u << 20;  // per stream; see ProcessResult::out
  // Each line without its end, as it comes, up to the output limit (then one line that says so).
  // Called on the waiting thread.
  std::function<void(OutputStream, std::string_view line)> on_line;

  std::vector<Finding> validate() const;
};

enum class ProcessEnd : std::uint8_t { Exited, Signalled, TimedOut, Cancelled };

struct ProcessResult {
  ProcessEnd end = ProcessEnd::Exited;
  int exit_code = 0;  // when it exited; 128 + signal otherwise, as shells say
  int signal = 0;     // that ended it; 0 when it exited
  bool likely_out_of_memory =
      false;  // a guess from the signal, the limit and the last words on stderr
  bool cpu_limit_reached = false;
  // What it wrote. Beyond the limit the middle is left out, and a line in its place says how many
  // bytes are missing.
  std::string out;
  std::string err;
  bool truncated = false;
  std::chrono::milliseconds elapsed{0};
  std::chrono::milliseconds cpu_time{0};
  std::uint64_t peak_resident_bytes = 0;

  bool succeeded() const { return end == ProcessEnd::Exited && exit_code == 0; }
  // "exited with code 3", "was killed by signal 9 (Killed), probably for lack of memory", …
  std::string describe() const;
};

// Runs it to the end. An error means that it could not be started (NotFound: no such program;
// PermissionDenied; InvalidArgument with findings); how it ended is in the result, and a non-zero
// exit code is no error here. `deadline` counts like the time limit.
Result<ProcessResult> run_process(const ProcessOptions& options, Deadline deadline,
                                  const CancelToken& cancel);

// A child that is talked to line by line (`martlet step --serve`). Its stdout is read with
// read_line() instead of being captured; stderr is captured and reported to on_line as usual.
class Process {
 public:
  static Result<std::unique_ptr<Process>> start(ProcessOptions options);  // `input` is ignored
  ~Process();  // kills the group at once if it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  int pid() const;
  // Writes all of it. Unavailable when the child no longer reads; DeadlineExceeded; Cancelled.
  Result<void> write(std::string_view bytes, Deadline deadline, const CancelToken& cancel);
  void close_input();
  // The next line of stdout without its end; nullopt at the end of output. ResourceExhausted for a
  // line beyond the output limit; DeadlineExceeded; Cancelled. The child goes on living in all
  // these cases.
  Result<std::optional<std::string>> read_line(Deadline deadline, const CancelToken& cancel);
  // Waits for its end; stops it at the deadline, when cancelled, or at its time limit.
  Result<ProcessResult> wait(Deadline deadline, const CancelToken& cancel);
  // SIGTERM to the group now, SIGKILL after the grace; returns when it's gone.
  Result<ProcessResult> terminate();

 private:
  struct State;
  explicit Process(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
  friend Result<ProcessResult> run_process(const ProcessOptions&, Deadline, const CancelToken&);
};

// The path of the running program.
Result<std::string> self_executable();

}  // namespace martlet::platform

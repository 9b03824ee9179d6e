#include "platform/process.h"

#include "platform/internal/posix.h"
#include "platform/internal/spawn.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace martlet::platform {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

// A cancellation is a flag, not a descriptor: this is how late it may be seen.
constexpr milliseconds kLook(20);
// How long output is still awaited after the child has ended and its group was killed: somebody who
// left the group may hold the pipe.
constexpr milliseconds kLastOutput(500);
constexpr std::size_t kLongestLine = std::size_t{64} << 10;

// Keeps the first and the last half of the limit: the beginning says what was run, the end why it
// failed.
class Capture {
 public:
  explicit Capture(std::size_t limit) : half_(std::max<std::size_t>(limit / 2, 1)) {}
  void add(std::string_view bytes) {
    const std::size_t into_head = std::min(bytes.size(), half_ - head_.size());
    head_ += bytes.substr(0, into_head);
    tail_ += bytes.substr(into_head);
    if (tail_.size() > 2 * half_ + (std::size_t{64} << 10)) trim();
  }
  bool truncated() const { return dropped_ > 0 || tail_.size() > half_; }
  std::string text() {
    trim();
    if (dropped_ == 0) return head_ + tail_;
    return fmt::format("{}\n[… {} bytes left out …]\n{}", head_, dropped_, tail_);
  }

 private:
  void trim() {
    if (tail_.size() <= half_) return;
    dropped_ += tail_.size() - half_;
    tail_.erase(0, tail_.size() - half_);
  }
  std::size_t half_;
  std::string head_;
  std::string tail_;
  std::size_t dropped_ = 0;
};

// Cuts a stream into lines for the callback.
class Lines {
 public:
  Lines(OutputStream stream, std::size_t limit) : stream_(stream), left_(limit) {}
  void add(std::string_view bytes,
           const std::function<void(OutputStream, std::string_view)>& on_line) {
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      partial_ += bytes.substr(0, end);
      if (end == std::string_view::npos) {
        if (partial_.size() >= kLongestLine) flush(on_line);
        return;
      }
      flush(on_line);
      bytes.remove_prefix(end + 1);
    }
  }
  void finish(const std::function<void(OutputStream, std::string_view)>& on_line) {
    if (!partial_.empty()) flush(on_line);
  }

 private:
  void flush(const std::function<void(OutputStream, std::string_view)>& on_line) {
    if (!silenced_ && partial_.size() <= left_) {
      left_ -= partial_.size();
      on_line(stream_, partial_);
    } else if (!silenced_) {
      silenced_ = true;
      on_line(stream_, "[… output limit reached; later lines are not shown …]");
    }
    partial_.clear();
  }
  OutputStream stream_;
  std::size_t left_;
  bool silenced_ = false;
  std::string partial_;
};

struct Pipe {
  Descriptor reading;
  Descriptor writing;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "making", "a pipe");
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

// Our ends only: a child may not expect its standard streams to be non-blocking.
void make_non_blocking(const Descriptor& descriptor) {
  ::fcntl(descriptor.get(), F_SETFL, ::fcntl(descriptor.get(), F_GETFL) | O_NONBLOCK);
}

milliseconds to_milliseconds(const timeval& value) {
  return milliseconds(static_cast<std::int64_t>(value.tv_sec) * 1000 + value.tv_usec / 1000);
}

bool speaks_of_memory(std::string_view text) {
  const std::string_view last = text.substr(text.size() - std::min<std::size_t>(text.size(), 4096));
  return std::ranges::any_of(
      std::array<std::string_view, 5>{"bad_alloc", "MemoryError", "Cannot allocate memory",
                                      "out of memory", "Out of memory"},
      [&](std::string_view words) { return last.find(words) != std::string_view::npos; });
}

}  // namespace

std::vector<Finding> ProcessOptions::validate() const {
  std::vector<Finding> findings;
  const auto add = [&](std::string path, std::string rule, std::string message) {
    findings.push_back({std::move(path), std::move(rule), std::move(message), "", 0, 0});
  };
  const auto has_nul = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  if (argv.empty() || argv.front().empty()) add("argv", "missing", "there is no program to run");
  for (std::size_t i = 0; i < argv.size(); ++i)
    if (has_nul(argv[i])) add(fmt::format("argv[{}]", i), "nul", "an argument cannot hold a NUL");
  for (const auto& [name, value] : environment)
    if (name.empty() || name.find('=') != std::string::npos || has_nul(name) || has_nul(value))
      add("environment." + name, "bad_variable",
          "a variable's name is not empty, holds no '=', and neither name nor value hold a NUL");
  if (has_nul(working_directory)) add("working_directory", "nul", "a path cannot hold a NUL");
  if (niceness < 0 || niceness > 19)
    add("niceness", "out_of_range", "a child's nice value lies between 0 and 19");
  if (processors < 0) add("processors", "negative", "a number of processors is not negative");
  if (output_limit_bytes < 2) add("output_limit_bytes", "too_small", "keep at least two bytes");
  if (time_limit < milliseconds(0) || grace < milliseconds(0) || cpu_limit.count() < 0)
    add("limits", "negative", "limits are not negative; zero means none");
  return findings;
}

std::string ProcessResult::describe() const {
  std::string text;
  switch (end) {
    case ProcessEnd::Exited: text = fmt::format("exited with code {}", exit_code); break;
    case ProcessEnd::Signalled:
      text = fmt::format("was killed by signal {} ({})", signal, ::strsignal(signal));
      break;
    case ProcessEnd::TimedOut:
      text = fmt::format("was stopped at its time limit after {} ms", elapsed.count());
      break;
    case ProcessEnd::Cancelled: text = "was cancelled"; break;
  }
  if (cpu_limit_reached) text += ", having used up its CPU time";
  if (likely_out_of_memory) text += ", probably for lack of memory";
  return text;
}

struct Process::State {
  explicit State(ProcessOptions given)
      : options(std::move(given)), out(options.output_limit_bytes), err(options.output_limit_bytes),
        out_lines(OutputStream::Out, options.output_limit_bytes),
        err_lines(OutputStream::Err, options.output_limit_bytes) {}

  ProcessOptions options;
  bool line_by_line = false;  // stdout goes to `unread` instead of `out`
  int pid = -1;
  SteadyTime started;
  Descriptor input;
  Descriptor output;
  Descriptor error;
  Descriptor life;  // pidfd: readable when the child has ended
  std::string pending_input;
  std::size_t input_at = 0;
  Capture out;
  Capture err;
  Lines out_lines;
  Lines err_lines;
  std::string unread;
  bool ended = false;
  std::optional<SteadyTime> terminated_at;
  bool killed = false;
  std::optional<ProcessEnd> stopped_for;
  std::optional<ProcessResult> result;

  Result<void> begin();
  void kill_group(int number) const { ::kill(-pid, number); }
  void feed();
  void drain(Descriptor& from, OutputStream stream);
  // One turn: waits for something to happen, at most `patience`.
  void turn(milliseconds patience);
  void stop(ProcessEnd why);
  void escalate();
  // Milliseconds to sleep until `until` matters, at most kLook.
  static milliseconds patience(std::optional<SteadyTime> until);
  Result<ProcessResult> finish(Deadline deadline, const CancelToken& cancel);
  ProcessResult reap();
};

Result<void> Process::State::begin() {
  if (std::vector<Finding> findings = options.validate(); !findings.empty())
    return invalid("the process to start", std::move(findings));
  MARTLET_TRY_SET(Pipe to_out, make_pipe());
  MARTLET_TRY_SET(Pipe to_err, make_pipe());
  Pipe from_in;
  if (line_by_line || options.input.has_value()) {
    MARTLET_TRY_SET(from_in, make_pipe());
  } else {
    from_in.reading = Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!from_in.reading.valid()) return fail_errno(errno, "opening", "/dev/null");
  }
  started = std::chrono::steady_clock::now();
  MARTLET_TRY_SET(pid, spawn({.argv = options.argv,
                              .environment = options.environment,
                              .working_directory = options.working_directory,
                              .memory_bytes = options.memory_bytes,
                              .cpu_seconds = options.cpu_limit.count(),
                              .niceness = options.niceness,
                              .processors = options.processors,
                              .first_to_die = options.first_to_die,
                              .input = from_in.reading.get(),
                              .output = to_out.writing.get(),
                              .error = to_err.writing.get()}));
  life = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  input = std::move(from_in.writing);
  output = std::move(to_out.reading);
  error = std::move(to_err.reading);
  for (const Descriptor* descriptor : {&input, &output, &error})
    if (descriptor->valid()) make_non_blocking(*descriptor);
  if (!line_by_line && options.input.has_value()) pending_input = std::move(*options.input);
  return {};
}

void Process::State::feed() {
  // SIGPIPE would end us: it is blocked for the write, and taken off the thread's list afterwards.
  sigset_t pipe_signal;
  sigset_t before;
  ::sigemptyset(&pipe_signal);
  ::sigaddset(&pipe_signal, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  while (input.valid() && input_at < pending_input.size()) {
    const ssize_t put = uninterrupted([&] {
      return ::write(input.get(), pending_input.data() + input_at, pending_input.size() - input_at);
    });
    if (put >= 0) {
      input_at += static_cast<std::size_t>(put);
      continue;
    }
    if (errno == EAGAIN) break;
    if (errno == EPIPE) {
      const timespec now{};
      ::sigtimedwait(&pipe_signal, nullptr, &now);
    }
    input.reset();
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (input_at < pending_input.size() && input.valid()) return;
  pending_input.clear();
  input_at = 0;
  if (!line_by_line) input.reset();
}

void Process::State::drain(Descriptor& from, OutputStream stream) {
  std::array<char, 65'536> buffer;
  // Bounded, so that a child that writes without end cannot keep us from its time limit.
  for (int round = 0; round < 16; ++round) {
    const ssize_t got =
        uninterrupted([&] { return ::read(from.get(), buffer.data(), buffer.size()); });
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      from.reset();
      return;
    }
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    const bool is_out = stream == OutputStream::Out;
    if (is_out && line_by_line) {
      unread += bytes;
      if (unread.size() > options.output_limit_bytes)
        return;  // back-pressure: read_line() takes them, or complains
      continue;
    }
    (is_out ? out : err).add(bytes);
    if (options.on_line) (is_out ? out_lines : err_lines).add(bytes, options.on_line);
  }
}

void Process::State::turn(milliseconds patience) {
  std::array<pollfd, 4> watched{};
  const bool full = line_by_line && unread.size() > options.output_limit_bytes;
  watched[0] = {output.valid() && !full ? output.get() : -1, POLLIN, 0};
  watched[1] = {error.valid() ? error.get() : -1, POLLIN, 0};
  watched[2] = {input.valid() && !pending_input.empty() ? input.get() : -1, POLLOUT, 0};
  watched[3] = {ended ? -1 : life.get(), POLLIN, 0};
  const int ready = ::poll(watched.data(), watched.size(), static_cast<int>(patience.count()));
  if (ready <= 0) return;
  if (watched[0].revents != 0) drain(output, OutputStream::Out);
  if (watched[1].revents != 0) drain(error, OutputStream::Err);
  if (watched[2].revents != 0) feed();
  if (watched[3].revents != 0) ended = true;
}

void Process::State::stop(ProcessEnd why) {
  if (terminated_at.has_value()) return;
  stopped_for = why;
  terminated_at = std::chrono::steady_clock::now();
  kill_group(SIGTERM);
  kill_group(SIGCONT);  // a stopped child would not see it
}

void Process::State::escalate() {
  if (killed || !terminated_at.has_value() ||
      std::chrono::steady_clock::now() < *terminated_at + options.grace)
    return;
  killed = true;
  kill_group(SIGKILL);
}

milliseconds Process::State::patience(std::optional<SteadyTime> until) {
  if (!until.has_value()) return kLook;
  const auto left = std::chrono::ceil<milliseconds>(*until - std::chrono::steady_clock::now());
  return std::clamp(left, milliseconds(0), kLook);
}

Result<ProcessResult> Process::State::finish(Deadline deadline, const CancelToken& cancel) {
  if (result.has_value()) return *result;
  if (!line_by_line) feed();
  while (!ended) {
    const SteadyTime now = std::chrono::steady_clock::now();
    if (cancel.cancelled()) stop(ProcessEnd::Cancelled);
    if ((options.time_limit.count() > 0 && now >= started + options.time_limit) ||
        (deadline.at.has_value() && now >= *deadline.at))
      stop(ProcessEnd::TimedOut);
    escalate();
    turn(kLook);
    if (!life.valid() &&
        ::waitid(P_PID, static_cast<id_t>(pid), nullptr, WEXITED | WNOWAIT | WNOHANG) == 0) {
      siginfo_t info{};
      ended = ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT | WNOHANG) == 0 &&
              info.si_pid == pid;
    }
    if (line_by_line && unread.size() > options.output_limit_bytes)
      unread.clear();  // nobody will read it: the caller waits for the end
  }
  // The child is a zombie still, so its group's number cannot belong to anybody else yet.
  kill_group(SIGKILL);
  const SteadyTime last = std::chrono::steady_clock::now() + kLastOutput;
  while ((output.valid() || error.valid()) && std::chrono::steady_clock::now() < last) {
    turn(patience(last));
    if (line_by_line && unread.size() > options.output_limit_bytes) unread.clear();
  }
  result = reap();
  return *result;
}

ProcessResult Process::State::reap() {
  int status = 0;
  rusage usage{};
  uninterrupted([&] { return ::wait4(pid, &status, 0, &usage); });
  if (options.on_line) {
    out_lines.finish(options.on_line);
    err_lines.finish(options.on_line);
  }
  ProcessResult done;
  done.elapsed =
      std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - started);
  done.cpu_time = to_milliseconds(usage.ru_utime) + to_milliseconds(usage.ru_stime);
  done.peak_resident_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  done.truncated = out.truncated() || err.truncated();
  done.out = out.text();
  done.err = err.text();
  if (WIFSIGNALED(status)) {
    done.end = ProcessEnd::Signalled;
    done.signal = WTERMSIG(status);
    done.exit_code = 128 + done.signal;
  } else {
    done.exit_code = WEXITSTATUS(status);
  }
  const bool ours = stopped_for.has_value();
  done.cpu_limit_reached =
      options.cpu_limit.count() > 0 && !ours &&
      (done.signal == SIGXCPU || (done.signal == SIGKILL && done.cpu_time >= options.cpu_limit));
  const bool violent = done.signal == SIGABRT || done.signal == SIGSEGV || done.signal == SIGBUS;
  done.likely_out_of_memory = !ours && !done.cpu_limit_reached && !done.succeeded() &&
                              (done.signal == SIGKILL || (options.memory_bytes != 0 && violent) ||
                               speaks_of_memory(done.err));
  if (ours) done.end = *stopped_for;
  return done;
}

Process::Process(std::unique_ptr<State> state) : state_(std::move(state)) {}

Process::~Process() {
  if (state_->pid < 0 || state_->result.has_value()) return;
  state_->kill_group(SIGKILL);
  uninterrupted([&] { return ::waitpid(state_->pid, nullptr, 0); });
}

Result<std::unique_ptr<Process>> Process::start(ProcessOptions options) {
  auto state = std::make_unique<State>(std::move(options));
  state->line_by_line = true;
  MARTLET_TRY(state->begin());
  return std::unique_ptr<Process>(new Process(std::move(state)));
}

int Process::pid() const { return state_->pid; }

Result<void> Process::write(std::string_view bytes, Deadline deadline, const CancelToken& cancel) {
  State& s = *state_;
  s.pending_input += bytes;
  for (;;) {
    s.feed();
    if (!s.input.valid())
      return unavailable(fmt::format("writing to {}: it no longer reads", s.options.argv.front()));
    if (s.pending_input.empty()) return {};
    if (cancel.cancelled())
      return fail(ErrorCode::Cancelled,
                  fmt::format("writing to {} was cancelled", s.options.argv.front()));
    if (deadline.at.has_value() && std::chrono::steady_clock::now() >= *deadline.at)
      return fail(ErrorCode::DeadlineExceeded,
                  fmt::format("writing to {}: it did not read in time", s.options.argv.front()));
    s.turn(State::patience(deadline.at));
  }
}

void Process::close_input() { state_->input.reset(); }

Result<std::optional<std::string>> Process::read_line(Deadline deadline,
                                                      const CancelToken& cancel) {
  State& s = *state_;
  std::size_t searched = 0;
  for (;;) {
    const std::size_t end = s.unread.find('\n', searched);
    if (end != std::string::npos) {
      std::string line = s.unread.substr(0, end);
      s.unread.erase(0, end + 1);
      return std::optional(std::move(line));
    }
    searched = s.unread.size();
    if (searched > s.options.output_limit_bytes)
      return fail(ErrorCode::ResourceExhausted,
                  fmt::format("reading from {}: a line is longer than {} bytes",
                              s.options.argv.front(), s.options.output_limit_bytes));
    if (!s.output.valid()) {
      if (s.unread.empty()) return std::optional<std::string>();
      return std::optional(std::exchange(s.unread, {}));
    }
    if (cancel.cancelled())
      return fail(ErrorCode::Cancelled,
                  fmt::format("reading from {} was cancelled", s.options.argv.front()));
    if (deadline.at.has_value() && std::chrono::steady_clock::now() >= *deadline.at)
      return fail(
          ErrorCode::DeadlineExceeded,
          fmt::format("reading from {}: it did not answer in time", s.options.argv.front()));
    s.turn(State::patience(deadline.at));
  }
}

Result<ProcessResult> Process::wait(Deadline deadline, const CancelToken& cancel) {
  return state_->finish(deadline, cancel);
}

Result<ProcessResult> Process::terminate() {
  if (!state_->result.has_value()) state_->stop(ProcessEnd::Cancelled);
  return state_->finish(Deadline::none(), CancelToken());
}

Result<ProcessResult> run_process(const ProcessOptions& options, Deadline deadline,
                                  const CancelToken& cancel) {
  Process process(std::make_unique<Process::State>(options));
  MARTLET_TRY(process.state_->begin());
  return process.state_->finish(deadline, cancel);
}

Result<std::string> self_executable() {
  std::string path(4096, '\0');
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  if (size < 0) return fail_errno(errno, "reading", "/proc/self/exe");
  path.resize(static_cast<std::size_t>(size));
  return path;
}

}  // namespace martlet::platform

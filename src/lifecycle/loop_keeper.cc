#include "lifecycle/loop_keeper.h"

#include "artifacts/blob_store.h"
#include "platform/process.h"
#include "platform/threads.h"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

namespace martlet::lifecycle {

namespace {

using std::chrono::milliseconds;

constexpr int kNiceness = 10;
constexpr milliseconds kGrace{5'000};
constexpr milliseconds kLongestSleep{3'600'000};
constexpr milliseconds kShortestSleep{50};
constexpr milliseconds kFirstPause{2'000};  // after a failed tick
constexpr milliseconds kLongestPause{300'000};
constexpr std::size_t kWordsKept = 2'000;
constexpr int kConflict = 6;  // the exit status of a tick that found another process at it

std::string last_words(const std::string& text) {
  if (text.size() <= kWordsKept) return text;
  return "…" + text.substr(text.size() - kWordsKept);
}

}  // namespace

struct LoopKeeper::State {
  State(const Store& opened, const Project& parsed) : store(opened), project(parsed) {}

  platform::ProcessOptions child() const {
    const auto absolute = [](const std::string& path) {
      return std::filesystem::absolute(path.empty() ? "." : path).string();
    };
    const monitoring::RetrainPolicy policy =
        project.monitoring.retrain.value_or(monitoring::RetrainPolicy{});
    platform::ProcessOptions options;
    options.argv = {program,
                    "monitor",
                    "tick",
                    "--json",
                    "--quiet",
                    "--log",
                    "warn",
                    "--log-format",
                    "json",
                    "--project",
                    absolute(project.directory),
                    "--as-served",
                    "--env",
                    std::string(registry::name_of(given.environment))};
    options.argv.insert(options.argv.end(), given.flags.begin(), given.flags.end());
    options.input = project.text;  // as it is in force, whatever becomes of its file
    options.environment = given.variables;
    if (store.place().database.empty()) {
      options.argv.emplace_back("--store");
      options.argv.push_back(absolute(store.directory()));
    } else {  // others can read arguments, and the URL may hold a password
      options.environment.emplace_back("MARTLET_STORE", store.place().database);
    }
    // What it logs is ours to hand on; its last words are told when it fails.
    options.on_line = [this](platform::OutputStream stream, std::string_view line) {
      if (stream == platform::OutputStream::Err && line.starts_with('{'))
        store.host().log.warn("loop.said", {{"line", line}});
    };
    options.grace = kGrace;
    options.niceness = kNiceness;
    options.first_to_die = true;
    options.processors =
        policy.processors > 0 ? policy.processors : std::max(1, platform::hardware_threads() / 2);
    options.memory_bytes = policy.memory_bytes;
    return options;
  }

  void log_event(const Json& event) const {
    const std::string kind = event.value("kind", std::string());
    Log& log = store.host().log;
    const std::string name = "loop." + kind;
    const LogField why{"why", event.value("why", std::string())};
    const LogField model{"model", event.value("model", std::string())};
    if (kind == "failed") {
      log.error(name, {model, why});
    } else if (kind == "alert" || kind == "truth_missing") {
      log.warn(name, {model, why});
    } else {
      log.info(name, {model, why});
    }
  }

  // How long to sleep after a tick that went well.
  milliseconds time_left(const Json& report) const {
    const auto next = parse_timestamp_utc(report.value("next", std::string()));
    if (!next.has_value()) return kFirstPause;
    const auto left = std::chrono::ceil<milliseconds>(*next - store.host().clock.now());
    return std::clamp(left, kShortestSleep, kLongestSleep);
  }

  // One tick; gives how long to sleep then.
  milliseconds tick() {
    Log& log = store.host().log;
    const auto pause = [this] {
      failures = std::min(failures + 1, 20);
      milliseconds wait = kFirstPause;
      for (int i = 1; i < failures && wait < kLongestPause; ++i) wait *= 2;
      return std::min(wait, kLongestPause);
    };
    // No record names it while the loop runs: put again, garbage collection takes it for young.
    if (const auto put = store.blobs().put(project.text); !put.has_value()) {
      log.error("loop.not_started", {{"why", put.error().message()}});
      return pause();
    }
    const auto result = platform::run_process(child(), Deadline::none(), cancel);
    if (cancel.cancelled()) return kFirstPause;
    if (!result.has_value()) {
      log.error("loop.not_started", {{"why", result.error().message()}});
      return pause();
    }
    if (result->end == platform::ProcessEnd::Exited && result->exit_code == kConflict) {
      log.info("loop.busy", {{"why", last_words(result->err)}});
      return pause();
    }
    const auto report = result->succeeded() ? parse_json(result->out) : Result<Json>(Json());
    if (!result->succeeded() || !report.has_value() || !report->is_object()) {
      log.error("loop.tick_failed",
                {{"how", result->describe()}, {"why", last_words(result->err)}});
      return pause();
    }
    failures = 0;
    if (const auto events = report->find("events"); events != report->end()) {
      for (const Json& event : *events) log_event(event);
    }
    return time_left(*report);
  }

  void run() {
    std::unique_lock lock(mutex);
    while (!closing) {
      lock.unlock();
      const milliseconds sleep = tick();
      lock.lock();
      wake.wait_for(lock, sleep, [this] { return closing; });
    }
  }

  const Store& store;
  const Project& project;
  LoopKeeperOptions given;
  std::string program;  // this one
  CancelToken cancel;
  int failures = 0;  // in a row
  std::mutex mutex;  // guards closing
  std::condition_variable wake;
  bool closing = false;
  std::thread thread;
};

LoopKeeper::LoopKeeper(std::unique_ptr<State> state) : state_(std::move(state)) {}

LoopKeeper::~LoopKeeper() { stop(); }

Result<std::unique_ptr<LoopKeeper>> LoopKeeper::start(const Store& store, const Project& project,
                                                      LoopKeeperOptions options) {
  auto state = std::make_unique<State>(store, project);
  state->given = std::move(options);
  MARTLET_TRY_SET(state->program, platform::self_executable());
  State& running = *state;
  state->thread = std::thread([&running] { running.run(); });
  return std::unique_ptr<LoopKeeper>(new LoopKeeper(std::move(state)));  // private constructor
}

void LoopKeeper::ask_to_stop() {
  state_->cancel.cancel();
  {
    const std::lock_guard lock(state_->mutex);
    state_->closing = true;
  }
  state_->wake.notify_all();
}

void LoopKeeper::stop() {
  ask_to_stop();
  if (state_->thread.joinable()) state_->thread.join();
}

}  // namespace martlet::lifecycle

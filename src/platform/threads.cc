#include "platform/threads.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <fstream>
#include <mutex>
#include <optional>
#include <pthread.h>
#include <sched.h>
#include <thread>
#include <utility>
#include <vector>

namespace martlet::platform {
namespace {

// Whole CPUs of a cgroup v2 quota ("200000 100000" is two), or a large number without one.
int quota_threads() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 1 << 20;
  std::int64_t micros = 0;
  for (const char c : quota) {
    if (c < '0' || c > '9' || micros > (std::int64_t{1} << 50)) return 1 << 20;
    micros = micros * 10 + (c - '0');
  }
  return std::max(1, static_cast<int>(static_cast<double>(micros) / period + 0.5));
}

// One loop over a range. Shared with helpers that may only get their turn when it's over.
struct Loop {
  std::size_t count = 0;
  std::size_t chunk = 1;
  std::size_t chunks = 0;
  const std::function<Result<void>(std::size_t, std::size_t)>* body = nullptr;
  CancelToken cancel;

  std::atomic<std::size_t> next{0};
  std::atomic<bool> stopped{false};
  std::atomic<bool> skipped{false};  // a cancellation left chunks undone

  std::mutex progress_mutex;
  std::condition_variable progressed;
  std::size_t running = 0;
  std::size_t failed_chunk = 0;
  std::optional<Error> failure;

  // Claims chunks in order until none is left. `body` is only touched between a claim and its end,
  // while the caller still waits.
  void work() {
    for (;;) {
      {
        const std::lock_guard lock(progress_mutex);
        if (stopped.load() || next.load() >= chunks) return;
        ++running;
      }
      const std::size_t mine = next.fetch_add(1);
      if (mine < chunks) run(mine);
      const std::lock_guard lock(progress_mutex);
      --running;
      if (running == 0) progressed.notify_all();
    }
  }

  void run(std::size_t mine) {
    if (cancel.cancelled()) {
      skipped.store(true);
      stopped.store(true);
      return;
    }
    Result<void> done = (*body)(mine * chunk, std::min(count, (mine + 1) * chunk));
    if (done.has_value()) return;
    stopped.store(true);
    const std::lock_guard lock(progress_mutex);
    // Chunks are claimed in order, so every one below a failing one runs to its end: the lowest
    // failure is always found.
    if (!failure.has_value() || mine < failed_chunk) {
      failed_chunk = mine;
      failure = std::move(done).error();
    }
  }
};

}  // namespace

int hardware_threads() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  int threads = 1;
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) == 0)
    threads = CPU_COUNT(&allowed);
  else
    threads = static_cast<int>(std::thread::hardware_concurrency());
  return std::max(1, std::min(threads, quota_threads()));
}

struct ThreadPool::State {
  explicit State(Log& where) : log(where) {}
  Log& log;
  std::size_t queue_limit = 0;
  std::string name;
  std::mutex queue_mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> queue;
  bool stopping = false;
  std::mutex stop_mutex;
  std::vector<std::thread> threads;
  int thread_count = 0;

  void run() {
    ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
    for (;;) {
      std::function<void()> task;
      {
        std::unique_lock lock(queue_mutex);
        wake.wait(lock, [&] { return stopping || !queue.empty(); });
        if (queue.empty()) return;
        task = std::move(queue.front());
        queue.pop_front();
      }
      try {
        task();
      } catch (const std::exception& problem) {
        log.error("pool.task_failed", {{"pool", name}, {"error", problem.what()}});
      }
    }
  }
};

ThreadPool::ThreadPool(const ThreadPoolOptions& options, Log& log)
    : state_(std::make_unique<State>(log)) {
  state_->queue_limit = options.queue_limit;
  state_->name = options.name;
  state_->thread_count = options.threads > 0 ? options.threads : hardware_threads();
  for (int i = 0; i < state_->thread_count; ++i)
    state_->threads.emplace_back([state = state_.get()] { state->run(); });
}

ThreadPool::~ThreadPool() { stop(); }

Result<void> ThreadPool::submit(std::function<void()> task) {
  {
    const std::lock_guard lock(state_->queue_mutex);
    if (state_->stopping)
      return unavailable(
          fmt::format("queueing a task: the thread pool \"{}\" is stopping", state_->name));
    if (state_->queue.size() >= state_->queue_limit)
      return fail(ErrorCode::ResourceExhausted,
                  fmt::format("queueing a task: the thread pool \"{}\" already has {} waiting; try "
                              "again later",
                              state_->name, state_->queue.size()));
    state_->queue.push_back(std::move(task));
  }
  state_->wake.notify_one();
  return {};
}

void ThreadPool::parallel_for(std::size_t count, std::size_t chunk,
                              const std::function<void(std::size_t, std::size_t)>& body) {
  const auto always = [&body](std::size_t begin, std::size_t end) -> Result<void> {
    body(begin, end);
    return {};
  };
  (void)try_parallel_for(count, chunk, CancelToken(), always);  // cannot fail
}

Result<void>
ThreadPool::try_parallel_for(std::size_t count, std::size_t chunk, const CancelToken& cancel,
                             const std::function<Result<void>(std::size_t, std::size_t)>& body) {
  MARTLET_CHECK(chunk >= 1, "a loop needs chunks of at least one");
  const auto loop = std::make_shared<Loop>();
  loop->count = count;
  loop->chunk = chunk;
  loop->chunks = count / chunk + (count % chunk != 0 ? 1 : 0);
  loop->body = &body;
  loop->cancel = cancel;
  const std::size_t wanted = std::min<std::size_t>(loop->chunks == 0 ? 0 : loop->chunks - 1,
                                                   static_cast<std::size_t>(state_->thread_count));
  for (std::size_t i = 0; i < wanted; ++i)
    if (!submit([loop] { loop->work(); }).has_value())
      break;  // a full queue costs speed, never correctness: the caller does what nobody else does
  loop->work();
  std::unique_lock lock(loop->progress_mutex);
  loop->progressed.wait(lock, [&] { return loop->running == 0; });
  loop->stopped.store(true);
  if (loop->failure.has_value()) return fail(*std::move(loop->failure));
  if (loop->skipped.load())
    return fail(ErrorCode::Cancelled, "the work was cancelled before its end");
  return {};
}

int ThreadPool::threads() const { return state_->thread_count; }

std::size_t ThreadPool::queued() const {
  const std::lock_guard lock(state_->queue_mutex);
  return state_->queue.size();
}

void ThreadPool::stop() {
  const std::lock_guard stop_lock(state_->stop_mutex);
  {
    const std::lock_guard lock(state_->queue_mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
  state_->threads.clear();
}

}  // namespace martlet::platform

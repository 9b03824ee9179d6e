// platform/threads.h: a pool of threads behind a bounded queue, and loops over ranges with a fixed
// cut.
//
// ThreadPool: made in main or lifecycle, outlives its callers, thread-safe. stop() is explicit: it
// refuses new tasks, runs the queued ones and joins; the destructor calls it. A task must not
// throw: an exception that escapes it is logged as "pool.task_failed" and ends that task only.
#pragma once
#include "base/cancel.h"
#include "base/log.h"
#include "base/result.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace martlet::platform {

// Threads worth starting: the CPUs this process may use, or fewer when its control group has a CPU
// quota. At least 1.
int hardware_threads();

struct ThreadPoolOptions {
  int threads = 0;  // 0: hardware_threads()
  std::size_t queue_limit = 1024;
  std::string name = "pool";  // shown by ps and gdb; cut to 15 characters
};

class ThreadPool {
 public:
  explicit ThreadPool(const ThreadPoolOptions& options, Log& log = Log::none());
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // ResourceExhausted when the queue is full; Unavailable after stop(). Never blocks.
  Result<void> submit(std::function<void()> task);

  // Calls body(begin, end) for every chunk of [0, count): chunks are [0, chunk), [chunk, 2·chunk) …
  // whatever the number of threads, so that what is summed per chunk, and then over chunks in
  // order, has the same bits everywhere. The caller works too; returns when all are done. May be
  // called from inside a task. `chunk` >= 1.
  void parallel_for(std::size_t count, std::size_t chunk,
                    const std::function<void(std::size_t begin, std::size_t end)>& body);

  // As above for bodies that may fail: after the first failure or a cancellation no chunk is begun,
  // and the error of the lowest failing chunk is returned, which is the same one in every run.
  // Cancelled when the token was cancelled before the end.
  Result<void>
  try_parallel_for(std::size_t count, std::size_t chunk, const CancelToken& cancel,
                   const std::function<Result<void>(std::size_t begin, std::size_t end)>& body);

  int threads() const;
  std::size_t queued() const;
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace martlet::platform

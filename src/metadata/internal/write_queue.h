// metadata/internal/write_queue.h: the front of group commit that both drivers share.
//
// Threads that write come together here: one of them takes a free lane (a connection that writes)
// and runs a group of the waiting functions in one transaction of it, for all. SQLite has one lane,
// PostgreSQL some. Thread-safe; owned by the driver's Database.
#pragma once
#include "base/result.h"
#include "metadata/database.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace martlet::metadata::internal {

using WriteFunction = std::function<Result<void>(Transaction&)>;

struct PendingWrite {
  const WriteFunction& function;
  Result<void> outcome;
  enum class State : std::uint8_t { Waiting, Taken, Done } state = State::Waiting;
};

using WriteGroup = std::span<PendingWrite* const>;

class WriteQueue {
 public:
  explicit WriteQueue(std::size_t lanes) : lanes_(lanes) {}
  // Nobody may be writing any more.
  ~WriteQueue();
  WriteQueue(const WriteQueue&) = delete;
  WriteQueue& operator=(const WriteQueue&) = delete;

  // Returns the outcome that `run_group` gave the function, on this thread or another one's.
  // `run_group` sets the outcome of each write of its group, once the commit is durable. Internal
  // when this thread writes already; ResourceExhausted when too many wait.
  Result<void> write(const WriteFunction& function,
                     const std::function<void(std::size_t lane, WriteGroup group)>& run_group);

  // A lane for a transaction that its caller ends; waits for one. Internal as above.
  Result<std::size_t> take_lane();
  void release_lane(std::size_t lane);

  void count_commit();
  WriteCounts counts() const;

 private:
  struct Lane {
    bool taken = false;
    std::thread::id thread;
  };
  bool writes_already() const;
  std::optional<std::size_t> free_lane() const;
  void gather(std::unique_lock<std::mutex>& lock);
  std::vector<PendingWrite*> next_group();

  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::condition_variable gathered_;  // as many wait as shared the last commit
  std::deque<PendingWrite*> waiting_;
  std::vector<Lane> lanes_;
  std::size_t last_group_ = 0;  // how many shared the last commit, and how long it took
  std::chrono::microseconds last_commit_{0};
  WriteCounts counts_;
};

}  // namespace martlet::metadata::internal

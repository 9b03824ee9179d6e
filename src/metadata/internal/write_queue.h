// metadata/internal/write_queue.h: the front of group commit that both drivers share.
//
// Threads that write stand in line here. The first one has the writer (the connection that writes):
// it runs its own function and those of all behind it in one transaction, then hands the writer to
// whoever stands first by then. So only those wake up whose write is done, or whose turn it is.
// Thread-safe; owned by the driver's Database.
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
#include <optional>
#include <span>
#include <thread>
#include <vector>

namespace martlet::metadata::internal {

using WriteFunction = std::function<Result<void>(Transaction&)>;

// One that stands in line; lives on its thread's stack.
struct PendingWrite {
  const WriteFunction* function = nullptr;  // null: wants the writer for itself
  Result<void> outcome{};

 private:
  friend class WriteQueue;
  enum class State : std::uint8_t { Waiting, First, Done };
  void become(State next);
  State wait_for_news();
  std::thread::id thread_ = std::this_thread::get_id();
  std::mutex mutex_;  // guards state_
  std::condition_variable changed_;
  State state_ = State::Waiting;
};

using WriteGroup = std::span<PendingWrite* const>;

class WriteQueue {
 public:
  WriteQueue() = default;
  // Nobody may be writing any more.
  ~WriteQueue();
  WriteQueue(const WriteQueue&) = delete;
  WriteQueue& operator=(const WriteQueue&) = delete;

  // Returns the outcome that `run_group` gave the function, on this thread or another one's.
  // `run_group` sets the outcome of each write of its group, once the commit is durable. Internal
  // when this thread writes already; ResourceExhausted when too many wait.
  Result<void> write(const WriteFunction& function,
                     const std::function<void(WriteGroup group)>& run_group);

  // The writer for a transaction that its caller ends; waits for it. Internal as above.
  Result<void> take_writer();
  void release_writer();

  void count_commit();
  WriteCounts counts() const;

 private:
  bool writes_already() const { return taken_by_ == std::this_thread::get_id(); }
  void stand_in_line(PendingWrite& self, std::unique_lock<std::mutex>& lock);
  void gather(std::unique_lock<std::mutex>& lock);
  std::vector<PendingWrite*> next_group();
  void hand_on();

  mutable std::mutex mutex_;          // guards everything below; taken before a PendingWrite's
  std::condition_variable gathered_;  // as many wait as shared the last commit
  std::deque<PendingWrite*> waiting_;
  std::optional<std::thread::id> taken_by_;  // who has the writer
  std::size_t last_group_ = 0;  // how many shared the last commit, and how long it took
  std::chrono::microseconds last_commit_{0};
  WriteCounts counts_;
};

}  // namespace martlet::metadata::internal

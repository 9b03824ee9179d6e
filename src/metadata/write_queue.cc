#include "metadata/internal/write_queue.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::metadata::internal {

namespace {

constexpr std::size_t kMaxGroup = 256;     // writes that share one commit
constexpr std::size_t kMaxWaiting = 4096;  // writes that may wait for a lane
// How long a writer waits for those who shared the last commit, as a part of what that one took,
// and at most.
constexpr int kGatherPart = 8;
constexpr std::chrono::microseconds kMaxGather{1000};

}  // namespace

WriteQueue::~WriteQueue() {
  const std::unique_lock lock(mutex_);
  const bool idle = waiting_.empty() && std::none_of(lanes_.begin(), lanes_.end(),
                                                     [](const Lane& lane) { return lane.taken; });
  MARTLET_CHECK(idle, "a database is destroyed while somebody writes");
}

bool WriteQueue::writes_already() const {
  return std::any_of(lanes_.begin(), lanes_.end(), [](const Lane& lane) {
    return lane.taken && lane.thread == std::this_thread::get_id();
  });
}

std::optional<std::size_t> WriteQueue::free_lane() const {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    if (!lanes_[i].taken) return i;
  }
  return std::nullopt;
}

Result<std::size_t> WriteQueue::take_lane() {
  std::unique_lock lock(mutex_);
  if (writes_already()) {
    return internal_error(
        "a transaction was begun inside another one of the same thread; please report it");
  }
  std::optional<std::size_t> lane;
  changed_.wait(lock, [&] { return (lane = free_lane()).has_value(); });
  lanes_[*lane] = {true, std::this_thread::get_id()};
  return *lane;
}

void WriteQueue::release_lane(std::size_t lane) {
  const std::unique_lock lock(mutex_);
  lanes_[lane] = {};
  changed_.notify_all();
}

// Writers that shared a commit come again at about the same time. Without waiting for them the
// first one back would commit alone, and the others only with the commit after: half as many in
// each. A lone writer never waits.
void WriteQueue::gather(std::unique_lock<std::mutex>& lock) {
  if (last_group_ < 2 || waiting_.size() >= last_group_) return;
  gathered_.wait_for(lock, std::min(last_commit_ / kGatherPart, kMaxGather),
                     [this] { return waiting_.size() >= last_group_; });
}

std::vector<PendingWrite*> WriteQueue::next_group() {
  const auto end =
      waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kMaxGroup));
  std::vector<PendingWrite*> group(waiting_.begin(), end);
  waiting_.erase(waiting_.begin(), end);
  for (PendingWrite* write : group) write->state = PendingWrite::State::Taken;
  return group;
}

Result<void>
WriteQueue::write(const WriteFunction& function,
                  const std::function<void(std::size_t lane, WriteGroup group)>& run_group) {
  using State = PendingWrite::State;
  PendingWrite self{function, {}, State::Waiting};
  std::unique_lock lock(mutex_);
  if (writes_already()) {
    return internal_error("a write was started inside another one; pass the transaction on "
                          "instead; please report it");
  }
  if (waiting_.size() >= kMaxWaiting) {
    return fail(
        ErrorCode::ResourceExhausted,
        fmt::format("{} writes wait for the metadata store already; try again later", kMaxWaiting));
  }
  waiting_.push_back(&self);
  if (waiting_.size() == last_group_) gathered_.notify_one();
  std::optional<std::size_t> lane;
  changed_.wait(lock, [&] {
    if (self.state == State::Waiting) lane = free_lane();
    return self.state == State::Done || lane.has_value();
  });
  if (self.state == State::Done) return std::move(self.outcome);

  // A lane is free: this thread writes for all who wait, until its own write is done.
  lanes_[*lane] = {true, std::this_thread::get_id()};
  while (self.state == State::Waiting) {
    gather(lock);
    const std::vector<PendingWrite*> group = next_group();
    if (group.empty()) break;  // another lane took them while this one waited for company
    lock.unlock();
    const auto began = std::chrono::steady_clock::now();
    run_group(*lane, group);
    const auto took = std::chrono::steady_clock::now() - began;
    lock.lock();
    last_group_ = group.size();
    last_commit_ = std::chrono::duration_cast<std::chrono::microseconds>(took);
    for (PendingWrite* write : group) {
      if (write->outcome.has_value()) ++counts_.writes;
      write->state = State::Done;
    }
    changed_.notify_all();
  }
  lanes_[*lane] = {};
  changed_.notify_all();
  changed_.wait(lock, [&] { return self.state == State::Done; });
  return std::move(self.outcome);
}

void WriteQueue::count_commit() {
  const std::unique_lock lock(mutex_);
  ++counts_.commits;
}

WriteCounts WriteQueue::counts() const {
  const std::unique_lock lock(mutex_);
  return counts_;
}

}  // namespace martlet::metadata::internal

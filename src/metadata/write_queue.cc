#include "metadata/internal/write_queue.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::metadata::internal {

namespace {

constexpr std::size_t kMaxGroup = 255;     // writes that share the first one's commit
constexpr std::size_t kMaxWaiting = 4096;  // writes that may wait for the writer
// How long a writer waits for those who shared the last commit, as a part of what that one took,
// and at most.
constexpr int kGatherPart = 8;
constexpr std::chrono::microseconds kMaxGather{1000};

}  // namespace

void PendingWrite::become(State next) {
  // Under the lock: with it gone, this may be gone.
  const std::unique_lock lock(mutex_);
  state_ = next;
  changed_.notify_one();
}

PendingWrite::State PendingWrite::wait_for_news() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return state_ != State::Waiting; });
  return state_;
}

WriteQueue::~WriteQueue() {
  const std::unique_lock lock(mutex_);
  MARTLET_CHECK(waiting_.empty() && !taken_by_.has_value(),
                "a database is destroyed while somebody writes");
}

// Returns with the writer, or with the write done by another thread, which leaves the lock free.
void WriteQueue::stand_in_line(PendingWrite& self, std::unique_lock<std::mutex>& lock) {
  if (!taken_by_.has_value()) {
    taken_by_ = self.thread_;
    return;
  }
  waiting_.push_back(&self);
  if (waiting_.size() + 1 == last_group_) gathered_.notify_one();
  lock.unlock();
  if (self.wait_for_news() == PendingWrite::State::First) lock.lock();
}

// The writer goes to whoever stands first, if anybody does.
void WriteQueue::hand_on() {
  taken_by_.reset();
  if (waiting_.empty()) return;
  PendingWrite* const first = waiting_.front();
  waiting_.pop_front();
  taken_by_ = first->thread_;
  first->become(PendingWrite::State::First);
}

Result<void> WriteQueue::take_writer() {
  std::unique_lock lock(mutex_);
  if (writes_already()) {
    return internal_error(
        "a transaction was begun inside another one of the same thread; please report it");
  }
  PendingWrite self;
  stand_in_line(self, lock);
  return {};
}

void WriteQueue::release_writer() {
  const std::unique_lock lock(mutex_);
  hand_on();
}

// Writers that shared a commit come again at about the same time. Without waiting for them the
// first one back would commit alone, and the others only with the commit after: half as many in
// each. A lone writer never waits.
void WriteQueue::gather(std::unique_lock<std::mutex>& lock) {
  const auto enough = [this] { return waiting_.size() + 1 >= last_group_; };
  if (last_group_ < 2 || enough()) return;
  gathered_.wait_for(lock, std::min(last_commit_ / kGatherPart, kMaxGather), enough);
}

// Those who stand in line, up to the first who wants the writer for itself.
std::vector<PendingWrite*> WriteQueue::next_group() {
  std::vector<PendingWrite*> group;
  while (!waiting_.empty() && waiting_.front()->function != nullptr && group.size() < kMaxGroup) {
    group.push_back(waiting_.front());
    waiting_.pop_front();
  }
  return group;
}

Result<void> WriteQueue::write(const WriteFunction& function,
                               const std::function<void(WriteGroup group)>& run_group) {
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
  PendingWrite self;
  self.function = &function;
  stand_in_line(self, lock);
  if (!lock.owns_lock()) return std::move(self.outcome);

  gather(lock);
  std::vector<PendingWrite*> group = next_group();
  group.insert(group.begin(), &self);
  lock.unlock();
  const auto began = std::chrono::steady_clock::now();
  run_group(group);
  const auto took = std::chrono::steady_clock::now() - began;
  lock.lock();
  last_group_ = group.size();
  last_commit_ = std::chrono::duration_cast<std::chrono::microseconds>(took);
  for (const PendingWrite* write : group) counts_.writes += write->outcome.has_value() ? 1 : 0;
  hand_on();
  lock.unlock();
  for (PendingWrite* write : group) {
    if (write != &self) write->become(PendingWrite::State::Done);
  }
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

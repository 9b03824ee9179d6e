#include "monitoring/internal/log_queue.h"

#include <algorithm>
#include <thread>

namespace martlet::monitoring {

std::size_t LogQueue::slot_of_thread() {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t number = threads.fetch_add(1, std::memory_order_relaxed);
  return number % kSlots;
}

LogQueue::Buffer* LogQueue::out() {
  static Buffer mark;
  return &mark;
}

LogQueue::Hold::Hold(LogQueue& from) : queue(from) {
  Slot& mine = queue.slots_[slot_of_thread()];
  Buffer* const found = mine.buffer.exchange(out(), std::memory_order_acquire);
  if (found != out()) {
    slot = &mine;
    buffer = found;
  }
  if (buffer == nullptr) buffer = std::make_unique<Buffer>().release();
}

LogQueue::Hold::~Hold() {
  if (slot != nullptr) {
    slot->buffer.store(buffer, std::memory_order_release);
    return;
  }
  buffer->next = queue.list_.load(std::memory_order_relaxed);
  while (!queue.list_.compare_exchange_weak(buffer->next, buffer, std::memory_order_release,
                                            std::memory_order_relaxed)) {}
}

// Whoever holds the buffer encodes one entry and calls nobody: it is back in a moment.
LogQueue::Buffer* LogQueue::take_from(Slot& slot) {
  for (;;) {
    Buffer* found = slot.buffer.load(std::memory_order_relaxed);
    if (found == nullptr) return nullptr;
    if (found != out() && slot.buffer.compare_exchange_weak(
                              found, nullptr, std::memory_order_acquire, std::memory_order_relaxed))
      return found;
    std::this_thread::yield();
  }
}

std::vector<std::unique_ptr<LogQueue::Buffer>> LogQueue::take() {
  std::vector<std::unique_ptr<Buffer>> taken;
  Buffer* listed = list_.exchange(nullptr, std::memory_order_acquire);
  while (listed != nullptr) {
    taken.emplace_back(listed);
    listed = listed->next;
  }
  std::ranges::reverse(taken);
  for (Slot& slot : slots_) {
    if (Buffer* const found = take_from(slot)) taken.emplace_back(found);
  }
  std::size_t entries = 0;
  std::size_t bytes = 0;
  for (const std::unique_ptr<Buffer>& buffer : taken) {
    entries += buffer->entries;
    bytes += buffer->bytes.size();
  }
  waiting_entries_.fetch_sub(entries, std::memory_order_relaxed);
  waiting_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  return taken;
}

LogQueue::~LogQueue() { (void)take(); }

}  // namespace martlet::monitoring

// monitoring/internal/log_queue.h: encoded entries on their way to a file: many threads put, one
// takes, and nobody who puts ever waits.
//
// Each thread writes into the buffer of a slot of its own, which it takes out while it writes. A
// thread that finds its slot's buffer out (another one shares the slot) writes into a fresh buffer
// and leaves that on a list. Bounded by entries and by bytes. Thread-safe; used by PredictionLog
// only.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace martlet::monitoring {

struct LogQueueLimits {
  std::size_t entries = 0;
  std::size_t bytes = 0;
  std::size_t entry_bytes = 0;  // of one
};

class LogQueue {
 public:
  // Frames one behind the other. Those from marks[i].second up to the next mark are of the day
  // marks[i].first.
  struct Buffer {
    std::string bytes;
    std::vector<std::pair<std::int64_t, std::size_t>> marks;
    std::size_t entries = 0;
    Buffer* next = nullptr;  // on the list
  };

  explicit LogQueue(LogQueueLimits limits) : limits_(limits) {}
  ~LogQueue();
  LogQueue(const LogQueue&) = delete;
  LogQueue& operator=(const LogQueue&) = delete;

  // `write` appends one frame to the text that it's given. False, and counted, when the queue is
  // full or the frame too large.
  template <class Write>
  bool put(std::int64_t day, const Write& write) {
    if (waiting_entries_.fetch_add(1, std::memory_order_relaxed) >= limits_.entries ||
        waiting_bytes_.load(std::memory_order_relaxed) >= limits_.bytes) {
      return shed_one();
    }
    Hold hold(*this);
    Buffer& buffer = *hold.buffer;
    const std::size_t before = buffer.bytes.size();
    if (buffer.marks.empty() || buffer.marks.back().first != day)
      buffer.marks.emplace_back(day, before);
    write(buffer.bytes);
    const std::size_t size_bytes = buffer.bytes.size() - before;
    if (size_bytes > limits_.entry_bytes) {
      buffer.bytes.resize(before);
      return shed_one();
    }
    ++buffer.entries;
    waiting_bytes_.fetch_add(size_bytes, std::memory_order_relaxed);
    return true;
  }

  // All that was put before the call; what one thread put in its order, unless it shares its slot.
  // One caller at a time.
  std::vector<std::unique_ptr<Buffer>> take();
  std::int64_t shed() const { return shed_.load(std::memory_order_relaxed); }

 private:
  struct Slot {
    alignas(64) std::atomic<Buffer*> buffer{nullptr};
  };
  // A buffer for the time of one write.
  struct Hold {
    explicit Hold(LogQueue& queue);
    ~Hold();
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    LogQueue& queue;
    Slot* slot = nullptr;  // none: the buffer goes onto the list
    Buffer* buffer = nullptr;
  };
  bool shed_one() {
    waiting_entries_.fetch_sub(1, std::memory_order_relaxed);
    shed_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  static constexpr std::size_t kSlots = 32;
  static std::size_t slot_of_thread();
  static Buffer* out();  // what stands in a slot while its buffer is being written into
  Buffer* take_from(Slot& slot);

  LogQueueLimits limits_;
  std::array<Slot, kSlots> slots_;
  std::atomic<Buffer*> list_{nullptr};  // newest first
  std::atomic<std::size_t> waiting_entries_{0};
  std::atomic<std::size_t> waiting_bytes_{0};
  std::atomic<std::int64_t> shed_{0};
};

}  // namespace martlet::monitoring

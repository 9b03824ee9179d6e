// deployment/shared_slot.h: a place that holds shared data which many threads read and one
// replaces.
//
// What std::atomic<std::shared_ptr> promises, for two reasons not by it: in libstdc++ 12 a load
// ends without release, so a replacement races with it (ThreadSanitizer says so); and all readers
// share one word and one reference count, which then travel between the cores with every request.
// Here each thread reads a stripe of its own, whose pointer has a count of its own.
//
// A reader holds its stripe's flag for as long as it takes to copy a pointer. During a store()
// threads may still get the old value; once it has returned they don't, and no thread gets it after
// it has had the new one. Thread-safe.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace martlet::deployment {

template <class T>
class SharedSlot {
 public:
  SharedSlot() = default;
  SharedSlot(const SharedSlot&) = delete;
  SharedSlot& operator=(const SharedSlot&) = delete;

  std::shared_ptr<T> load() const {
    const Stripe& mine = stripes_[stripe_of_thread()];
    const Hold hold(mine.taken);
    return mine.value;
  }
  void store(const std::shared_ptr<T>& value) { (void)exchange(value); }
  // Gives back what was there.
  std::shared_ptr<T> exchange(const std::shared_ptr<T>& value) {
    const std::lock_guard lock(store_mutex_);
    for (Stripe& stripe : stripes_) {
      std::shared_ptr<T> counted;
      // Its own count, and what it counts keeps the value.
      if (value != nullptr) counted = std::shared_ptr<T>(value.get(), [value](T*) {});
      {
        const Hold hold(stripe.taken);
        stripe.value.swap(counted);
      }
    }  // each stripe's old pointer goes here, outside of its flag
    return std::exchange(current_, value);
  }

 private:
  static constexpr std::size_t kStripes = 16;
  struct Stripe {
    alignas(64) mutable std::atomic_flag taken;
    std::shared_ptr<T> value;
  };
  struct Hold {
    explicit Hold(std::atomic_flag& given) : flag(given) {
      while (flag.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
    }
    ~Hold() { flag.clear(std::memory_order_release); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    std::atomic_flag& flag;
  };
  static std::size_t stripe_of_thread() {
    static std::atomic<std::size_t> threads{0};
    thread_local const std::size_t number = threads.fetch_add(1, std::memory_order_relaxed);
    return number % kStripes;
  }

  std::array<Stripe, kStripes> stripes_;
  std::mutex store_mutex_;  // guards current_; never taken by a reader
  std::shared_ptr<T> current_;
};

}  // namespace martlet::deployment

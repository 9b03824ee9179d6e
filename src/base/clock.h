// base/clock.h: where time comes from. Two clocks that must never be mixed (DESIGN §12.10): the
// calendar, which may be virtual, and the monotonic one, which is always real and serves leases and
// time-outs.
#pragma once
#include "base/time.h"

#include <atomic>
#include <chrono>

namespace martlet {

// Thread-safe. platform/real_clock.h has the real one; lifecycle/simulate drives a virtual one.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;
  virtual std::chrono::steady_clock::time_point monotonic() const = 0;
};

// A calendar that stands still until it is moved, for tests and for simulation. Its monotonic clock
// moves along with it in tests.
class VirtualClock : public Clock {
 public:
  explicit VirtualClock(Timestamp start) : micros_(start.micros), start_(start.micros) {}
  Timestamp now() const override { return {micros_.load()}; }
  std::chrono::steady_clock::time_point monotonic() const override {
    return std::chrono::steady_clock::time_point(
        std::chrono::microseconds(micros_.load() - start_));
  }
  void set(Timestamp at) { micros_.store(at.micros); }
  void advance(Duration by) { micros_.fetch_add(by.count()); }

 private:
  std::atomic<std::int64_t> micros_;
  std::int64_t start_;
};

}  // namespace martlet

// base/cancel.h: how a blocking call is told to stop. Thread-safe.
#pragma once
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>

namespace martlet {

// Copies share one flag. A default-made token is never cancelled by anybody else.
class CancelToken {
 public:
  CancelToken() : flag_(std::make_shared<std::atomic<bool>>(false)) {}
  void cancel() const { flag_->store(true, std::memory_order_relaxed); }
  bool cancelled() const { return flag_->load(std::memory_order_relaxed); }

 private:
  std::shared_ptr<std::atomic<bool>> flag_;
};

// A moment of the monotonic clock; "none" never comes.
struct Deadline {
  std::optional<std::chrono::steady_clock::time_point> at;
  static Deadline none() { return {}; }
};

}  // namespace martlet

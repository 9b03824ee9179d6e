// metadata/internal/reader_pool.h: a bounded number of connections that read, made when they are
// wanted and kept for the next. Thread-safe; owned by the driver's Database.
#pragma once
#include "base/result.h"

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace martlet::metadata::internal {

template <class C>
class ReaderPool {
 public:
  using Open = std::function<Result<std::unique_ptr<C>>()>;
  ReaderPool(std::size_t limit, std::chrono::milliseconds timeout, Open open)
      : limit_(limit), timeout_(timeout), open_(std::move(open)) {}

  // Give it back with give_back(). Unavailable when all stay busy for the bound.
  Result<std::unique_ptr<C>> borrow() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, timeout_, [this] { return !idle_.empty() || open_now_ < limit_; }))
      return unavailable(fmt::format(
          "all {} readers of the metadata store have been busy for {} ms; try again later", limit_,
          timeout_.count()));
    if (!idle_.empty()) {
      auto reader = std::move(idle_.back());
      idle_.pop_back();
      return reader;
    }
    ++open_now_;
    lock.unlock();
    auto opened = open_();
    if (!opened.has_value()) give_back(nullptr);
    return opened;
  }
  // Null for one that is gone.
  void give_back(std::unique_ptr<C> reader) {
    const std::unique_lock lock(mutex_);
    if (reader == nullptr) {
      --open_now_;
    } else {
      idle_.push_back(std::move(reader));
    }
    changed_.notify_all();
  }
  // Closes those that nobody has borrowed.
  void drop_idle() {
    std::vector<std::unique_ptr<C>> dropped;
    const std::unique_lock lock(mutex_);
    open_now_ -= idle_.size();
    dropped.swap(idle_);
    changed_.notify_all();
  }
  template <class Function>
  void for_each_idle(const Function& function) {
    const std::unique_lock lock(mutex_);
    for (const auto& reader : idle_) function(*reader);
  }

 private:
  const std::size_t limit_;
  const std::chrono::milliseconds timeout_;
  const Open open_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<std::unique_ptr<C>> idle_;
  std::size_t open_now_ = 0;  // idle or borrowed
};

}  // namespace martlet::metadata::internal

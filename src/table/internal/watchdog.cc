#include "table/internal/watchdog.h"

#include "table/internal/duckdb_library.h"

#include <duckdb.h>

#include <algorithm>

namespace martlet::table {

namespace {
constexpr std::chrono::milliseconds kCancelPoll{20};
}  // namespace

Watchdog::Watchdog(duckdb_connection connection, const Limits& limits, const EngineOptions& options)
    : connection_(connection), deadline_(limits.deadline.at), cancel_(limits.cancel) {
  if (options.statement_limit) {
    const auto own = std::chrono::steady_clock::now() + *options.statement_limit;
    deadline_ = deadline_ ? std::min(*deadline_, own) : own;
  }
  if (deadline_ || cancel_) thread_ = std::thread([this] { watch(); });
}

Watchdog::~Watchdog() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Watchdog::watch() {
  std::unique_lock lock(mutex_);
  while (!done_) {
    const auto now = std::chrono::steady_clock::now();
    if (deadline_ && now >= *deadline_) late_.store(true);
    // Again and again: an interrupt that comes before the statement has begun is lost.
    if (late_.load() || (cancel_ && cancel_->cancelled())) duck().duckdb_interrupt(connection_);
    auto wake = now + kCancelPoll;
    if (deadline_ && !cancel_ && !late_.load()) wake = *deadline_;
    changed_.wait_until(lock, wake);
  }
}

}  // namespace martlet::table

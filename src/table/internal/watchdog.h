// table/internal/watchdog.h: interrupts a connection when its statement must stop.
//
// Lives as long as one statement. Without a limit it costs nothing, else a thread.
#pragma once
#include "table/engine.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

struct _duckdb_connection;

namespace martlet::table {

class Watchdog {
 public:
  Watchdog(_duckdb_connection* connection, const Limits& limits, const EngineOptions& options);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // The time limit is over; else an interrupt came from the caller.
  bool late() const { return late_.load(); }

 private:
  void watch();

  _duckdb_connection* connection_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  std::optional<CancelToken> cancel_;
  std::atomic<bool> late_{false};
  std::mutex mutex_;  // guards done_
  std::condition_variable changed_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace martlet::table

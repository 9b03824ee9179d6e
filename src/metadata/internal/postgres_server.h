// metadata/internal/postgres_server.h: the way to a PostgreSQL server that may be gone for a while.
// Thread-safe; owned by the driver's Database.
#pragma once
#include "base/cancel.h"
#include "base/result.h"
#include "metadata/database.h"
#include "metadata/internal/postgres_connection.h"
#include "metadata/internal/postgres_place.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace martlet::metadata::internal {

class PostgresServer {
 public:
  PostgresServer(PostgresPlace place, const DatabaseOptions& options)
      : place_(std::move(place)), busy_timeout_(options.busy_timeout),
        outage_timeout_(options.outage_timeout) {}

  // Tries again, ever more slowly, until the deadline; the last attempt's error then.
  Result<std::unique_ptr<PostgresConnection>> connect(PostgresRole role, Deadline deadline) const;
  // At once, if the server answers and refuses us; else as above.
  Result<std::unique_ptr<PostgresConnection>> connect_first(PostgresRole role,
                                                            Deadline deadline) const;
  // When a call that begins now stops waiting for a server that is gone.
  Deadline outage_deadline() const;
  const PostgresPlace& place() const { return place_; }
  std::chrono::milliseconds busy_timeout() const { return busy_timeout_; }

 private:
  const PostgresPlace place_;
  const std::chrono::milliseconds busy_timeout_;
  const std::chrono::milliseconds outage_timeout_;
};

// Waits before attempt number `attempt` (from 1) of whatever is tried again: 10 ms, doubling up to
// a second, less a random part. False when the deadline comes first.
bool pause_before(int attempt, Deadline deadline);

}  // namespace martlet::metadata::internal

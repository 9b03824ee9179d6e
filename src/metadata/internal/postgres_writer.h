// metadata/internal/postgres_writer.h: what writes to PostgreSQL: a connection, the
// transactions of groups in it, and what happens when they meet others or the server goes away.
//
// A group holds a lock that all writers of a store take, from before its first snapshot: so writers
// of several processes take turns, and none meets another. One in which something failed that isn't
// undone without savepoints is run again with them.
//
// A session whose connection was lost may hold that lock until the server notices (15 s at most):
// its writer ends it, if it comes back.
//
// Each writer has a row that counts its commits, updated in the transaction that it counts. When
// the answer to a COMMIT was lost, a new connection updates the same row, which waits for the lost
// transaction to end, since that holds the lock; what the row counts then is the truth. So a group
// is run again exactly when it was not committed.
//
// Used by the thread that has taken the writer (WriteQueue).
#pragma once
#include "base/result.h"
#include "metadata/internal/postgres_server.h"
#include "metadata/internal/write_queue.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace martlet::metadata::internal {

class PostgresWriter {
 public:
  // `server` and `queue` outlive it. `id` is no other writer's, in any process.
  PostgresWriter(const PostgresServer& server, WriteQueue& queue, std::string id)
      : server_(server), queue_(queue), id_(std::move(id)) {}

  // Sets the outcome of each.
  void run_group(WriteGroup group);

  // A transaction that its caller ends.
  Result<PostgresConnection*> begin_alone();
  Result<void> commit_alone();
  void abandon();

  // Takes the writer's row away.
  void retire();

 private:
  enum class Attempt : std::uint8_t { Done, Surprised, Lost, Conflicted, Locked, Refused, Failed };
  Result<void> ensure_connection(Deadline deadline);
  void end_lost_session();
  void begin();
  Attempt run_once(WriteGroup group, Care care, Deadline deadline);
  Attempt commit();
  Attempt settle();  // a commit whose answer was lost
  // Whether the commit whose answer was lost has happened.
  Result<bool> has_committed(Deadline deadline);
  static void fail_group(WriteGroup group, const Error& error);
  static void refuse_group(WriteGroup group, const Error& error);

  const PostgresServer& server_;
  WriteQueue& queue_;
  const std::string id_;
  std::unique_ptr<PostgresConnection> connection_;
  std::optional<std::int64_t> lost_process_;  // the server's, of a connection that was lost
  std::int64_t commits_ = 0;                  // as the row counts them
  std::optional<Error> error_;                // of the last attempt
};

}  // namespace martlet::metadata::internal

// metadata/internal/postgres_writer.h: one lane that writes to PostgreSQL: a connection, the
// transactions of groups in it, and what happens when they meet others or the server goes away.
//
// Groups run SERIALIZABLE beside those of other lanes and processes. One that met another is run
// again alone: holding a lock that all writers share, from before its snapshot, so that nothing can
// get in its way a second time.
//
// Each lane has a row that counts its commits, updated in the transaction that it counts. When the
// answer to a COMMIT was lost, a new connection updates the same row, which waits for the lost
// transaction to end, or makes it fail if it was still on its way; what the row counts then is the
// truth. So a group is run again exactly when it was not committed.
//
// Used by the thread that has taken the lane.
#pragma once
#include "base/result.h"
#include "metadata/internal/postgres_server.h"
#include "metadata/internal/write_queue.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace martlet::metadata::internal {

class PostgresWriter {
 public:
  // `server` and `queue` outlive it. `id` is no other lane's, in any process.
  PostgresWriter(const PostgresServer& server, WriteQueue& queue, std::string id)
      : server_(server), queue_(queue), id_(std::move(id)) {}

  // Sets the outcome of each.
  void run_group(WriteGroup group);

  // A transaction that its caller ends, alone from the beginning, since it can't be run again.
  Result<PostgresConnection*> begin_alone();
  Result<void> commit_alone();
  void abandon();

  // Takes the lane's row away.
  void retire();

 private:
  enum class Company : std::uint8_t { Others, Alone };
  enum class Attempt : std::uint8_t { Done, Lost, Conflicted, Locked, Refused, Failed };
  Result<void> ensure_connection(Deadline deadline);
  void begin(Company company);
  Attempt run_once(WriteGroup group, Company company, Deadline deadline);
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
  std::int64_t commits_ = 0;    // as the row counts them
  std::optional<Error> error_;  // of the last attempt
};

}  // namespace martlet::metadata::internal

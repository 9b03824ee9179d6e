#include "metadata/internal/postgres_writer.h"

#include "metadata/internal/postgres_schema.h"

#include <fmt/format.h>

#include <chrono>

namespace martlet::metadata::internal {

namespace {

// With what isn't ours: writers take turns.
constexpr int kMaxConflicts = 5;

constexpr const char* kCountCommit =
    "INSERT INTO martlet_writers (writer, commits, at) VALUES ($1, $2, now()) ON CONFLICT (writer) "
    "DO UPDATE SET commits = excluded.commits, at = excluded.at";
constexpr const char* kAskCommits =
    "INSERT INTO martlet_writers (writer, commits, at) VALUES ($1, 0, now()) ON CONFLICT (writer) "
    "DO UPDATE SET at = excluded.at RETURNING commits";

// A process by that number which is no writer's of this store is left alone.
constexpr const char* kEndLockHolder =
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE pid = $1::bigint AND granted AND mode = "
    "'ExclusiveLock' AND relation = 'martlet_writers'::regclass AND database = (SELECT oid FROM "
    "pg_database WHERE datname = current_database())";

bool is_past(Deadline deadline) {
  return deadline.at.has_value() && std::chrono::steady_clock::now() >= *deadline.at;
}

Error unknown_outcome(const Error& error) {
  return Error(error.code(), error.message() +
                                 "; whether the last write was stored is unknown: look before it "
                                 "is written again");
}

}  // namespace

Result<void> PostgresWriter::ensure_connection(Deadline deadline) {
  if (connection_ != nullptr && !connection_->lost()) return {};
  if (connection_ != nullptr) lost_process_ = connection_->server_process();
  connection_.reset();
  MARTLET_TRY_SET(connection_, server_.connect(PostgresRole::Writer, deadline));
  if (lost_process_.has_value()) end_lost_session();
  return {};
}

// Should it fail, the server ends that session by itself, later.
void PostgresWriter::end_lost_session() {
  const std::vector<Value> bound{Value(*lost_process_)};
  static_cast<void>(connection_->run(kEndLockHolder, bound).has_value());
  lost_process_.reset();
}

void PostgresWriter::begin() {
  // What is read under the lock is what those who held it before have left, and stays so.
  connection_->begin("ISOLATION LEVEL READ COMMITTED");
  connection_->queue("LOCK TABLE martlet_writers IN EXCLUSIVE MODE");
}

void PostgresWriter::fail_group(WriteGroup group, const Error& error) {
  for (PendingWrite* write : group) write->outcome = tl::unexpected<Error>(error);
}

// A function that failed by itself keeps its own error.
void PostgresWriter::refuse_group(WriteGroup group, const Error& error) {
  for (PendingWrite* write : group) {
    if (write->outcome.has_value()) write->outcome = tl::unexpected<Error>(error);
  }
}

void PostgresWriter::run_group(WriteGroup group) {
  const Deadline deadline = server_.outage_deadline();
  Care care = Care::Hopeful;
  int conflicts = 0;
  int losses = 0;
  for (;;) {
    switch (run_once(group, care, deadline)) {
      case Attempt::Done: return;
      case Attempt::Failed: return fail_group(group, *error_);
      case Attempt::Surprised: care = Care::Savepoints; break;
      case Attempt::Conflicted:
        if (++conflicts == kMaxConflicts) return fail_group(group, *error_);
        break;
      case Attempt::Lost:
        if (!pause_before(++losses, deadline)) return fail_group(group, *error_);
        break;
      case Attempt::Locked:
        // Perhaps by the session that we lost, whose end the server hasn't noticed yet.
        if (losses > 0 && !is_past(deadline)) break;
        return refuse_group(group, *error_);
      case Attempt::Refused: return refuse_group(group, *error_);
    }
  }
}

PostgresWriter::Attempt PostgresWriter::run_once(WriteGroup group, Care care, Deadline deadline) {
  if (auto connected = ensure_connection(deadline); !connected.has_value()) {
    error_ = std::move(connected).error();
    return Attempt::Failed;
  }
  begin();
  using Failure = PostgresConnection::Failure;
  for (PendingWrite* write : group) {
    connection_->begin_unit(care);
    Transaction tx(*connection_);
    write->outcome = (*write->function)(tx);
    connection_->end_unit(write->outcome.has_value() ? PostgresConnection::UnitEnd::Keep
                                                     : PostgresConnection::UnitEnd::Undo);
    if (connection_->failure() != Failure::None) break;
  }
  return commit();
}

PostgresWriter::Attempt PostgresWriter::commit() {
  using Ended = PostgresConnection::Ended;
  const bool changed = connection_->changed();
  const Ended ended = changed ? connection_->commit(kCountCommit, {Value(id_), Value(commits_ + 1)})
                              : connection_->commit("", {});
  if (ended == Ended::Committed) {
    if (changed) {
      ++commits_;
      queue_.count_commit();
    }
    return Attempt::Done;
  }
  error_ = connection_->failure_error();
  if (ended == Ended::Unknown && changed) return settle();
  const PostgresConnection::Failure failure = connection_->failure();
  connection_->roll_back();
  switch (failure) {
    case PostgresConnection::Failure::Surprised: return Attempt::Surprised;
    case PostgresConnection::Failure::Lost: return Attempt::Lost;
    case PostgresConnection::Failure::Conflict: return Attempt::Conflicted;
    case PostgresConnection::Failure::Locked: return Attempt::Locked;
    default: return Attempt::Refused;
  }
}

PostgresWriter::Attempt PostgresWriter::settle() {
  // Of its own: what the group has used up mustn't leave this unanswered.
  auto committed = has_committed(server_.outage_deadline());
  if (!committed.has_value()) {
    error_ = unknown_outcome(committed.error());
    return Attempt::Failed;
  }
  if (!*committed) return Attempt::Lost;
  ++commits_;
  queue_.count_commit();
  return Attempt::Done;
}

Result<bool> PostgresWriter::has_committed(Deadline deadline) {
  for (int attempt = 1;; ++attempt) {
    MARTLET_TRY(ensure_connection(deadline));
    const std::vector<Value> bound{Value(id_)};
    auto asked = connection_->run(kAskCommits, bound);
    if (asked.has_value()) return std::get<std::int64_t>(asked->rows.at(0).at(0)) == commits_ + 1;
    // The row, or the lock of all writers, may be held for a while.
    if (!pause_before(attempt, deadline)) return fail(std::move(asked).error());
  }
}

Result<PostgresConnection*> PostgresWriter::begin_alone() {
  const Deadline deadline = server_.outage_deadline();
  for (;;) {
    MARTLET_TRY(ensure_connection(deadline));
    begin();
    connection_->begin_unit(Care::Savepoints);
    // Waits for the lock now rather than with the first statement, and finds a connection that was
    // lost since it was last used.
    auto begun = connection_->read("SELECT 1 WHERE false", {});
    if (begun.has_value()) return connection_.get();
    const bool lost = connection_->lost();
    if (!lost) connection_->roll_back();
    if (!lost || is_past(deadline)) return fail(std::move(begun).error());
  }
}

Result<void> PostgresWriter::commit_alone() {
  connection_->end_unit(PostgresConnection::UnitEnd::Keep);
  if (commit() == Attempt::Done) return {};
  return fail(std::move(*error_));
}

void PostgresWriter::abandon() { connection_->roll_back(); }

void PostgresWriter::retire() {
  if (commits_ == 0 || connection_ == nullptr || connection_->lost()) return;
  const std::vector<Value> bound{Value(id_)};
  static_cast<void>(connection_->run(kRetireWriter, bound).has_value());
}

}  // namespace martlet::metadata::internal

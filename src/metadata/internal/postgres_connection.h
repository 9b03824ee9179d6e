// metadata/internal/postgres_connection.h: one connection to a PostgreSQL server, and the
// transaction in it. One thread at a time.
//
// Statements that need no answer (BEGIN, SAVEPOINT, RELEASE …) are queued and go out with the next
// one that does, in the same round trip. Statements are prepared once per connection.
//
// A statement that fails ends PostgreSQL's whole transaction. A unit (one write() function) either
// has that undone, each change behind a savepoint, or runs in the hope that nothing fails: without
// savepoints, and with changes put off to share round trips. Where the hope was wrong the
// transaction has failed as Surprised, and all of it is to be run again with savepoints.
#pragma once
#include "base/cancel.h"
#include "base/result.h"
#include "metadata/internal/connection.h"
#include "metadata/internal/dialect.h"
#include "metadata/internal/postgres_place.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

struct pg_conn;
struct pg_result;

namespace martlet::metadata::internal {

enum class PostgresRole : std::uint8_t {
  Writer,      // short transactions
  Reader,      // may read the whole store
  Maintenance  // migrations: may build an index for an hour
};

class PostgresConnection : public Connection {
 public:
  // One attempt. PermissionDenied, NotFound … are not told apart here: libpq doesn't say. All come
  // as Unavailable with the server's words.
  static Result<std::unique_ptr<PostgresConnection>>
  connect(const PostgresPlace& place, PostgresRole role, std::chrono::milliseconds busy_timeout);
  ~PostgresConnection() override;
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  Result<Outcome> read(const std::string& sql, std::span<const Value> bound) override;
  Result<Outcome> change(const std::string& sql, std::span<const Value> bound) override;
  bool puts_off() const override { return in_unit_ && care_ == Care::Hopeful; }
  Result<void> put_off(const std::string& sql, std::span<const Value> bound,
                       MustChange what) override;
  bool reads_ahead() const override { return !in_unit_ || puts_off(); }
  void read_ahead(const std::string& sql, std::span<const Value> bound) override;
  const Dialect& dialect() const override { return postgres_dialect(); }
  Result<std::vector<std::string>> columns_of(const std::string& table) override;
  Result<std::vector<StoredTable>> tables() override;

  // Goes out with the next statement that is waited for; its error comes out there.
  void queue(std::string sql, std::vector<Value> bound = {});
  // One statement, and waits for it; in no unit.
  Result<Outcome> run(const std::string& sql, std::span<const Value> bound = {});

  // Begins a transaction; `how` is SQL's ("ISOLATION LEVEL …"). Nothing is sent yet.
  void begin(const std::string& how);
  // One of the transaction's parts that succeed or fail alone.
  void begin_unit(Care care);
  enum class UnitEnd : std::uint8_t { Keep, Undo };
  void end_unit(UnitEnd how);
  bool changed() const { return changed_; }  // whether a unit that was kept changed anything

  // Why the transaction can't go on, if it can't.
  enum class Failure : std::uint8_t {
    None,
    Surprised,  // a hopeful unit met an error; run all of it again with savepoints
    Conflict,   // it met another one; run all of it again
    Lost,       // the connection is gone
    Locked,     // somebody held what it needs for longer than the bound
    Refused     // full, cancelled …
  };
  Failure failure() const { return failure_; }
  const Error& failure_error() const { return *failure_error_; }

  enum class Ended : std::uint8_t { Committed, NotCommitted, Unknown };
  // Runs `last` and commits, in one round trip. After NotCommitted and Unknown, failure() says why.
  Ended commit(const std::string& last, std::vector<Value> bound);
  // Without waiting for the answer: the next statement does.
  void roll_back();

  bool lost() const { return lost_; }
  // Of the server's process for this session, as the server told it.
  int server_process() const;

 private:
  PostgresConnection(pg_conn* handle, PostgresPlace place, std::chrono::milliseconds busy_timeout,
                     std::chrono::milliseconds answer_timeout)
      : handle_(handle), place_(std::move(place)), busy_timeout_(busy_timeout),
        answer_timeout_(answer_timeout) {}

  // A read whose answer is kept until it is asked for.
  struct Ahead {
    std::string sql;
    std::vector<Value> bound;
    std::optional<Outcome> outcome;
  };
  // What the server still owes an answer to. Effective: it must change a record.
  struct Owed {
    enum class Kind : std::uint8_t {
      Prepared,
      Ignored,
      Effective,
      Ahead,
      Wanted,
      Sync
    } kind = Kind::Ignored;
    std::string sql;               // of Prepared
    std::shared_ptr<Ahead> ahead;  // of Ahead
  };
  struct Command {
    std::string sql;
    std::vector<Value> bound;
    Owed::Kind kind = Owed::Kind::Ignored;
    std::shared_ptr<Ahead> ahead;
  };
  struct Answer {
    Outcome outcome;
    std::string tag;  // "COMMIT", "INSERT 0 1" …
    std::optional<Error> error;
    std::string state;  // the error's SQLSTATE
  };
  void reset_transaction();
  bool send(const std::string& sql, std::span<const Value> bound, Owed::Kind kind,
            std::shared_ptr<Ahead> ahead = nullptr);
  bool send_values(const std::string& name, std::span<const Value> bound);
  bool send_queued();
  Answer exchange(const std::string& sql, std::span<const Value> bound);
  Answer exchange_queued();
  Answer synchronise(bool sent);
  Answer receive();
  void receive_one(const Owed& owed, Answer& answer);
  static void take(const Owed& owed, const pg_result& result, Answer& answer);
  void note_error(const pg_result* result, Answer& answer);
  pg_result* next_result(Deadline deadline);
  Error lose(const std::string& why);
  void fail_transaction(Failure how, const Error& error);
  void judge(const Answer& answer);
  void fail_with(const Answer& answer);
  std::optional<Result<Outcome>> asked_ahead(const std::string& sql, std::span<const Value> bound);
  Error error_of(const pg_result* result, const std::string& state) const;

  pg_conn* handle_;
  const PostgresPlace place_;
  const std::chrono::milliseconds busy_timeout_;
  const std::chrono::milliseconds answer_timeout_;
  std::unordered_map<std::string, std::string> statements_;  // prepared: name by text
  std::int64_t next_statement_ = 0;
  bool forget_statements_ = false;
  std::vector<Command> queued_;
  std::deque<Owed> owed_;
  bool lost_ = false;

  // Of the transaction.
  Failure failure_ = Failure::None;
  std::optional<Error> failure_error_;
  bool in_unit_ = false;
  Care care_ = Care::Savepoints;
  std::vector<std::shared_ptr<Ahead>> ahead_;  // of the unit, since its last change
  std::size_t put_off_ = 0;                    // changes whose answers are still to be looked at
  bool must_change_ = false;                   // one of them must change a record
  bool answered_ = false;      // something of this transaction was, and so all that came before it
  bool unit_changed_ = false;  // something since the unit's beginning
  bool marked_ = false;        // a savepoint stands before the unit's last change
  bool changed_ = false;
};

}  // namespace martlet::metadata::internal

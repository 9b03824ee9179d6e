// metadata/database.h: transactional records.
//
// Database is the door: one per process and store, opened by lifecycle/, used by every module that
// keeps state, from any thread. Reads see one snapshot and never wait for writers. Concurrent
// writers of a process share commits, and none is acknowledged before its commit is durable. The
// drivers are SQLite and PostgreSQL; nothing of them shows here.
//
//   MARTLET_TRY(database.write([&](Transaction& tx) -> Result<void> {
//     MARTLET_TRY(tx.insert(step));
//     return tx.compare_and_set(run_now_running, equal("status", RunStatus::Waiting));
//   }));
#pragma once
#include "base/finding.h"
#include "base/result.h"
#include "base/time.h"
#include "metadata/query.h"
#include "metadata/record.h"
#include "metadata/schema.h"

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace martlet::metadata {

namespace internal {
class Connection;
struct WholeTables;
}  // namespace internal

// Reads of one snapshot. Valid only inside the function it was handed to; one thread at a time.
class ReadTransaction {
 public:
  explicit ReadTransaction(internal::Connection& connection) : connection_(connection) {}
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;
  virtual ~ReadTransaction() = default;

  // The record with this key (all key fields, in the key's order), if there is one.
  template <Record R, class... Keys>
  Result<std::optional<R>> get(const Keys&... keys) const {
    MARTLET_TRY_SET(std::optional<Row> row, get_row(shape_of<R>(), Row{to_value(keys)...}));
    if (!row.has_value()) return std::optional<R>();
    MARTLET_TRY_SET(R record, from_row<R>(std::move(*row)));
    return std::optional<R>(std::move(record));
  }
  // As get(), NotFound when absent; `what` names the thing for the person ("run", "dataset").
  template <Record R, class... Keys>
  Result<R> require(std::string_view what, const Keys&... keys) const {
    const Row key{to_value(keys)...};
    MARTLET_TRY_SET(std::optional<Row> row, get_row(shape_of<R>(), key));
    if (!row.has_value()) return fail(absent(what, key));
    return from_row<R>(std::move(*row));
  }
  template <Record R>
  Result<std::vector<R>> select(const Query& query = {}) const {
    MARTLET_TRY_SET(std::vector<Row> rows, select_rows(shape_of<R>(), query));
    std::vector<R> records;
    records.reserve(rows.size());
    for (Row& row : rows) {
      MARTLET_TRY_SET(R record, from_row<R>(std::move(row)));
      records.push_back(std::move(record));
    }
    return records;
  }
  // The first of the query's order, if any.
  template <Record R>
  Result<std::optional<R>> first(Query query) const {
    MARTLET_TRY_SET(std::vector<R> records, select<R>(query.limit(1)));
    if (records.empty()) return std::optional<R>();
    return std::optional<R>(std::move(records.front()));
  }
  template <Record R>
  Result<std::int64_t> count(const Condition& condition = {}) const {
    return count_rows(shape_of<R>(), condition);
  }
  // As count(), but stops counting at `limit`: "are there few?" without looking at many.
  template <Record R>
  Result<std::int64_t> count_at_most(const Condition& condition, std::int64_t limit) const {
    return count_rows(shape_of<R>(), condition, limit);
  }
  // Say that get() or require(), or select() of the same query, follows, before which nothing is
  // changed. The answers to several such are fetched from a PostgreSQL server in one round trip.
  template <Record R, class... Keys>
  void expect(const Keys&... keys) const {
    expect_row(shape_of<R>(), Row{to_value(keys)...});
  }
  template <Record R>
  void expect_all(const Query& query) const {
    expect_rows(shape_of<R>(), query);
  }
  template <Record R, class... Keys>
  Result<bool> exists(const Keys&... keys) const {
    MARTLET_TRY_SET(std::optional<Row> row, get_row(shape_of<R>(), Row{to_value(keys)...}));
    return row.has_value();
  }
  // The greatest value of an integer column; nullopt when no record holds the condition. Inside
  // write() this + 1 is a safe next number.
  template <Record R>
  Result<std::optional<std::int64_t>> greatest(const std::string& column,
                                               const Condition& condition = {}) const {
    return greatest_integer(shape_of<R>(), column, condition);
  }

 protected:
  internal::Connection& connection_;

  Result<std::optional<Row>> get_row(const TableShape& shape, const Row& key) const;

 private:
  void expect_row(const TableShape& shape, const Row& key) const;
  void expect_rows(const TableShape& shape, const Query& query) const;
  friend struct internal::WholeTables;  // table_copy.h: tables whatever their records are
  static Error absent(std::string_view what, const Row& key);
  Result<std::vector<Row>> select_rows(const TableShape& shape, const Query& query) const;
  Result<std::int64_t> count_rows(const TableShape& shape, const Condition& condition,
                                  std::optional<std::int64_t> limit = std::nullopt) const;
  Result<std::optional<std::int64_t>> greatest_integer(const TableShape& shape,
                                                       const std::string& column,
                                                       const Condition& condition) const;
};

// Reads and writes that happen together or not at all. A write that fails leaves the transaction as
// it was before that write. In a function of Database::write() insert(), put() and update() may
// come back before the database has seen the record; if it then refuses it, the function is run
// again and meets the error where it belongs.
class Transaction : public ReadTransaction {
 public:
  using ReadTransaction::ReadTransaction;

  // AlreadyExists when a record has this key (or breaks a unique index); NotFound when it refers to
  // a record that isn't there.
  template <Record R>
  Result<void> insert(const R& record) {
    return insert_row(shape_of<R>(), to_row(record), OnExisting::Refuse).map([](bool) {});
  }
  // False, and nothing changed, when a record has this key.
  template <Record R>
  Result<bool> insert_if_absent(const R& record) {
    return insert_row(shape_of<R>(), to_row(record), OnExisting::Keep);
  }
  // Inserts, or replaces every field of the record with this key.
  template <Record R>
  Result<void> put(const R& record) {
    return insert_row(shape_of<R>(), to_row(record), OnExisting::Replace).map([](bool) {});
  }
  // Replaces every field. NotFound when there is no record with this key.
  template <Record R>
  Result<void> update(const R& record) {
    return update_row(shape_of<R>(), to_row(record), Condition{});
  }
  // As update(), if the stored record holds `expected`; Conflict otherwise, NotFound when there is
  // none.
  template <Record R>
  Result<void> compare_and_set(const R& record, const Condition& expected) {
    return update_row(shape_of<R>(), to_row(record), expected);
  }
  // Sets one column of every record that holds the condition; returns how many.
  template <Record R, class V>
  Result<std::int64_t> set_where(const Condition& condition, const std::string& column,
                                 const V& value) {
    return set_rows(shape_of<R>(), condition, column, to_value(value));
  }
  // Whether there was such a record. Conflict when other records refer to it.
  template <Record R, class... Keys>
  Result<bool> remove(const Keys&... keys) {
    return remove_row(shape_of<R>(), Row{to_value(keys)...});
  }
  // How many were removed.
  template <Record R>
  Result<std::int64_t> remove_where(const Condition& condition) {
    return remove_rows(shape_of<R>(), condition);
  }

 private:
  enum class OnExisting : std::uint8_t { Refuse, Keep, Replace };
  Result<bool> insert_row(const TableShape& shape, const Row& row, OnExisting on_existing);
  Result<void> update_row(const TableShape& shape, const Row& row, const Condition& expected);
  Result<std::int64_t> set_rows(const TableShape& shape, const Condition& condition,
                                const std::string& column, Value value);
  Result<bool> remove_row(const TableShape& shape, const Row& key);
  Result<std::int64_t> remove_rows(const TableShape& shape, const Condition& condition);
};

// A transaction that the caller ends. It holds the writer until then, so keep it short; prefer
// Database::write(). Dropping it rolls back.
class OpenTransaction : public Transaction {
 public:
  using Transaction::Transaction;
  // Durable when it returns success. Call at most once; nothing may be read or written through it
  // afterwards.
  virtual Result<void> commit() = 0;
};

enum class WhenAbsent : std::uint8_t { Make, Refuse };

struct DatabaseOptions {
  std::vector<SchemaGroup>
      schema{};  // the tables of the modules that use it, besides metadata's own
  std::chrono::milliseconds busy_timeout{5000};  // how long to wait for another process's write
  std::size_t max_readers = 16;                  // concurrent read transactions; further ones wait
  WhenAbsent when_absent = WhenAbsent::Make;     // PostgreSQL's; a SQLite file is always made
  // How long a call waits for a PostgreSQL server that has gone away.
  std::chrono::milliseconds outage_timeout{30'000};
  std::string sqlite_vfs{};  // the name of a registered SQLite file layer: for fault injection; ""
                             // = the system's
};

// For telemetry and tests.
struct WriteCounts {
  std::int64_t writes = 0;   // acknowledged as successful
  std::int64_t commits = 0;  // the durable commits that they shared
};

class Database {
 public:
  // Opens the SQLite file of a path (or "sqlite:PATH"), or the schema of a PostgreSQL URL
  // (metadata/place.h), makes it when it isn't there, and brings its tables up to date in one
  // transaction. InvalidArgument when it is no martlet store, was written by a newer martlet, or
  // lies on a network file system; Corrupt when it is damaged; Unavailable when another process
  // holds it for longer than the bound, or the server can't be reached.
  static Result<std::unique_ptr<Database>> open(const std::string& place,
                                                const DatabaseOptions& options = {});
  virtual ~Database() = default;

  // Runs `function(Transaction&)` on the writer, as a whole or not at all, and returns its result
  // once the commit is durable. Callers in other threads may share the commit; the function may run
  // on any of their threads, must not call the database itself, must not block, and must not have
  // side effects outside the transaction: it is run again, from the beginning, when something that
  // shared its transaction failed, other writes were in its way, or a server went away; so it must
  // not move from what it captured either, and what it sets outside must be set anew by each run. A
  // failed function undoes only its own writes. Errors: the function's own; Unavailable when the
  // store is locked by another process, has stopped after a failed commit (SQLite's stays so until
  // it is opened again), or the server stayed away; ResourceExhausted when the disk is full or too
  // many writes wait.
  template <class Function>
  auto write(Function&& function) -> std::invoke_result_t<Function&, Transaction&> {
    using Outcome = std::invoke_result_t<Function&, Transaction&>;
    std::optional<Outcome> outcome;
    auto committed = write_erased([&](Transaction& tx) -> Result<void> {
      outcome.emplace(function(tx));
      if (!outcome->has_value()) return tl::unexpected<Error>(outcome->error());
      return {};
    });
    if (!committed.has_value()) return tl::unexpected<Error>(std::move(committed).error());
    return std::move(*outcome);
  }

  // Runs `function(const ReadTransaction&)` on one snapshot; again, from the beginning, when a
  // PostgreSQL server went away meanwhile. Unavailable when all readers stay busy for the bound, or
  // the server stayed away.
  template <class Function>
  auto read(Function&& function) const -> std::invoke_result_t<Function&, const ReadTransaction&> {
    using Outcome = std::invoke_result_t<Function&, const ReadTransaction&>;
    std::optional<Outcome> outcome;
    auto done = read_erased([&](const ReadTransaction& tx) -> Result<void> {
      outcome.emplace(function(tx));
      return {};
    });
    if (!done.has_value()) return tl::unexpected<Error>(std::move(done).error());
    return std::move(*outcome);
  }

  // A transaction across several calls; see OpenTransaction. The thread that began it must end it
  // and must not call write() meanwhile.
  virtual Result<std::unique_ptr<OpenTransaction>> begin() = 0;

  // Changes whenever anybody, in this process or another, has committed since the last call: a
  // cheap "is there anything new?" for pollers. Only equality with an earlier value of the same
  // Database object means anything.
  virtual Result<std::int64_t> data_version() const = 0;

  // Every problem of the store's structure and of references between records; empty when it is
  // sound. Reads the whole store.
  virtual Result<std::vector<Finding>> check_integrity() const = 0;
  // A consistent copy into a new SQLite file, while others read and write. AlreadyExists when
  // `path` exists.
  virtual Result<void> back_up_to(const std::string& path) const = 0;

  virtual WriteCounts write_counts() const = 0;

 protected:
  virtual Result<void> write_erased(const std::function<Result<void>(Transaction&)>& function) = 0;
  virtual Result<void>
  read_erased(const std::function<Result<void>(const ReadTransaction&)>& function) const = 0;
};

}  // namespace martlet::metadata

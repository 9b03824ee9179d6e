// table/engine.h: one embedded DuckDB: SQL over tables in memory and, when allowed, over files.
//
// An Engine is an in-memory database with one connection. It never installs or loads an extension
// by itself. Two kinds of access (DESIGN §12.12): UserSql, for statements that a user wrote: no
// files, no network, no changes of the configuration; and Sources, for our own statements that read
// files. Values cross the border as columns::Batch.
//
// Time: an instant is TIMESTAMP WITH TIME ZONE, a bare TIMESTAMP is a local reading in the engine's
// zone, and so it becomes an instant when it leaves (base/zone.h's rules for gaps and overlaps).
// Calendar functions of SQL follow the same zone.
//
// Lifetime: any. Threads: one statement at a time and so one thread at a time, except interrupt(),
// which any thread may call.
#pragma once
#include "base/cancel.h"
#include "base/result.h"
#include "base/zone.h"
#include "columns/batch.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::table {

enum class Access : std::uint8_t { UserSql, Sources };

struct EngineOptions {
  Access access = Access::UserSql;
  // 1 makes every result the same bits every time: parallel sums of floats are not (DESIGN §12.2).
  int threads = 1;
  std::int64_t memory_limit_bytes = 0;  // 0: DuckDB's default, four fifths of the machine's
  std::string temp_directory =
      {};  // where to spill what exceeds the memory; empty: nowhere, it fails instead
  Zone zone = Zone::utc();
  std::optional<std::chrono::milliseconds> statement_limit = {};
  std::vector<std::string> readable_paths = {};  // files that UserSql may read all the same
};

// When a statement must stop.
struct Limits {
  Deadline deadline = {};
  std::optional<CancelToken> cancel = {};
};

// Fills a new table; nothing of it is visible before finish(). Dropping it unfinished leaves the
// table as far as it got.
class TableAppender {
 public:
  TableAppender(TableAppender&&) noexcept;
  TableAppender& operator=(TableAppender&&) noexcept;
  TableAppender(const TableAppender&) = delete;
  TableAppender& operator=(const TableAppender&) = delete;
  ~TableAppender();

  // InvalidArgument when the batch's schema is not the table's, or a text is not UTF-8.
  Result<void> append(const columns::Batch& batch);
  Result<void> finish();

 private:
  friend class Engine;
  struct State;
  explicit TableAppender(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class Engine {
 public:
  // InvalidArgument for options that DuckDB refuses; Internal when it does not start.
  static Result<std::unique_ptr<Engine>> open(const EngineOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Runs all statements of `sql` and returns the rows of the last. `parameters` fill ?, or $1, $2
  // …, of the last one.
  //
  // Types: integers → Int64 (InvalidArgument naming the column when a wide one does not fit),
  // floats and decimals → Double, text, enums, UUIDs and times of day → Text, timestamps →
  // Timestamp, dates → Date; a column of NULLs alone → Text. Others (lists, structures, blobs …)
  // are InvalidArgument that says to cast. Errors: InvalidArgument with DuckDB's own words;
  // PermissionDenied for what the access forbids; Cancelled, DeadlineExceeded; ResourceExhausted
  // when memory does not suffice.
  Result<columns::Batch> query(std::string_view sql, std::span<const columns::Cell> parameters = {},
                               const Limits& limits = {});
  // The same, handed over in pieces of at most about 65,536 rows, in order, at least one (perhaps
  // empty). An error of `each` ends it.
  Result<void> stream(std::string_view sql, std::span<const columns::Cell> parameters,
                      const std::function<Result<void>(const columns::Batch&)>& each,
                      const Limits& limits = {});
  // Runs all statements for their effect.
  Result<void> execute(std::string_view sql, const Limits& limits = {});

  // The columns that `sql` would give, without running it.
  Result<columns::Schema> schema_of(std::string_view sql);
  // The tables that `sql` reads, sorted, without those it defines itself (WITH). InvalidArgument
  // when it is no single SQL query.
  Result<std::vector<std::string>> tables_of(std::string_view sql);

  // Makes a table of the batch, in place of any of that name.
  Result<void> register_batch(std::string_view name, const columns::Batch& batch);
  Result<TableAppender> create_table(std::string_view name, const columns::Schema& schema);
  // Drops the table or view; fine when there is none.
  Result<void> drop(std::string_view name);

  // Ends the running statement with Cancelled.
  void interrupt();

  const EngineOptions& options() const;
  struct State;

 private:
  explicit Engine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// "a""b": a name, and 'it''s': a text, as SQL literals.
std::string quote_name(std::string_view name);
std::string quote_text(std::string_view text);
// DuckDB's version, recorded in runs.
std::string engine_version();

}  // namespace martlet::table

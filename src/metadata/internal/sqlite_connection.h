// metadata/internal/sqlite_connection.h: one connection to a SQLite file. One thread at a time.
#pragma once
#include "base/result.h"
#include "metadata/internal/connection.h"
#include "metadata/internal/dialect.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace martlet::metadata::internal {

// Foreign: of a file that another program keeps, never written to.
enum class SqliteRole : std::uint8_t { Writer, Reader, Foreign };

struct SqliteSettings {
  std::string path;
  std::chrono::milliseconds busy_timeout{5000};
  std::string vfs;  // "" = the system's
};

class SqliteConnection : public Connection {
 public:
  // A writer makes the file when it is absent.
  static Result<std::unique_ptr<SqliteConnection>> open(const SqliteSettings& settings,
                                                        SqliteRole role);
  ~SqliteConnection() override;
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  Result<Outcome> read(const std::string& sql, std::span<const Value> bound) override {
    return run(sql, bound);
  }
  // SQLite undoes a statement that fails by itself.
  Result<Outcome> change(const std::string& sql, std::span<const Value> bound) override {
    return run(sql, bound);
  }
  const Dialect& dialect() const override { return sqlite_dialect(); }
  Result<std::vector<std::string>> columns_of(const std::string& table) override;
  Result<std::vector<StoredTable>> tables() override;

  // One statement; ?1, ?2 … are `bound`.
  Result<Outcome> run(const std::string& sql, std::span<const Value> bound);
  // As run(), row by row; ends with the visitor's first error. The visitor must not use this
  // connection.
  Result<void> for_each_row(const std::string& sql, std::span<const Value> bound,
                            const std::function<Result<void>(Row&&)>& visit);

  // Without parameters and rows.
  Result<void> execute(const std::string& sql) {
    return run(sql, {}).map([](Outcome&&) {});
  }
  // The one integer that the statement returns.
  Result<std::int64_t> integer(const std::string& sql);

  bool in_transaction() const;
  // Records inserted, updated and removed since the connection was opened.
  std::int64_t changes() const;
  // Whether a statement since open() failed in a way after which nothing may be written any more: a
  // failed sync or write, a damaged page.
  bool broken() const { return broken_; }
  // Pages in the write-ahead log after the last commit of this connection.
  int log_pages() const { return log_pages_; }
  // Moves what it can from the log into the database file without waiting for readers.
  Result<void> checkpoint();
  // Writes the log's bytes over themselves and syncs them. A process whose sync failed leaves
  // commits in the log that this one reads from the kernel's cache although they never reached the
  // disk; what is appended behind them would be lost with them. Call inside a write transaction:
  // nobody appends meanwhile.
  Result<void> rewrite_log();
  // The last connection to be closed moves the log into the file, unless it was told not to.
  void leave_log_when_closed();

 private:
  SqliteConnection(sqlite3* handle, SqliteSettings settings)
      : handle_(handle), settings_(std::move(settings)) {}
  Result<sqlite3_stmt*> prepare(const std::string& sql);
  Error error_of(int code);
  static int on_commit(void* self, sqlite3* handle, const char* schema, int pages);

  sqlite3* handle_;
  SqliteSettings settings_;
  std::unordered_map<std::string, sqlite3_stmt*> statements_;  // prepared, by text
  int log_pages_ = 0;
  bool broken_ = false;
};

}  // namespace martlet::metadata::internal

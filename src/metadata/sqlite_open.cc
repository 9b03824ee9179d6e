// Opening a SQLite file: what is no store is refused untouched, an older one brought up to date.
#include "metadata/internal/migrations.h"
#include "metadata/internal/open.h"
#include "metadata/internal/sqlite_database.h"
#include "platform/host.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <chrono>

namespace martlet::metadata::internal {

namespace {

constexpr std::int64_t kApplicationId = 0x4d52544c;  // "MRTL", in the file's header

Result<void> refuse_network_file_system(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  MARTLET_TRY_SET(const bool remote, platform::is_network_file_system(directory));
  if (!remote) return {};
  return invalid_argument(
      fmt::format("the store {} lies on a network file system, where locks can't be relied upon; "
                  "use a local directory",
                  path));
}

Result<bool> is_new_store(SqliteConnection& connection, const std::string& path) {
  MARTLET_TRY_SET(const std::int64_t application, connection.integer("PRAGMA application_id"));
  if (application == kApplicationId) return false;
  MARTLET_TRY_SET(const std::int64_t tables,
                  connection.integer("SELECT count(*) FROM sqlite_schema"));
  if (application == 0 && tables == 0) return true;
  return invalid_argument(fmt::format(
      "{} is a SQLite database, but not a martlet store; name another directory", path));
}

// In one snapshot: between two, another process may make the store.
Result<void> refuse_what_is_no_store(SqliteConnection& connection, const std::string& path) {
  MARTLET_TRY(connection.execute("BEGIN"));
  const Result<bool> is_new = is_new_store(connection, path);
  if (connection.in_transaction()) MARTLET_TRY(connection.execute("ROLLBACK"));
  return is_new.map([](bool) {});
}

// Another process that opens the same new file may hold it for a moment, and SQLite doesn't always
// wait for this one.
Result<void> enter_wal_mode(SqliteConnection& connection, std::chrono::milliseconds timeout) {
  const std::int64_t attempts = 1 + timeout.count() / 10;
  Result<void> entered;
  for (std::int64_t i = 0; i < attempts; ++i) {
    auto outcome = connection.run("PRAGMA journal_mode = WAL", {});
    if (outcome.has_value()) {
      const auto* mode = std::get_if<std::string>(&outcome->rows.at(0).at(0));
      if (mode != nullptr && *mode == "wal") return {};
      return unavailable("the metadata database can't keep a write-ahead log here (network or "
                         "read-only file system?); use a local directory");
    }
    if (outcome.error().code() != ErrorCode::Unavailable || connection.broken())
      return fail(std::move(outcome).error());
    entered = fail(std::move(outcome).error());
    sqlite3_sleep(10);
  }
  return entered;
}

// Checked under the write lock, so that two processes that open a store at once don't both migrate
// it.
Result<void> prepare_schema(SqliteConnection& connection, const std::string& path,
                            const std::vector<SchemaGroup>& groups) {
  MARTLET_TRY(connection.execute("BEGIN IMMEDIATE"));
  auto prepared = [&]() -> Result<void> {
    MARTLET_TRY(connection.rewrite_log());
    MARTLET_TRY_SET(const bool is_new, is_new_store(connection, path));
    if (is_new)
      MARTLET_TRY(connection.execute(fmt::format("PRAGMA application_id = {}", kApplicationId)));
    return migrate(connection, groups, is_new ? StoreAge::New : StoreAge::Old);
  }();
  if (prepared.has_value()) prepared = connection.execute("COMMIT");
  if (!prepared.has_value() && connection.in_transaction())
    static_cast<void>(connection.execute("ROLLBACK").has_value());
  return prepared;
}

}  // namespace

Result<std::unique_ptr<Database>> open_sqlite(const std::string& path,
                                              const DatabaseOptions& options) {
  MARTLET_CHECK(sqlite3_libversion_number() >= 3051003,
                "SQLite is older than 3.51.3 and would corrupt its log");
  MARTLET_TRY(refuse_network_file_system(path));
  const SqliteSettings settings{path, options.busy_timeout, options.sqlite_vfs};
  MARTLET_TRY_SET(std::unique_ptr<SqliteConnection> writer,
                  SqliteConnection::open(settings, SqliteRole::Writer));
  MARTLET_TRY(refuse_what_is_no_store(*writer, path));  // before anything of the file is touched
  MARTLET_TRY(enter_wal_mode(*writer, options.busy_timeout));
  MARTLET_TRY(prepare_schema(*writer, path, all_groups(options.schema)));
  MARTLET_TRY_SET(std::unique_ptr<SqliteConnection> watcher,
                  SqliteConnection::open(settings, SqliteRole::Reader));
  return std::make_unique<SqliteDatabase>(settings, options.max_readers, std::move(writer),
                                          std::move(watcher));
}

}  // namespace martlet::metadata::internal

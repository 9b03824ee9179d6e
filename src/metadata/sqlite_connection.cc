#include "metadata/internal/sqlite_connection.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cerrno>

namespace martlet::metadata::internal {

namespace {

constexpr std::size_t kMaxStatements = 256;  // prepared and kept, per connection
// Of the log, rewritten at a time. SQLite's file layer takes the low 17 bits of a length for one
// write: pieces of 128 KiB or more come out as "the disk is full".
constexpr sqlite3_int64 kPieceBytes = 64 << 10;

int bind_value(sqlite3_stmt* statement, int index, const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value))
    return sqlite3_bind_int64(statement, index, *integer);
  if (const auto* real = std::get_if<double>(&value))
    return sqlite3_bind_double(statement, index, *real);
  if (const auto* text = std::get_if<std::string>(&value)) {
    return sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_STATIC,
                               SQLITE_UTF8);
  }
  if (const auto* blob = std::get_if<Blob>(&value)) {
    // A null pointer would bind NULL.
    return sqlite3_bind_blob64(statement, index, blob->bytes.empty() ? "" : blob->bytes.data(),
                               blob->bytes.size(), SQLITE_STATIC);
  }
  return sqlite3_bind_null(statement, index);
}

Value column_value(sqlite3_stmt* statement, int index) {
  switch (sqlite3_column_type(statement, index)) {
    case SQLITE_INTEGER: return static_cast<std::int64_t>(sqlite3_column_int64(statement, index));
    case SQLITE_FLOAT: return sqlite3_column_double(statement, index);
    case SQLITE_TEXT: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, index));
      return std::string(text == nullptr ? "" : text,
                         static_cast<std::size_t>(sqlite3_column_bytes(statement, index)));
    }
    case SQLITE_BLOB: {
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, index));
      return Blob{std::string(bytes == nullptr ? "" : bytes,
                              static_cast<std::size_t>(sqlite3_column_bytes(statement, index)))};
    }
    default: return Value();
  }
}

bool breaks_the_store(int code) {
  if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB) return true;
  if ((code & 0xff) != SQLITE_IOERR) return false;
  return code != SQLITE_IOERR_READ && code != SQLITE_IOERR_SHORT_READ &&
         code != SQLITE_IOERR_NOMEM && code != SQLITE_IOERR_ACCESS;
}

}  // namespace

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const SqliteSettings& settings,
                                                                 SqliteRole role) {
  sqlite3* handle = nullptr;
  const int access = role == SqliteRole::Foreign  ? SQLITE_OPEN_READONLY
                     : role == SqliteRole::Writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                                  : SQLITE_OPEN_READWRITE;
  const int flags = access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(settings.path.c_str(), &handle, flags,
                                   settings.vfs.empty() ? nullptr : settings.vfs.c_str());
  if (handle == nullptr)
    return fail(ErrorCode::ResourceExhausted, "opening the metadata database: out of memory");
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(handle, settings));
  if (code != SQLITE_OK) return fail(connection->error_of(code));
  sqlite3_busy_timeout(handle, static_cast<int>(settings.busy_timeout.count()));
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  // Plans don't depend on bound values. Otherwise a statement with a LIMIT, an ORDER BY or a
  // pattern would be compiled again for every execution.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_QPSG, 1, nullptr);
  if (role == SqliteRole::Foreign) {
    MARTLET_TRY(connection->execute("PRAGMA query_only = ON"));
    return connection;
  }
  sqlite3_wal_hook(handle, &SqliteConnection::on_commit,
                   connection.get());  // replaces automatic checkpoints, whose errors nobody sees
  MARTLET_TRY(connection->execute("PRAGMA synchronous = FULL"));
  MARTLET_TRY(connection->execute("PRAGMA foreign_keys = ON"));
  MARTLET_TRY(connection->execute("PRAGMA cell_size_check = ON"));
  MARTLET_TRY(connection->execute(role == SqliteRole::Writer ? "PRAGMA cache_size = -8000"
                                                             : "PRAGMA cache_size = -2000"));
  if (role == SqliteRole::Reader) MARTLET_TRY(connection->execute("PRAGMA query_only = ON"));
  return connection;
}

SqliteConnection::~SqliteConnection() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

int SqliteConnection::on_commit(void* self, sqlite3* /*handle*/, const char* /*schema*/,
                                int pages) {
  static_cast<SqliteConnection*>(self)->log_pages_ = pages;
  return SQLITE_OK;
}

Result<sqlite3_stmt*> SqliteConnection::prepare(const std::string& sql) {
  if (const auto found = statements_.find(sql); found != statements_.end()) return found->second;
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return fail(error_of(code));
  if (statements_.size() >= kMaxStatements) {
    for (auto& [text, kept] : statements_) sqlite3_finalize(kept);
    statements_.clear();
  }
  statements_.emplace(sql, statement);
  return statement;
}

Result<void> SqliteConnection::for_each_row(const std::string& sql, std::span<const Value> bound,
                                            const std::function<Result<void>(Row&&)>& visit) {
  MARTLET_TRY_SET(sqlite3_stmt* const statement, prepare(sql));
  for (std::size_t i = 0; i < bound.size(); ++i) {
    if (const int code = bind_value(statement, static_cast<int>(i) + 1, bound[i]);
        code != SQLITE_OK) {
      Error error = error_of(code);
      sqlite3_clear_bindings(statement);
      return fail(std::move(error));
    }
  }
  std::optional<Error> error;
  int code = sqlite3_step(statement);
  while (code == SQLITE_ROW && !error.has_value()) {
    const int columns = sqlite3_column_count(statement);
    Row row;
    row.reserve(static_cast<std::size_t>(columns));
    for (int i = 0; i < columns; ++i) row.push_back(column_value(statement, i));
    if (auto visited = visit(std::move(row)); !visited.has_value()) {
      error = std::move(visited).error();
      break;
    }
    code = sqlite3_step(statement);
  }
  // The message belongs to the last call, so it is taken before the statement is reset.
  if (!error.has_value() && code != SQLITE_DONE) error = error_of(code);
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  if (error.has_value()) return fail(std::move(*error));
  return {};
}

Result<Outcome> SqliteConnection::run(const std::string& sql, std::span<const Value> bound) {
  Outcome outcome;
  const std::int64_t changes_before = changes();
  MARTLET_TRY(for_each_row(sql, bound, [&](Row&& row) -> Result<void> {
    outcome.rows.push_back(std::move(row));
    return {};
  }));
  if (changes() != changes_before) outcome.changes = sqlite3_changes64(handle_);
  return outcome;
}

Result<std::int64_t> SqliteConnection::integer(const std::string& sql) {
  MARTLET_TRY_SET(const Outcome outcome, run(sql, {}));
  if (outcome.rows.size() != 1 || outcome.rows[0].size() != 1)
    return internal_error("expected one value from: " + sql);
  const auto* number = std::get_if<std::int64_t>(&outcome.rows[0][0]);
  if (number == nullptr) return internal_error("expected an integer from: " + sql);
  return *number;
}

Result<std::vector<std::string>> SqliteConnection::columns_of(const std::string& table) {
  const std::vector<Value> bound{Value(table)};
  MARTLET_TRY_SET(Outcome outcome, run("SELECT name FROM pragma_table_info(?1)", bound));
  std::vector<std::string> names;
  for (Row& row : outcome.rows) names.push_back(std::get<std::string>(std::move(row.at(0))));
  return names;
}

std::int64_t SqliteConnection::changes() const { return sqlite3_total_changes64(handle_); }

bool SqliteConnection::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

Result<void> SqliteConnection::checkpoint() {
  const int code =
      sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED)
    return {};
  return fail(error_of(code));
}

Result<void> SqliteConnection::rewrite_log() {
  sqlite3_file* log = nullptr;
  int code = sqlite3_file_control(handle_, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (code != SQLITE_OK || log == nullptr || log->pMethods == nullptr) return {};
  sqlite3_int64 size = 0;
  code = log->pMethods->xFileSize(log, &size);
  std::string piece;
  for (sqlite3_int64 at = 0; at < size && code == SQLITE_OK; at += kPieceBytes) {
    piece.resize(static_cast<std::size_t>(std::min<sqlite3_int64>(kPieceBytes, size - at)));
    const int length = static_cast<int>(piece.size());
    code = log->pMethods->xRead(log, piece.data(), length, at);
    if (code == SQLITE_OK) code = log->pMethods->xWrite(log, piece.data(), length, at);
  }
  if (code == SQLITE_OK && size > 0) code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
  if (code == SQLITE_OK) return {};
  return fail(error_of(code).with_context("making the log of changes safe"));
}

void SqliteConnection::leave_log_when_closed() {
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

Error SqliteConnection::error_of(int code) {
  if (breaks_the_store(code)) {
    broken_ = true;
    leave_log_when_closed();
  }
  const std::string words = sqlite3_errmsg(handle_);
  const std::string where = fmt::format("metadata database {}", settings_.path);
  switch (code) {
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_ROWID:
      return Error(ErrorCode::AlreadyExists,
                   "a record with this key exists already (" + words + ")");
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return Error(ErrorCode::Conflict,
                   "a record refers to another one that would not be there (" + words + ")");
    default: break;
  }
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
      return Error(ErrorCode::InvalidArgument, "the record can't be stored: " + words);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error(
          ErrorCode::Unavailable,
          fmt::format(
              "{} is locked by another process (waited {} ms); end that process or try again",
              where, settings_.busy_timeout.count()));
    case SQLITE_FULL:
      return Error(
          ErrorCode::ResourceExhausted,
          fmt::format("writing {}: the disk is full; free some space and try again", where));
    case SQLITE_NOMEM:
      return Error(ErrorCode::ResourceExhausted, fmt::format("using {}: out of memory", where));
    case SQLITE_CORRUPT:
      return Error(ErrorCode::Corrupt,
                   fmt::format("{} is damaged ({}); restore it from a backup", where, words));
    case SQLITE_NOTADB:
      return Error(
          ErrorCode::InvalidArgument,
          fmt::format("{} is not a martlet store ({}); name another directory", where, words));
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return Error(
          ErrorCode::PermissionDenied,
          fmt::format("{} can't be written ({}); check the rights of the file and its directory",
                      where, words));
    case SQLITE_CANTOPEN:
      if (const int number = sqlite3_system_errno(handle_); number == EMFILE || number == ENFILE) {
        return Error(ErrorCode::ResourceExhausted,
                     fmt::format("{} can't be opened: too many open files; raise the limit on open "
                                 "files (ulimit -n)",
                                 where));
      }
      return Error(
          ErrorCode::Unavailable,
          fmt::format("{} can't be opened ({}); check that its directory exists and may be written",
                      where, words));
    case SQLITE_IOERR:
      return Error(
          ErrorCode::Unavailable,
          fmt::format("input/output error (SQLite's code {}) on {}: {}", code, where, words));
    default:
      return Error(ErrorCode::Internal,
                   fmt::format("{}: unexpected answer {} from SQLite: {}; please report it", where,
                               code, words));
  }
}

}  // namespace martlet::metadata::internal

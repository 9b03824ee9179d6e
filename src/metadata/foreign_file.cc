#include "metadata/foreign_file.h"

#include "metadata/internal/sql_text.h"
#include "metadata/internal/sqlite_connection.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::metadata {

namespace {

// The connection's messages speak of our own store.
Error of_foreign(const std::string& path, Error error) {
  if (error.code() == ErrorCode::InvalidArgument)
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("reading {}: it is no SQLite database", path));
  return std::move(error).with_context("reading " + path);
}

}  // namespace

ForeignFile::ForeignFile(std::unique_ptr<internal::SqliteConnection> connection)
    : connection_(std::move(connection)) {}
ForeignFile::~ForeignFile() = default;

Result<std::unique_ptr<ForeignFile>> ForeignFile::open(const std::string& path) {
  internal::SqliteSettings settings;
  settings.path = path;
  auto connection = internal::SqliteConnection::open(settings, internal::SqliteRole::Foreign);
  if (!connection.has_value()) {
    if (connection.error().code() == ErrorCode::Unavailable)
      return not_found(
          fmt::format("reading {}: there is no such file, or it can't be opened", path));
    return fail(of_foreign(path, std::move(connection).error()));
  }
  std::unique_ptr<ForeignFile> file(new ForeignFile(std::move(*connection)));
  // Opening reads nothing yet.
  auto tables = file->connection_->run("SELECT count(*) FROM sqlite_schema", {});
  if (!tables.has_value()) return fail(of_foreign(path, std::move(tables).error()));
  return file;
}

Result<std::vector<std::string>> ForeignFile::columns_of(const std::string& table) const {
  return connection_->columns_of(table);
}

Result<std::vector<std::string>> ForeignFile::missing_in(const TableShape& shape) const {
  MARTLET_TRY_SET(const std::vector<std::string> there, columns_of(shape.table));
  std::vector<std::string> missing;
  for (const Column& column : shape.columns) {
    if (std::find(there.begin(), there.end(), column.name) == there.end())
      missing.push_back(column.name);
  }
  return missing;
}

Result<std::int64_t> ForeignFile::rows_of(const std::string& table) const {
  MARTLET_TRY_SET(const std::vector<std::string> columns, columns_of(table));
  if (columns.empty()) return 0;
  return connection_->integer("SELECT count(*) FROM " + internal::identifier(table));
}

Result<void> ForeignFile::each_row(const TableShape& shape, const Query& query,
                                   const std::function<Result<void>(Row&&)>& visit) const {
  std::vector<Value> bound;
  MARTLET_TRY_SET(const std::string rest,
                  internal::query_text(connection_->dialect(), shape, query, bound));
  return connection_->for_each_row(fmt::format("SELECT {} FROM {}{}", internal::column_list(shape),
                                               internal::identifier(shape.table), rest),
                                   bound, visit);
}

}  // namespace martlet::metadata

#include "metadata/internal/postgres_contents.h"

#include "metadata/internal/migrations.h"
#include "metadata/internal/open.h"
#include "metadata/internal/sqlite_connection.h"

#include <fmt/format.h>

namespace martlet::metadata::internal {

namespace {

constexpr int kPage = 1000;  // records fetched at a time

Result<std::vector<std::string>> tables_of(PostgresConnection& connection) {
  MARTLET_TRY_SET(Outcome outcome,
                  connection.read("SELECT relname FROM pg_class WHERE relkind = 'r' AND "
                                  "relnamespace = current_schema()::regnamespace AND relname <> "
                                  "'martlet_writers' ORDER BY relname",
                                  {}));
  std::vector<std::string> names;
  for (Row& row : outcome.rows) names.push_back(std::get<std::string>(std::move(row.at(0))));
  return names;
}

struct ForeignKey {
  std::string table;
  std::string column;
  std::string target;
  std::string target_column;
};

Result<std::vector<ForeignKey>> foreign_keys(PostgresConnection& connection) {
  MARTLET_TRY_SET(
      Outcome outcome,
      connection.read(
          "SELECT ours.relname, mine.attname, theirs.relname, its.attname FROM pg_constraint AS c "
          "JOIN pg_class AS ours ON ours.oid = c.conrelid "
          "JOIN pg_class AS theirs ON theirs.oid = c.confrelid "
          "JOIN pg_attribute AS mine ON mine.attrelid = c.conrelid AND mine.attnum = c.conkey[1] "
          "JOIN pg_attribute AS its ON its.attrelid = c.confrelid AND its.attnum = c.confkey[1] "
          "WHERE c.contype = 'f' AND c.connamespace = current_schema()::regnamespace "
          "ORDER BY 1, 2",
          {}));
  std::vector<ForeignKey> keys;
  for (Row& row : outcome.rows) {
    keys.push_back({std::get<std::string>(row.at(0)), std::get<std::string>(row.at(1)),
                    std::get<std::string>(row.at(2)), std::get<std::string>(row.at(3))});
  }
  return keys;
}

Finding finding(const PostgresPlace& place, std::string where, std::string_view rule,
                std::string message) {
  Finding made;
  made.path = std::move(where);
  made.rule = rule;
  made.message = std::move(message);
  made.file = place.name;
  return made;
}

// One table's records, in the order in which they lie.
Result<void> copy_table(PostgresConnection& from, SqliteConnection& to, const std::string& table) {
  MARTLET_TRY_SET(const std::vector<std::string> columns, to.columns_of(table));
  if (columns.empty())
    return internal_error(fmt::format("a SQLite store has no table {}; please report it", table));
  std::string list;
  std::string values;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    list += (i == 0 ? "" : ", ") + identifier(columns[i]);
    values += (i == 0 ? "" : ", ") + to.dialect().placeholder(i + 1);
  }
  // The name is the table's: a prepared FETCH knows its columns.
  const std::string cursor = identifier("copy of " + table);
  MARTLET_TRY(from.read(fmt::format("DECLARE {} NO SCROLL CURSOR FOR SELECT {} FROM {}", cursor,
                                    list, identifier(table)),
                        {}));
  const std::string fetch = fmt::format("FETCH FORWARD {} FROM {}", kPage, cursor);
  const std::string insert =
      fmt::format("INSERT INTO {} ({}) VALUES ({})", identifier(table), list, values);
  for (;;) {
    MARTLET_TRY_SET(const Outcome page, from.read(fetch, {}));
    for (const Row& row : page.rows) MARTLET_TRY(to.run(insert, row));
    if (page.rows.size() < kPage) break;
  }
  MARTLET_TRY(from.read("CLOSE " + cursor, {}));
  return {};
}

}  // namespace

Result<std::vector<Finding>> check_contents(PostgresConnection& connection,
                                            const PostgresPlace& place) {
  std::vector<Finding> findings;
  MARTLET_TRY_SET(const std::vector<std::string> tables, tables_of(connection));
  for (const std::string& table : tables) {
    auto counted = connection.read("SELECT count(*) FROM " + identifier(table), {});
    if (counted.has_value()) continue;
    if (counted.error().code() != ErrorCode::Corrupt) return fail(std::move(counted).error());
    findings.push_back(finding(place, table, "damaged", counted.error().message()));
    return findings;  // the snapshot has ended with the error
  }
  MARTLET_TRY_SET(const std::vector<ForeignKey> keys, foreign_keys(connection));
  for (const ForeignKey& key : keys) {
    MARTLET_TRY_SET(
        const Outcome outcome,
        connection.read(fmt::format("SELECT count(*) FROM {0} WHERE {0}.{1} IS NOT NULL AND NOT "
                                    "EXISTS (SELECT 1 FROM {2} WHERE {2}.{3} = {0}.{1})",
                                    identifier(key.table), identifier(key.column),
                                    identifier(key.target), identifier(key.target_column)),
                        {}));
    const auto missing = std::get<std::int64_t>(outcome.rows.at(0).at(0));
    if (missing == 0) continue;
    findings.push_back(finding(place, key.table, "dangling_reference",
                               fmt::format("{} records of {} refer by {} to missing records of {}",
                                           missing, key.table, key.column, key.target)));
  }
  return findings;
}

Result<void> copy_contents(PostgresConnection& connection, const std::string& path,
                           const std::vector<SchemaGroup>& schema) {
  const SqliteSettings settings{path, std::chrono::seconds(5), ""};
  MARTLET_TRY_SET(std::unique_ptr<SqliteConnection> target,
                  SqliteConnection::open(settings, SqliteRole::Writer));
  MARTLET_TRY_SET(const std::int64_t tables, target->integer("SELECT count(*) FROM sqlite_schema"));
  if (tables > 0) return fail(ErrorCode::AlreadyExists, "the file exists; name a new one");
  MARTLET_TRY(open_sqlite(path, {.schema = schema}));
  MARTLET_TRY_SET(const std::vector<std::string> names, tables_of(connection));
  // Tables come in the order of their names, records before those that they refer to.
  MARTLET_TRY(target->execute("PRAGMA foreign_keys = OFF"));
  MARTLET_TRY(target->execute("BEGIN IMMEDIATE"));
  // A new store has records of its own: its migrations, the default experiment.
  for (const std::string& table : names)
    MARTLET_TRY(target->execute("DELETE FROM " + identifier(table)));
  for (const std::string& table : names) MARTLET_TRY(copy_table(connection, *target, table));
  return target->execute("COMMIT");
}

}  // namespace martlet::metadata::internal

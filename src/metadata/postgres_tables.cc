// The tables of a PostgreSQL store, from the server's catalogue.
#include "metadata/internal/postgres_connection.h"

#include <map>

namespace martlet::metadata::internal {

namespace {

// The table that counts commits keeps no records.
constexpr const char* kColumns =
    "SELECT t.relname, a.attname, coalesce(array_position(c.conkey, a.attnum), 0)::bigint "
    "FROM pg_class AS t JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT "
    "a.attisdropped LEFT JOIN pg_constraint AS c ON c.conrelid = t.oid AND c.contype = 'p' "
    "WHERE t.relkind = 'r' AND t.relnamespace = current_schema()::regnamespace AND t.relname <> "
    "'martlet_writers'";
constexpr const char* kReferences =
    "SELECT DISTINCT ours.relname, theirs.relname FROM pg_constraint AS c JOIN pg_class AS ours ON "
    "ours.oid = c.conrelid JOIN pg_class AS theirs ON theirs.oid = c.confrelid WHERE c.contype = "
    "'f' AND c.connamespace = current_schema()::regnamespace";
constexpr const char* kUniqueIndexes =
    "SELECT t.relname, x.relname, pg_get_indexdef(i.indexrelid) FROM pg_index AS i JOIN pg_class "
    "AS x ON x.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid WHERE i.indisunique AND "
    "NOT i.indisprimary AND t.relnamespace = current_schema()::regnamespace AND t.relname <> "
    "'martlet_writers'";

const std::string& text(const Row& row, std::size_t index) {
  return std::get<std::string>(row.at(index));
}

}  // namespace

Result<std::vector<StoredTable>> PostgresConnection::tables() {
  MARTLET_TRY_SET(const Outcome columns, read(kColumns, {}));
  MARTLET_TRY_SET(const Outcome references, read(kReferences, {}));
  MARTLET_TRY_SET(const Outcome indexes, read(kUniqueIndexes, {}));
  std::map<std::string, std::vector<std::pair<std::string, std::size_t>>> found;
  for (const Row& row : columns.rows) {
    found[text(row, 0)].emplace_back(text(row, 1),
                                     static_cast<std::size_t>(std::get<std::int64_t>(row.at(2))));
  }
  std::map<std::string, StoredTable> tables;
  for (auto& [name, its_columns] : found) {
    tables[name].name = name;
    set_columns(tables[name], std::move(its_columns));
  }
  for (const Row& row : references.rows) tables[text(row, 0)].refers_to.push_back(text(row, 1));
  for (const Row& row : indexes.rows)
    tables[text(row, 0)].unique_indexes.push_back({text(row, 1), text(row, 2)});
  std::vector<StoredTable> sorted;
  for (auto& [name, table] : tables) sorted.push_back(std::move(table));
  return sorted;
}

}  // namespace martlet::metadata::internal

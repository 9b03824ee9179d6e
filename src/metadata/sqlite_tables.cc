// The tables of a SQLite store, from its catalogue.
#include "metadata/internal/sqlite_connection.h"

namespace martlet::metadata::internal {

Result<std::vector<StoredTable>> SqliteConnection::tables() {
  MARTLET_TRY_SET(const Outcome names,
                  run("SELECT name FROM sqlite_schema WHERE type = 'table' AND "
                      "name NOT LIKE 'sqlite_%' ORDER BY name",
                      {}));
  std::vector<StoredTable> tables;
  for (const Row& row : names.rows) {
    StoredTable table;
    table.name = std::get<std::string>(row.at(0));
    const std::vector<Value> bound{Value(table.name)};
    MARTLET_TRY_SET(const Outcome columns,
                    run("SELECT name, pk FROM pragma_table_info(?1)", bound));
    std::vector<std::pair<std::string, std::size_t>> found;
    for (const Row& column : columns.rows) {
      found.emplace_back(std::get<std::string>(column.at(0)),
                         static_cast<std::size_t>(std::get<std::int64_t>(column.at(1))));
    }
    set_columns(table, std::move(found));
    MARTLET_TRY_SET(const Outcome references,
                    run("SELECT DISTINCT \"table\" FROM pragma_foreign_key_list(?1)", bound));
    for (const Row& reference : references.rows)
      table.refers_to.push_back(std::get<std::string>(reference.at(0)));
    // Those that the key made have no statement.
    MARTLET_TRY_SET(
        const Outcome indexes,
        run("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1 "
            "AND sql LIKE 'CREATE UNIQUE %'",
            bound));
    for (const Row& index : indexes.rows) {
      table.unique_indexes.push_back(
          {std::get<std::string>(index.at(0)), std::get<std::string>(index.at(1))});
    }
    tables.push_back(std::move(table));
  }
  return tables;
}

}  // namespace martlet::metadata::internal

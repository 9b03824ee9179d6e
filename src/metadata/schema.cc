#include "metadata/schema.h"

#include "base/text.h"
#include "metadata/database.h"
#include "metadata/internal/connection.h"
#include "metadata/internal/sql_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace martlet::metadata {

using internal::identifier;

namespace {

std::string column_text(const internal::Dialect& dialect, const Column& column) {
  return fmt::format("{} {}{}", identifier(column.name), dialect.type_name(column.type),
                     column.nullable ? "" : " NOT NULL");
}

// Defaults can't be bound; only what a migration may need is spelled out.
Result<std::string> literal(const Value& value) {
  if (std::holds_alternative<std::monostate>(value)) return std::string("NULL");
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (const auto* text = std::get_if<std::string>(&value)) {
    std::string quoted_text = "'";
    for (const char c : *text) {
      if (c == '\'') quoted_text += '\'';
      quoted_text += c;
    }
    return quoted_text + "'";
  }
  return internal_error("a new column's value for older records must be null, an integer or a "
                        "text; please report it");
}

std::string index_name(const internal::Dialect& dialect, const TableShape& shape,
                       const std::vector<std::string>& columns) {
  return identifier(
      dialect.index_name(fmt::format("{}_by_{}", shape.table, fmt::join(columns, "_"))));
}

}  // namespace

Result<void> SchemaEditor::create_table(const TableShape& shape, const TableOptions& options) {
  std::string text;
  for (const Column& column : shape.columns)
    text += (text.empty() ? "" : ", ") + column_text(connection_.dialect(), column);
  std::string key;
  for (const std::size_t index : shape.key)
    key += (key.empty() ? "" : ", ") + identifier(shape.columns[index].name);
  text += ", PRIMARY KEY (" + key + ")";
  for (const Reference& reference : options.references) {
    MARTLET_CHECK(shape.find(reference.column) != nullptr,
                  "a reference names a field that describe() doesn't");
    text += fmt::format(", FOREIGN KEY ({}) REFERENCES {}", identifier(reference.column),
                        identifier(reference.table));
  }
  MARTLET_TRY(connection_.change(fmt::format("CREATE TABLE {} ({}){}", identifier(shape.table),
                                             text, connection_.dialect().table_suffix(shape)),
                                 {}));
  return {};
}

Result<void> SchemaEditor::create_index(const TableShape& shape,
                                        const std::vector<std::string>& columns,
                                        Uniqueness uniqueness) {
  std::string list;
  for (const std::string& column : columns) {
    const Column* found = shape.find(column);
    MARTLET_CHECK(found != nullptr, "an index names a field that describe() doesn't");
    list += (list.empty() ? "" : ", ") + connection_.dialect().index_term(*found);
  }
  MARTLET_TRY(connection_.change(
      fmt::format("CREATE {}INDEX {} ON {} ({})", uniqueness == Uniqueness::Unique ? "UNIQUE " : "",
                  index_name(connection_.dialect(), shape, columns), identifier(shape.table), list),
      {}));
  return {};
}

Result<void> SchemaEditor::drop_index(const TableShape& shape,
                                      const std::vector<std::string>& columns) {
  MARTLET_TRY(
      connection_.change("DROP INDEX " + index_name(connection_.dialect(), shape, columns), {}));
  return {};
}

Result<void> SchemaEditor::add_column(const TableShape& shape, const std::string& column,
                                      const Value& existing) {
  const Column* wanted = shape.find(column);
  MARTLET_CHECK(wanted != nullptr, "add_column names a field that describe() doesn't");
  MARTLET_TRY_SET(const std::vector<std::string> present, connection_.columns_of(shape.table));
  if (std::find(present.begin(), present.end(), column) != present.end()) return {};
  MARTLET_TRY_SET(const std::string value, literal(existing));
  MARTLET_TRY(connection_.change(fmt::format("ALTER TABLE {} ADD COLUMN {} DEFAULT {}",
                                             identifier(shape.table),
                                             column_text(connection_.dialect(), *wanted), value),
                                 {}));
  return {};
}

Result<void> SchemaEditor::rename_column(const std::string& table, const std::string& from,
                                         const std::string& to) {
  MARTLET_TRY_SET(const std::vector<std::string> present, connection_.columns_of(table));
  if (std::find(present.begin(), present.end(), from) == present.end()) return {};
  MARTLET_TRY(connection_.change(fmt::format("ALTER TABLE {} RENAME COLUMN {} TO {}",
                                             identifier(table), identifier(from), identifier(to)),
                                 {}));
  return {};
}

Result<void> SchemaEditor::drop_table(const std::string& table) {
  MARTLET_TRY(connection_.change(fmt::format("DROP TABLE IF EXISTS {}", identifier(table)), {}));
  return {};
}

Result<void> SchemaEditor::with_records(const std::function<Result<void>(Transaction&)>& change) {
  Transaction tx(connection_);
  return change(tx);
}

}  // namespace martlet::metadata

#include "metadata/database.h"

#include "metadata/internal/connection.h"
#include "metadata/internal/sql_text.h"

#include <fmt/format.h>

namespace martlet::metadata {

using internal::column_list;
using internal::compared_parameter;
using internal::condition_text;
using internal::Connection;
using internal::identifier;
using internal::key_equals;
using internal::stored_parameter;

namespace {

std::string key_text(const Row& key) {
  std::string text;
  for (const Value& value : key) text += (text.empty() ? "" : ", ") + to_text(value);
  return text;
}

Row key_of(const TableShape& shape, const Row& row) {
  Row key;
  for (const std::size_t index : shape.key) key.push_back(row[index]);
  return key;
}

struct Statement {
  std::string sql;
  std::vector<Value> bound;
};

Statement get_statement(const internal::Dialect& dialect, const TableShape& shape, const Row& key) {
  Statement made;
  const std::string where = key_equals(dialect, shape, key, made.bound);
  made.sql =
      fmt::format("SELECT {} FROM {} WHERE {}", column_list(shape), identifier(shape.table), where);
  return made;
}

Result<Statement> select_statement(const internal::Dialect& dialect, const TableShape& shape,
                                   const Query& query) {
  Statement made;
  MARTLET_TRY_SET(const std::string rest, internal::query_text(dialect, shape, query, made.bound));
  made.sql = fmt::format("SELECT {} FROM {}{}", column_list(shape), identifier(shape.table), rest);
  return made;
}

Result<internal::Outcome> read(Connection& connection, const std::string& sql,
                               std::span<const Value> bound) {
  MARTLET_TRY(internal::check_texts(bound));
  return connection.read(sql, bound);
}

Result<internal::Outcome> change(Connection& connection, const std::string& sql,
                                 std::span<const Value> bound) {
  MARTLET_TRY(internal::check_texts(bound));
  return connection.change(sql, bound);
}

// A reference broken by a write means that what it points at is missing.
Error missing_target(Error error) {
  if (error.code() != ErrorCode::Conflict) return error;
  return Error(ErrorCode::NotFound, error.message());
}

}  // namespace

Error ReadTransaction::absent(std::string_view what, const Row& key) {
  return Error(ErrorCode::NotFound, fmt::format("there is no {} {}", what, key_text(key)));
}

Result<std::optional<Row>> ReadTransaction::get_row(const TableShape& shape, const Row& key) const {
  const Statement get = get_statement(connection_.dialect(), shape, key);
  MARTLET_TRY_SET(internal::Outcome outcome, read(connection_, get.sql, get.bound));
  if (outcome.rows.empty()) return std::optional<Row>();
  return std::optional<Row>(std::move(outcome.rows.front()));
}

Result<std::vector<Row>> ReadTransaction::select_rows(const TableShape& shape,
                                                      const Query& query) const {
  MARTLET_TRY_SET(const Statement select, select_statement(connection_.dialect(), shape, query));
  MARTLET_TRY_SET(internal::Outcome outcome, read(connection_, select.sql, select.bound));
  return std::move(outcome.rows);
}

// What is wrong with either is told when it is asked for.
void ReadTransaction::expect_row(const TableShape& shape, const Row& key) const {
  if (!connection_.reads_ahead()) return;
  const Statement get = get_statement(connection_.dialect(), shape, key);
  if (internal::check_texts(get.bound).has_value()) connection_.read_ahead(get.sql, get.bound);
}

void ReadTransaction::expect_rows(const TableShape& shape, const Query& query) const {
  if (!connection_.reads_ahead()) return;
  const auto select = select_statement(connection_.dialect(), shape, query);
  if (select.has_value() && internal::check_texts(select->bound).has_value())
    connection_.read_ahead(select->sql, select->bound);
}

Result<std::int64_t> ReadTransaction::count_rows(const TableShape& shape,
                                                 const Condition& condition,
                                                 std::optional<std::int64_t> limit) const {
  std::vector<Value> bound;
  MARTLET_TRY_SET(const std::string where,
                  condition_text(connection_.dialect(), shape, condition, bound));
  std::string sql = fmt::format("SELECT count(*) FROM {} WHERE {}", identifier(shape.table), where);
  if (limit.has_value()) {
    sql = fmt::format("SELECT count(*) FROM (SELECT 1 FROM {} WHERE {} LIMIT {}) AS few",
                      identifier(shape.table), where,
                      compared_parameter(connection_.dialect(), bound, *limit));
  }
  MARTLET_TRY_SET(internal::Outcome outcome, read(connection_, sql, bound));
  return std::get<std::int64_t>(outcome.rows.at(0).at(0));
}

Result<std::optional<std::int64_t>>
ReadTransaction::greatest_integer(const TableShape& shape, const std::string& column,
                                  const Condition& condition) const {
  const Column* found = shape.find(column);
  if (found == nullptr || found->type != ColumnType::Integer) {
    return internal_error(
        fmt::format("{} has no integer column {}; please report it", shape.table, column));
  }
  std::vector<Value> bound;
  MARTLET_TRY_SET(const std::string where,
                  condition_text(connection_.dialect(), shape, condition, bound));
  MARTLET_TRY_SET(internal::Outcome outcome,
                  read(connection_,
                       fmt::format("SELECT max({}) FROM {} WHERE {}", identifier(column),
                                   identifier(shape.table), where),
                       bound));
  const auto* number = std::get_if<std::int64_t>(&outcome.rows.at(0).at(0));
  return number == nullptr ? std::optional<std::int64_t>() : std::optional<std::int64_t>(*number);
}

Result<bool> Transaction::insert_row(const TableShape& shape, const Row& row,
                                     OnExisting on_existing) {
  std::vector<Value> bound;
  std::string values;
  const internal::Dialect& dialect = connection_.dialect();
  for (const Value& value : row)
    values.append(values.empty() ? "" : ", ").append(stored_parameter(dialect, bound, value));
  std::string sql = fmt::format("INSERT INTO {} ({}) VALUES ({})", identifier(shape.table),
                                column_list(shape), values);
  const bool put_off = on_existing != OnExisting::Keep && connection_.puts_off();
  if (on_existing == OnExisting::Refuse) {
    if (!put_off) sql += dialect.refuse_existing();
  } else {
    std::string key;
    for (const std::size_t index : shape.key)
      key += (key.empty() ? "" : ", ") + identifier(shape.columns[index].name);
    std::string changes;
    for (std::size_t i = 0; i < shape.columns.size(); ++i) {
      if (shape.is_key(i)) continue;
      const std::string name = identifier(shape.columns[i].name);
      changes.append(changes.empty() ? "" : ", ").append(name).append(" = excluded.").append(name);
    }
    const bool replace = on_existing == OnExisting::Replace && !changes.empty();
    sql +=
        fmt::format(" ON CONFLICT ({}) DO {}", key, replace ? "UPDATE SET " + changes : "NOTHING");
  }
  if (put_off) {
    MARTLET_TRY(internal::check_texts(bound));
    return connection_.put_off(sql, bound, Connection::MustChange::Nothing).map([] {
      return true;
    });
  }
  auto outcome = change(connection_, sql, bound);
  if (!outcome.has_value()) {
    return fail(missing_target(std::move(outcome).error())
                    .with_context(fmt::format("writing a record of {} ({})", shape.table,
                                              key_text(key_of(shape, row)))));
  }
  if (on_existing == OnExisting::Refuse && outcome->changes == 0) {
    return fail(
        ErrorCode::AlreadyExists,
        fmt::format("writing a record of {} ({}): a record with this key, or with its value "
                    "of a unique index, exists already",
                    shape.table, key_text(key_of(shape, row))));
  }
  return outcome->changes > 0;
}

Result<void> Transaction::update_row(const TableShape& shape, const Row& row,
                                     const Condition& expected) {
  std::vector<Value> bound;
  std::string changes;
  for (std::size_t i = 0; i < shape.columns.size(); ++i) {
    if (shape.is_key(i)) continue;
    changes += (changes.empty() ? "" : ", ") + identifier(shape.columns[i].name) + " = " +
               stored_parameter(connection_.dialect(), bound, row[i]);
  }
  MARTLET_CHECK(!changes.empty(), "a record that is all key can't be updated");
  const Row key = key_of(shape, row);
  const std::string where = key_equals(connection_.dialect(), shape, key, bound);
  MARTLET_TRY_SET(const std::string condition,
                  condition_text(connection_.dialect(), shape, expected, bound));
  const std::string sql = fmt::format("UPDATE {} SET {} WHERE {} AND {}", identifier(shape.table),
                                      changes, where, condition);
  if (expected.kind == Condition::Kind::Always && connection_.puts_off()) {
    MARTLET_TRY(internal::check_texts(bound));
    return connection_.put_off(sql, bound, Connection::MustChange::OneRecord);
  }
  auto outcome = change(connection_, sql, bound);
  if (!outcome.has_value()) {
    return fail(
        missing_target(std::move(outcome).error())
            .with_context(fmt::format("updating a record of {} ({})", shape.table, key_text(key))));
  }
  if (outcome->changes > 0) return {};
  MARTLET_TRY_SET(const std::optional<Row> present, get_row(shape, key));
  if (!present.has_value())
    return not_found(fmt::format("updating {}: there is no record {}", shape.table, key_text(key)));
  return conflict(
      fmt::format("updating {} ({}): somebody changed it first; read it again and retry",
                  shape.table, key_text(key)));
}

Result<std::int64_t> Transaction::set_rows(const TableShape& shape, const Condition& condition,
                                           const std::string& column, Value value) {
  if (shape.find(column) == nullptr) {
    return internal_error(
        fmt::format("{} has no column {}; please report it", shape.table, column));
  }
  std::vector<Value> bound;
  const std::string set =
      identifier(column) + " = " + stored_parameter(connection_.dialect(), bound, std::move(value));
  MARTLET_TRY_SET(const std::string where,
                  condition_text(connection_.dialect(), shape, condition, bound));
  auto outcome =
      change(connection_,
             fmt::format("UPDATE {} SET {} WHERE {}", identifier(shape.table), set, where), bound);
  if (!outcome.has_value()) {
    return fail(missing_target(std::move(outcome).error())
                    .with_context(fmt::format("setting {} of {}", column, shape.table)));
  }
  return outcome->changes;
}

Result<bool> Transaction::remove_row(const TableShape& shape, const Row& key) {
  std::vector<Value> bound;
  const std::string where = key_equals(connection_.dialect(), shape, key, bound);
  auto outcome = change(
      connection_, fmt::format("DELETE FROM {} WHERE {}", identifier(shape.table), where), bound);
  if (!outcome.has_value()) {
    return fail(std::move(outcome).error().with_context(
        fmt::format("removing a record of {} ({})", shape.table, key_text(key))));
  }
  return outcome->changes > 0;
}

Result<std::int64_t> Transaction::remove_rows(const TableShape& shape, const Condition& condition) {
  std::vector<Value> bound;
  MARTLET_TRY_SET(const std::string where,
                  condition_text(connection_.dialect(), shape, condition, bound));
  auto outcome = change(
      connection_, fmt::format("DELETE FROM {} WHERE {}", identifier(shape.table), where), bound);
  if (!outcome.has_value())
    return fail(std::move(outcome).error().with_context(
        fmt::format("removing records of {}", shape.table)));
  return outcome->changes;
}

}  // namespace martlet::metadata

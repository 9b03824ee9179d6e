#include "metadata/table_copy.h"

#include "metadata/database.h"
#include "metadata/internal/dialect.h"
#include "metadata/internal/migrations.h"
#include "metadata/internal/row_stream.h"
#include "metadata/internal/sql_text.h"
#include "metadata/store_copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace martlet::metadata {

namespace internal {

struct WholeTables {
  static Connection& of(const ReadTransaction& tx) { return tx.connection_; }
};

}  // namespace internal

namespace {

using internal::Connection;
using internal::identifier;
using internal::key_of;
using internal::key_text;
using internal::RowStream;
using internal::StoredTable;
using internal::WholeTables;

constexpr std::size_t kRowsPerInsert = 50;

// Those that are copied, each after those that it refers to.
Result<std::vector<StoredTable>> tables_of(Connection& connection) {
  MARTLET_TRY_SET(std::vector<StoredTable> left, connection.tables());
  std::erase_if(left, [](const StoredTable& table) {
    return table.name == internal::SchemaRecord::kRecord.table ||
           table.name == StoreCopyRecord::kRecord.table;
  });
  std::vector<StoredTable> sorted;
  while (!left.empty()) {
    const auto waits = [&](const StoredTable& table) {
      return std::any_of(left.begin(), left.end(), [&](const StoredTable& other) {
        return other.name != table.name && std::find(table.refers_to.begin(), table.refers_to.end(),
                                                     other.name) != table.refers_to.end();
      });
    };
    const auto next = std::find_if_not(left.begin(), left.end(), waits);
    if (next == left.end())
      return internal_error(
          "tables of the store refer to each other in a circle; please report it");
    sorted.push_back(std::move(*next));
    left.erase(next);
  }
  return sorted;
}

Result<std::vector<StoredTable>> same_tables(Connection& from, Connection& to) {
  MARTLET_TRY_SET(std::vector<StoredTable> ours, tables_of(from));
  MARTLET_TRY_SET(const std::vector<StoredTable> theirs, tables_of(to));
  std::string other;
  for (const StoredTable& table : ours) {
    const bool is_there = std::any_of(theirs.begin(), theirs.end(), [&](const StoredTable& their) {
      return their.is_like(table);
    });
    if (!is_there) other = table.name;
  }
  if (ours.size() == theirs.size() && other.empty()) return ours;
  return internal_error(
      fmt::format("the two stores don't have the same tables ({}); please report it",
                  other.empty() ? fmt::format("{} and {}", ours.size(), theirs.size()) : other));
}

class TableWriter {
 public:
  TableWriter(Connection& connection, const StoredTable& table)
      : connection_(connection), table_(table) {}

  Result<void> insert(const Row& row) {
    waiting_.push_back(row);
    return waiting_.size() == kRowsPerInsert ? flush() : Result<void>{};
  }
  Result<void> flush() {
    if (waiting_.size() == kRowsPerInsert) {
      MARTLET_TRY(run_insert(waiting_));
    } else {  // a statement for each number of rows would only fill the driver's memory of them
      for (Row& row : waiting_) MARTLET_TRY(run_insert({&row, 1}));
    }
    waiting_.clear();
    return {};
  }
  Result<void> update(const Row& row) {
    std::vector<Value> bound;
    std::string changes;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (std::find(table_.key.begin(), table_.key.end(), i) != table_.key.end()) continue;
      changes += fmt::format("{}{} = {}", changes.empty() ? "" : ", ",
                             identifier(table_.columns[i]), bind(bound, row[i]));
    }
    const std::string where = is_key(bound, row);
    return run(fmt::format("UPDATE {} SET {} WHERE {}", identifier(table_.name), changes, where),
               bound, row);
  }
  Result<void> remove(const Row& row) {
    std::vector<Value> bound;
    const std::string where = is_key(bound, row);
    return run(fmt::format("DELETE FROM {} WHERE {}", identifier(table_.name), where), bound, row);
  }

 private:
  std::string bind(std::vector<Value>& bound, const Value& value) const {
    return internal::stored_parameter(connection_.dialect(), bound, value);
  }
  std::string is_key(std::vector<Value>& bound, const Row& row) const {
    std::string text;
    for (const std::size_t index : table_.key)
      text += fmt::format("{}{} = {}", text.empty() ? "" : " AND ",
                          identifier(table_.columns[index]), bind(bound, row[index]));
    return text;
  }
  Result<void> run_insert(std::span<const Row> rows) {
    std::string list;
    for (const std::string& column : table_.columns)
      list += (list.empty() ? "" : ", ") + identifier(column);
    std::vector<Value> bound;
    std::string values;
    for (const Row& row : rows) {
      values += values.empty() ? "(" : ", (";
      for (std::size_t i = 0; i < row.size(); ++i)
        values += (i == 0 ? "" : ", ") + bind(bound, row[i]);
      values += ")";
    }
    return run(fmt::format("INSERT INTO {} ({}) VALUES {}", identifier(table_.name), list, values),
               bound, rows.front());
  }
  Result<void> run(const std::string& sql, const std::vector<Value>& bound, const Row& row) {
    Result<void> done = internal::check_texts(bound);
    if (done.has_value()) done = connection_.change(sql, bound).map([](internal::Outcome&&) {});
    if (done.has_value()) return {};
    return fail(std::move(done).error().with_context(
        fmt::format("writing {} (from {} on)", table_.name, key_text(table_, row))));
  }

  Connection& connection_;
  const StoredTable& table_;
  std::vector<Row> waiting_;
};

// What is done about a row that isn't the same in both; the rows are the stream's.
struct Visitor {
  std::function<Result<void>(const Row&)> missing;
  std::function<Result<void>(const Row&)> changed;
  std::function<Result<void>(const Row&)> extra;
};

class Comparison {
 public:
  Comparison(Connection& from, Connection& to, const StoredTable& table, const Visitor& visitor,
             const BetweenPages& between)
      : table_(table), ours_(from, table), theirs_(to, table), visitor_(visitor),
        between_(between) {
    found_.table = table.name;
  }

  Result<TableDifference> run() {
    for (;;) {
      if (between_ && (ours_.at_page_end() || theirs_.at_page_end())) MARTLET_TRY(between_());
      MARTLET_TRY_SET(const Row* ours, ours_.peek());
      MARTLET_TRY_SET(const Row* theirs, theirs_.peek());
      if (ours == nullptr && theirs == nullptr) break;
      MARTLET_TRY(step(ours, theirs));
    }
    found_.from = ours_.sum();
    found_.to = theirs_.sum();
    return std::move(found_);
  }

 private:
  Result<void> step(const Row* ours, const Row* theirs) {
    const auto order = ours == nullptr     ? std::strong_ordering::greater
                       : theirs == nullptr ? std::strong_ordering::less
                                           : internal::compare_keys(table_, *ours, *theirs);
    if (order == std::strong_ordering::less) {
      MARTLET_TRY(note(*ours, found_.missing, visitor_.missing));
      ours_.pop();
    } else if (order == std::strong_ordering::greater) {
      MARTLET_TRY(note(*theirs, found_.extra, visitor_.extra));
      theirs_.pop();
    } else {
      if (!internal::same_rows(*ours, *theirs))
        MARTLET_TRY(note(*ours, found_.changed, visitor_.changed));
      ours_.pop();
      theirs_.pop();
    }
    return {};
  }
  Result<void> note(const Row& row, std::int64_t& count,
                    const std::function<Result<void>(const Row&)>& visit) {
    ++count;
    if (found_.first.empty()) found_.first = key_text(table_, row);
    return visit ? visit(row) : Result<void>{};
  }

  const StoredTable& table_;
  RowStream ours_;
  RowStream theirs_;
  const Visitor& visitor_;
  const BetweenPages& between_;
  TableDifference found_;
};

// Everything of one table but what is too much: other tables' rows may still refer to that.
Result<TableDifference> bring_over(Connection& from, Connection& to, const StoredTable& theirs,
                                   const BetweenPages& between) {
  for (const StoredTable::Index& index : theirs.unique_indexes)
    MARTLET_TRY(to.change("DROP INDEX " + identifier(index.name), {}));
  TableWriter writer(to, theirs);
  const Visitor visitor{[&](const Row& row) { return writer.insert(row); },
                        [&](const Row& row) { return writer.update(row); },
                        {}};
  MARTLET_TRY_SET(TableDifference found, Comparison(from, to, theirs, visitor, between).run());
  MARTLET_TRY(writer.flush());
  return found;
}

Result<void> remove_extra(Connection& from, Connection& to, const StoredTable& theirs,
                          const BetweenPages& between) {
  TableWriter writer(to, theirs);
  const Visitor visitor{{}, {}, [&](const Row& row) { return writer.remove(row); }};
  return Comparison(from, to, theirs, visitor, between).run().map([](TableDifference&&) {});
}

}  // namespace

Result<TableSums> sum_tables(const ReadTransaction& tx, const BetweenPages& between) {
  Connection& connection = WholeTables::of(tx);
  MARTLET_TRY_SET(const std::vector<StoredTable> tables, tables_of(connection));
  TableSums sums;
  for (const StoredTable& table : tables) {
    RowStream rows(connection, table);
    for (;;) {
      if (between && rows.at_page_end()) MARTLET_TRY(between());
      MARTLET_TRY_SET(const Row* row, rows.peek());
      if (row == nullptr) break;
      rows.pop();
    }
    sums[table.name] = rows.sum();
  }
  return sums;
}

Result<std::vector<TableDifference>> compare_tables(const ReadTransaction& from,
                                                    const ReadTransaction& to,
                                                    const BetweenPages& between) {
  Connection& ours = WholeTables::of(from);
  Connection& theirs = WholeTables::of(to);
  MARTLET_TRY_SET(const std::vector<StoredTable> tables, same_tables(ours, theirs));
  std::vector<TableDifference> found;
  for (const StoredTable& table : tables) {
    MARTLET_TRY_SET(TableDifference difference,
                    Comparison(ours, theirs, table, Visitor(), between).run());
    found.push_back(std::move(difference));
  }
  return found;
}

Result<std::vector<TableDifference>> make_tables_equal(const ReadTransaction& from, Transaction& to,
                                                       const BetweenPages& between) {
  Connection& ours = WholeTables::of(from);
  Connection& theirs = WholeTables::of(to);
  MARTLET_TRY(same_tables(ours, theirs));
  MARTLET_TRY_SET(const std::vector<StoredTable> tables, tables_of(theirs));
  std::vector<TableDifference> found;
  for (const StoredTable& table : tables) {
    MARTLET_TRY_SET(TableDifference difference, bring_over(ours, theirs, table, between));
    found.push_back(std::move(difference));
  }
  for (std::size_t i = tables.size(); i-- > 0;) {
    if (found[i].extra > 0) MARTLET_TRY(remove_extra(ours, theirs, tables[i], between));
  }
  for (const StoredTable& table : tables) {
    for (const StoredTable::Index& index : table.unique_indexes)
      MARTLET_TRY(theirs.change(index.statement, {}));
  }
  return found;
}

}  // namespace martlet::metadata

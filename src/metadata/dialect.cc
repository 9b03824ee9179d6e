#include "metadata/internal/dialect.h"

#include "base/digest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace martlet::metadata::internal {

namespace {

// x = $1, or x IN ($1, $2).
std::string among(std::string_view expression, const std::vector<std::string>& values) {
  if (values.size() == 1) return fmt::format("{} = {}", expression, values.front());
  return fmt::format("{} IN ({})", expression, fmt::join(values, ", "));
}

std::vector<std::string> all_compared(const Dialect& dialect,
                                      const std::vector<std::size_t>& numbers,
                                      const std::vector<Value>& bound) {
  std::vector<std::string> texts;
  for (const std::size_t number : numbers)
    texts.push_back(dialect.compared(number, bound[number - 1]));
  return texts;
}

// PostgreSQL's B-trees take rows of 2,704 bytes. What users write as a param, a tag or the like is
// longer, and is called `value` in every record; its indexes hold the first characters (of four
// bytes at most, beside a key of 250 such). Other texts are short: names, ids, digests, paths.
constexpr int kIndexedCharacters = 300;
bool may_be_long(const Column& column) {
  return column.type == ColumnType::Text && column.name == "value";
}
std::string beginning(std::string_view expression) {
  return fmt::format("left({}, {})", expression, kIndexedCharacters);
}

std::string direction(const Query::Term& term) {
  return identifier(term.column) + (term.order == Order::Descending ? " DESC" : " ASC");
}

class SqliteDialect : public Dialect {
 public:
  std::string_view type_name(ColumnType type) const override {
    switch (type) {
      case ColumnType::Integer: return "INTEGER";
      case ColumnType::Real: return "REAL";
      case ColumnType::Text: return "TEXT";
      case ColumnType::Bytes: return "BLOB";
    }
    return "BLOB";
  }
  std::string_view table_suffix(const TableShape& /*shape*/) const override { return " STRICT"; }
  std::string placeholder(std::size_t number) const override {
    return "?" + std::to_string(number);
  }
  std::string compared(std::size_t number, const Value& /*value*/) const override {
    return placeholder(number);
  }
  std::string like(std::string_view expression, const std::string& pattern, MatchCase match,
                   std::vector<Value>& bound) const override {
    if (match == MatchCase::Insensitive) {
      bound.emplace_back(pattern);
      return fmt::format("{} LIKE {}", expression, placeholder(bound.size()));
    }
    // SQLite's LIKE folds ASCII case; GLOB doesn't.
    std::string glob;
    for (const char c : pattern) {
      if (c == '%') {
        glob += '*';
      } else if (c == '_') {
        glob += '?';
      } else if (c == '*' || c == '?' || c == '[') {
        glob += '[';
        glob += c;
        glob += ']';
      } else {
        glob += c;
      }
    }
    bound.emplace_back(std::move(glob));
    std::string matches = fmt::format("{} GLOB {}", expression, placeholder(bound.size()));
    // An index serves the beginning that all matches share; SQLite doesn't see it in a bound value.
    std::string beginning = pattern.substr(0, pattern.find_first_of("%_"));
    const bool has_next =
        !beginning.empty() && beginning.back() > 0 && beginning.back() < 0x7e;  // ASCII
    if (!has_next) return matches;
    bound.emplace_back(beginning);
    const std::string from = placeholder(bound.size());
    ++beginning.back();
    bound.emplace_back(std::move(beginning));
    return fmt::format("({0} >= {1} AND {0} < {2} AND {3})", expression, from,
                       placeholder(bound.size()), matches);
  }
  std::string is_one_of(const Column& /*column*/, std::string_view expression,
                        const std::vector<std::size_t>& numbers,
                        const std::vector<Value>& bound) const override {
    return among(expression, all_compared(*this, numbers, bound));
  }
  std::string order_term(const Column& /*column*/, const Query::Term& term) const override {
    // Without the word, descending order can use an index: nulls come last there by themselves.
    const bool say_it = term.nulls_last && term.order == Order::Ascending;
    return direction(term) + (say_it ? " NULLS LAST" : "");
  }
  std::string index_term(const Column& column) const override { return identifier(column.name); }
  std::string index_name(const std::string& wanted) const override { return wanted; }
  // The error of a broken key says which one it was.
  std::string_view refuse_existing() const override { return ""; }
};

class PostgresDialect : public Dialect {
 public:
  std::string_view type_name(ColumnType type) const override {
    switch (type) {
      case ColumnType::Integer: return "bigint";
      case ColumnType::Real: return "double precision";
      case ColumnType::Text: return "text COLLATE \"C\"";  // by bytes, and ASCII alone has case
      case ColumnType::Bytes: return "bytea";
    }
    return "bytea";
  }
  // Bytes are kept as they are, in the row, as long as a page takes it: packing them, or spreading
  // them over other rows, costs more than the rest of a write.
  std::string_view table_suffix(const TableShape& shape) const override {
    const bool bytes =
        std::any_of(shape.columns.begin(), shape.columns.end(),
                    [](const Column& column) { return column.type == ColumnType::Bytes; });
    return bytes ? " WITH (toast_tuple_target = 8160)" : "";
  }
  // Its type follows from the column, so that a null needs no other statement than a value.
  std::string placeholder(std::size_t number) const override {
    return "$" + std::to_string(number);
  }
  // Numbers say their type: 2.5 may be compared with a column of integers.
  std::string compared(std::size_t number, const Value& value) const override {
    if (std::holds_alternative<std::int64_t>(value)) return placeholder(number) + "::bigint";
    if (std::holds_alternative<double>(value)) return placeholder(number) + "::double precision";
    return placeholder(number);
  }
  std::string like(std::string_view expression, const std::string& pattern, MatchCase match,
                   std::vector<Value>& bound) const override {
    bound.emplace_back(pattern);
    return fmt::format("{} {} {} ESCAPE ''", expression,
                       match == MatchCase::Insensitive ? "ILIKE" : "LIKE",
                       placeholder(bound.size()));
  }
  // Its beginning is what the index has of a long text; the whole text decides.
  std::string is_one_of(const Column& column, std::string_view expression,
                        const std::vector<std::size_t>& numbers,
                        const std::vector<Value>& bound) const override {
    std::vector<std::string> values = all_compared(*this, numbers, bound);
    std::string whole = among(expression, values);
    if (!may_be_long(column)) return whole;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (!std::holds_alternative<std::string>(bound[numbers[i] - 1])) return whole;
      values[i] = beginning(values[i]);
    }
    return fmt::format("({} AND {})", among(beginning(expression), values), whole);
  }
  // Unless told otherwise, nulls count as greater than any value here. Columns without nulls don't
  // say it: their indexes are in the order that goes without saying.
  std::string order_term(const Column& column, const Query::Term& term) const override {
    if (!column.nullable) return direction(term);
    const bool last = term.nulls_last || term.order == Order::Descending;
    return direction(term) + (last ? " NULLS LAST" : " NULLS FIRST");
  }
  // Serves both orders, read forwards and backwards.
  std::string index_term(const Column& column) const override {
    const std::string name = identifier(column.name);
    return (may_be_long(column) ? beginning(name) : name) + (column.nullable ? " NULLS FIRST" : "");
  }
  // PostgreSQL cuts names at 63 bytes, by which two could become one.
  std::string index_name(const std::string& wanted) const override {
    constexpr std::size_t kMaxName = 63;
    constexpr std::size_t kDigits = 12;
    if (wanted.size() <= kMaxName) return wanted;
    return wanted.substr(0, kMaxName - kDigits - 1) + "_" +
           digest_of(std::string_view(wanted)).hex().substr(0, kDigits);
  }
  // A broken key would end the whole transaction; and where the record that exists is newer than
  // the snapshot, this is a serialization failure, which is tried again.
  std::string_view refuse_existing() const override { return " ON CONFLICT DO NOTHING"; }
};

}  // namespace

const Dialect& sqlite_dialect() {
  static const SqliteDialect dialect;
  return dialect;
}

const Dialect& postgres_dialect() {
  static const PostgresDialect dialect;
  return dialect;
}

std::string identifier(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + "\"";
}

}  // namespace martlet::metadata::internal

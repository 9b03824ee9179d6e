#include "metadata/internal/sql_text.h"

#include "base/text.h"

#include <fmt/format.h>

namespace martlet::metadata::internal {

namespace {

constexpr std::size_t kMaxInValues = 1000;
constexpr int kMaxDepth = 64;  // of a condition's tree

Error unknown_column(const TableShape& shape, std::string_view column) {
  return Error(
      ErrorCode::Internal,
      fmt::format(
          "a query of {} names the column {}, which the record doesn't have; please report it",
          shape.table, column));
}

// Without what a terminal or a log would choke on.
std::string quoted(const Value& value) {
  std::string text;
  for (const char c : to_text(value)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      text += c;
    } else {
      text += fmt::format("\\x{:02x}", byte);
    }
  }
  return text;
}

// Columns are written with their table, since a related table may have columns of the same names.
struct ConditionWriter {
  const Dialect& dialect;
  const TableShape& shape;
  std::vector<Value>& bound;
  std::string table;  // as it is called here: another name when a table is related to itself

  std::string column(std::string_view name) const {
    return identifier(table) + "." + identifier(name);
  }

  Result<std::string> related(const Condition& condition, int depth) {
    const TableShape& theirs = *condition.relation.shape;
    const bool itself = theirs.table == shape.table;
    ConditionWriter inner{dialect, theirs, bound, itself ? table + "_other" : theirs.table};
    std::string text = fmt::format("EXISTS (SELECT 1 FROM {}{} WHERE ", identifier(theirs.table),
                                   itself ? " AS " + identifier(inner.table) : "");
    for (const auto& [their, our] : condition.relation.on) {
      if (theirs.find(their) == nullptr) return fail(unknown_column(theirs, their));
      if (shape.find(our) == nullptr) return fail(unknown_column(shape, our));
      text += fmt::format("{} = {} AND ", inner.column(their), column(our));
    }
    MARTLET_TRY_SET(const std::string part, inner.write(condition.parts.front(), depth + 1));
    return text + part + ")";
  }

  Result<std::string> parts(const Condition& condition, std::string_view operation,
                            std::string_view of_none, int depth) {
    if (condition.parts.empty()) return std::string(of_none);
    std::string text = "(";
    for (std::size_t i = 0; i < condition.parts.size(); ++i) {
      if (i > 0) text += operation;
      MARTLET_TRY_SET(const std::string part, write(condition.parts[i], depth + 1));
      text += part;
    }
    return text + ")";
  }

  Result<std::string> compare(const Condition& condition, std::string_view operation) {
    return fmt::format("{} {} {}", column(condition.column), operation,
                       compared_parameter(dialect, bound, condition.values.front()));
  }

  std::string one_of(const Condition& condition) {
    std::vector<std::size_t> numbers;
    for (const Value& value : condition.values) {
      bound.push_back(value);
      numbers.push_back(bound.size());
    }
    return dialect.is_one_of(*shape.find(condition.column), column(condition.column), numbers,
                             bound);
  }

  Result<std::string> write(const Condition& condition, int depth) {
    if (depth > kMaxDepth)
      return invalid_argument(fmt::format(
          "a condition on {} is nested more than {} deep; simplify it", shape.table, kMaxDepth));
    using Kind = Condition::Kind;
    switch (condition.kind) {
      case Kind::Always: return std::string("1 = 1");
      case Kind::All: return parts(condition, " AND ", "1 = 1", depth);
      case Kind::Any: return parts(condition, " OR ", "1 = 0", depth);
      case Kind::Not: {
        MARTLET_CHECK(condition.parts.size() == 1, "negate() has one part");
        MARTLET_TRY_SET(const std::string part, write(condition.parts.front(), depth + 1));
        return "NOT (" + part + ")";
      }
      case Kind::Exists: return related(condition, depth);
      default: break;
    }
    if (shape.find(condition.column) == nullptr)
      return fail(unknown_column(shape, condition.column));
    switch (condition.kind) {
      case Kind::Equal:
        if (std::holds_alternative<std::monostate>(condition.values.front()))
          return column(condition.column) + " IS NULL";
        return one_of(condition);
      case Kind::NotEqual: return compare(condition, "<>");
      case Kind::Less: return compare(condition, "<");
      case Kind::AtMost: return compare(condition, "<=");
      case Kind::Greater: return compare(condition, ">");
      case Kind::AtLeast: return compare(condition, ">=");
      case Kind::IsNull: return column(condition.column) + " IS NULL";
      case Kind::Like:
      case Kind::LikeIgnoringCase:
        return dialect.like(column(condition.column),
                            std::get<std::string>(condition.values.front()),
                            condition.kind == Kind::LikeIgnoringCase ? MatchCase::Insensitive
                                                                     : MatchCase::Sensitive,
                            bound);
      case Kind::In: {
        if (condition.values.empty()) return std::string("1 = 0");
        if (condition.values.size() > kMaxInValues) {
          return invalid_argument(
              fmt::format("looking for {} values of {} at once, where {} are allowed; ask in parts",
                          condition.values.size(), condition.column, kMaxInValues));
        }
        return one_of(condition);
      }
      default: break;
    }
    return internal_error("a condition of an unknown kind; please report it");
  }
};

}  // namespace

std::string column_list(const TableShape& shape) {
  std::string text;
  for (const Column& column : shape.columns) {
    if (!text.empty()) text += ", ";
    text += identifier(column.name);
  }
  return text;
}

std::string stored_parameter(const Dialect& dialect, std::vector<Value>& bound, Value value) {
  bound.push_back(std::move(value));
  return dialect.placeholder(bound.size());
}

std::string compared_parameter(const Dialect& dialect, std::vector<Value>& bound, Value value) {
  bound.push_back(std::move(value));
  return dialect.compared(bound.size(), bound.back());
}

Result<void> check_texts(std::span<const Value> bound) {
  for (const Value& value : bound) {
    const auto* text = std::get_if<std::string>(&value);
    if (text == nullptr) continue;
    if (text->find('\0') != std::string::npos)
      return invalid_argument("a text with a NUL character can't be stored or looked for: " +
                              quoted(value));
    if (!is_valid_utf8(*text))
      return invalid_argument("a text that is no UTF-8 can't be stored or looked for: " +
                              quoted(value));
  }
  return {};
}

std::string key_equals(const Dialect& dialect, const TableShape& shape, const Row& key,
                       std::vector<Value>& bound) {
  MARTLET_CHECK(key.size() == shape.key.size(), "a look-up needs every field of the record's key");
  std::string text;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (i > 0) text += " AND ";
    text += identifier(shape.columns[shape.key[i]].name) + " = " +
            compared_parameter(dialect, bound, key[i]);
  }
  return text;
}

Result<std::string> condition_text(const Dialect& dialect, const TableShape& shape,
                                   const Condition& condition, std::vector<Value>& bound) {
  return ConditionWriter{dialect, shape, bound, shape.table}.write(condition, 0);
}

Result<std::string> query_text(const Dialect& dialect, const TableShape& shape, const Query& query,
                               std::vector<Value>& bound) {
  std::string text;
  if (query.condition().kind != Condition::Kind::Always) {
    MARTLET_TRY_SET(const std::string condition,
                    condition_text(dialect, shape, query.condition(), bound));
    text += " WHERE " + condition;
  }
  for (std::size_t i = 0; i < query.orders().size(); ++i) {
    const Query::Term& term = query.orders()[i];
    const Column* column = shape.find(term.column);
    if (column == nullptr) return fail(unknown_column(shape, term.column));
    text += i == 0 ? " ORDER BY " : ", ";
    text += dialect.order_term(*column, term);
  }
  if (query.row_limit().has_value() || query.row_offset() > 0) {
    const std::int64_t limit = query.row_limit().value_or(std::numeric_limits<std::int64_t>::max());
    if (limit < 0 || query.row_offset() < 0)
      return invalid_argument("a query's limit and offset can't be negative");
    if (limit == 1 && query.row_offset() == 0) return text + " LIMIT 1";  // tells the planner much
    text += " LIMIT " + compared_parameter(dialect, bound, limit);
    text += " OFFSET " + compared_parameter(dialect, bound, query.row_offset());
  }
  return text;
}

}  // namespace martlet::metadata::internal

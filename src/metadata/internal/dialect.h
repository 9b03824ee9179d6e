// metadata/internal/dialect.h: where SQLite and PostgreSQL spell SQL differently. The rest of every
// statement lies in the subset that they share (sql_text.h).
//
// Both make the same promises: texts compare and sort bytewise, LIKE ignores case for ASCII letters
// only and knows no escape character, nulls count as smaller than any value.
#pragma once
#include "metadata/query.h"
#include "metadata/record.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::metadata::internal {

class Dialect {
 public:
  virtual ~Dialect() = default;

  virtual std::string_view type_name(ColumnType type) const = 0;
  // What follows CREATE TABLE (…).
  virtual std::string_view table_suffix(const TableShape& shape) const = 0;
  // The bound value of this number, from 1: as a column takes it, and as a column is compared with
  // it.
  virtual std::string placeholder(std::size_t number) const = 0;
  virtual std::string compared(std::size_t number, const Value& value) const = 0;
  // An expression's match with a pattern, which is appended to `bound`.
  virtual std::string like(std::string_view expression, const std::string& pattern, MatchCase match,
                           std::vector<Value>& bound) const = 0;
  // Whether `expression`, which stands for the column, is one of the bound values with these
  // numbers; spelt such that the column's index serves it.
  virtual std::string is_one_of(const Column& column, std::string_view expression,
                                const std::vector<std::size_t>& numbers,
                                const std::vector<Value>& bound) const = 0;
  virtual std::string order_term(const Column& column, const Query::Term& term) const = 0;
  // The beginning of a text that may be long, where an index takes short ones only.
  virtual std::string index_term(const Column& column) const = 0;
  virtual std::string index_name(const std::string& wanted) const = 0;
  // What follows an INSERT of a record that may not exist yet. Where it isn't empty, a record that
  // exists shows as a statement that changed nothing.
  virtual std::string_view refuse_existing() const = 0;
};

const Dialect& sqlite_dialect();
const Dialect& postgres_dialect();

// "name" in double quotes.
std::string identifier(std::string_view name);

}  // namespace martlet::metadata::internal

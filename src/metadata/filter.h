// metadata/filter.h: the search language as text: clauses joined by AND, and terms to order by.
//
//   metrics.auc > 0.9 and params.`max depth` = '6' and attributes.status in ('FINISHED', 'FAILED')
//
// Only the grammar is here. Which entities and keys there are, what they are compared with and what
// a clause means is said by the module whose records are searched; it makes a Condition of bound
// values, so no text from outside ever becomes SQL. Pure functions and values; thread-safe.
// Source of the grammar: the search syntax of MLflow's REST API.
#pragma once
#include "base/result.h"
#include "metadata/query.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::metadata {

enum class Comparator : std::uint8_t {
  Equal,
  NotEqual,
  Less,
  AtMost,
  Greater,
  AtLeast,
  Like,
  LikeIgnoringCase,
  In,
  NotIn,
  IsNull,
  IsNotNull,
};
std::string_view name_of(Comparator comparator);  // as it is written: "=", "NOT IN"

// `entity.key`, or just `key`. The entity is in lower case, the key as it was written, without its
// quotes.
struct FilterName {
  std::string entity;
  std::string key;
};

struct FilterValue {
  std::string text;     // without its quotes
  bool quoted = false;  // a text; else a number
};

struct FilterClause {
  FilterName name;
  Comparator comparator = Comparator::Equal;
  std::vector<FilterValue> values;  // none for IS [NOT] NULL, one or more for [NOT] IN, else one
  std::string text;                 // the clause itself, for messages
};

struct FilterOrder {
  FilterName name;
  Order order = Order::Ascending;
};

// All clauses must hold; of none (an empty text): everything is found. InvalidArgument, with the
// place and what was expected there (also as a finding, whose column counts bytes), for anything
// else than clauses joined by AND.
Result<std::vector<FilterClause>> parse_filter(std::string_view text);

// `name`, `name ASC`, `name desc`. InvalidArgument.
Result<FilterOrder> parse_filter_order(std::string_view text);

// The number of an unquoted value. InvalidArgument naming the clause when it is quoted or isn't
// finite.
Result<double> filter_number(const FilterClause& clause);
// The same for a column of integers: no fraction, within 64 bits.
Result<std::int64_t> filter_integer(const FilterClause& clause);
// The texts of quoted values. InvalidArgument naming the clause when one isn't quoted.
Result<std::vector<std::string>> filter_texts(const FilterClause& clause);

// Whether a text that was read holds the clause, as text_condition() would have it of a column.
// InvalidArgument when the comparator or the value doesn't fit.
Result<bool> text_holds(const FilterClause& clause, const std::string& text);

// A clause on a column of texts, of integers or of doubles, which must be a field of the record
// that the query selects. NotEqual and NotIn hold only where there is a value. InvalidArgument when
// the comparator or the value doesn't fit.
Result<Condition> text_condition(const FilterClause& clause, const std::string& column);
Result<Condition> integer_condition(const FilterClause& clause, const std::string& column);
Result<Condition> number_condition(const FilterClause& clause, const std::string& column);

}  // namespace martlet::metadata

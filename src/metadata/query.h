// metadata/query.h: which records, in which order. Conditions are trees of bound values, never
// text, so nothing can be injected; the names of columns are checked against the record's fields
// when the query runs.
//
//   tx.select<StepRecord>(Query(equal("run", run) && any_of({is_null("ended"), at_least("ended",
//   since)}))
//                             .order_by("started", Order::Descending).limit(50));
#pragma once
#include "metadata/value.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace martlet::metadata {

struct TableShape;

enum class Order : std::uint8_t { Ascending, Descending };
enum class MatchCase : std::uint8_t { Sensitive, Insensitive };

// The records of another table that belong to a record: those whose columns equal its own.
struct Relation {
  const TableShape* shape = nullptr;                    // of the other table; shapes live for ever
  std::vector<std::pair<std::string, std::string>> on;  // {a column of theirs, a column of ours}
};

// A value. The default-made one holds for every record.
struct Condition {
  enum class Kind : std::uint8_t {
    Always,
    All,
    Any,
    Not,
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
    In,
    IsNull,
    Like,
    LikeIgnoringCase,
    Exists
  };
  Kind kind = Kind::Always;
  std::string column;
  std::vector<Value> values;
  std::vector<Condition> parts;
  Relation relation;  // of Exists, whose one part is about the related records
};

namespace internal {
template <class V>
Condition compare(Condition::Kind kind, std::string column, const V& value) {
  Condition made;
  made.kind = kind;
  made.column = std::move(column);
  made.values.push_back(to_value(value));
  return made;
}
}  // namespace internal

// A comparison with a null (or with an absent optional) is false, as in SQL, but equal(column,
// nullopt) means is_null.
template <class V>
Condition equal(std::string column, const V& value) {
  return internal::compare(Condition::Kind::Equal, std::move(column), value);
}
template <class V>
Condition not_equal(std::string column, const V& value) {
  return internal::compare(Condition::Kind::NotEqual, std::move(column), value);
}
template <class V>
Condition less(std::string column, const V& value) {
  return internal::compare(Condition::Kind::Less, std::move(column), value);
}
template <class V>
Condition at_most(std::string column, const V& value) {
  return internal::compare(Condition::Kind::AtMost, std::move(column), value);
}
template <class V>
Condition greater(std::string column, const V& value) {
  return internal::compare(Condition::Kind::Greater, std::move(column), value);
}
template <class V>
Condition at_least(std::string column, const V& value) {
  return internal::compare(Condition::Kind::AtLeast, std::move(column), value);
}
// At most 1,000 values; none of them holds for no record.
template <class Range>
Condition in(std::string column, const Range& values) {
  Condition made;
  made.kind = Condition::Kind::In;
  made.column = std::move(column);
  for (const auto& value : values) made.values.push_back(to_value(value));
  return made;
}
Condition is_null(std::string column);
Condition is_not_null(std::string column);
// SQL's LIKE without an escape character: % is any run, _ any one character. Case is folded for
// ASCII letters only.
Condition like(std::string column, std::string pattern, MatchCase match = MatchCase::Sensitive);
// Holds for a record that has a related one which holds `of_it`; find a Relation with related<R>()
// in metadata/record.h. It is asked record by record, so the related table needs an index on the
// joined columns.
Condition exists(Relation relation, Condition of_it);
Condition all_of(std::vector<Condition> parts);  // of none: always
Condition any_of(std::vector<Condition> parts);  // of none: never
Condition negate(Condition part);
Condition operator&&(Condition left, Condition right);
Condition operator||(Condition left, Condition right);

class Query {
 public:
  Query() = default;
  Query(Condition condition)
      : condition_(std::move(condition)) {
  }  // NOLINT(google-explicit-constructor): reads as a sentence

  // Nulls count as smaller than any value.
  Query& order_by(std::string column, Order order = Order::Ascending) {
    orders_.push_back({std::move(column), order});
    return *this;
  }
  // Nulls come last, whatever the order.
  Query& order_by_nulls_last(std::string column, Order order) {
    orders_.push_back({std::move(column), order, true});
    return *this;
  }
  Query& limit(std::int64_t rows) {
    limit_ = rows;
    return *this;
  }
  Query& offset(std::int64_t rows) {
    offset_ = rows;
    return *this;
  }

  const Condition& condition() const { return condition_; }
  struct Term {
    std::string column;
    Order order = Order::Ascending;
    bool nulls_last = false;
  };
  const std::vector<Term>& orders() const { return orders_; }
  std::optional<std::int64_t> row_limit() const { return limit_; }
  std::int64_t row_offset() const { return offset_; }

 private:
  Condition condition_;
  std::vector<Term> orders_;
  std::optional<std::int64_t> limit_;
  std::int64_t offset_ = 0;
};

}  // namespace martlet::metadata

// expr/internal/value.h: the kinds of values inside an expression: the columns' types, plus null
// literals and intervals.
#pragma once
#include "columns/schema.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace martlet::expr {

// Null is the type of the literal null until its surroundings give it another. Interval never
// leaves an expression.
enum class Kind : std::uint8_t { Null, Bool, Int64, Double, Text, Timestamp, Date, Interval };

std::string_view name_of(Kind kind);
Kind kind_of(columns::Type type);
// Null becomes Int64, as in DuckDB. MARTLET_CHECKs that it isn't an interval.
columns::Type column_type(Kind kind);

// Calendar months and days, and exact time; as DuckDB's INTERVAL.
struct Interval {
  std::int32_t months = 0;
  std::int32_t days = 0;
  std::int64_t micros = 0;
  bool operator==(const Interval&) const = default;
};

// One value's storage in a register: 16 bytes.
union Slot {
  std::uint8_t boolean;
  std::int64_t integer;  // Int64; Timestamp: micros; Date: days
  double number;
  std::string_view text;
  Interval interval;
  Slot() : interval() {}
};

// A constant, owning its text.
struct Value {
  Kind kind = Kind::Null;
  bool missing = true;
  bool boolean = false;
  std::int64_t integer = 0;
  double number = 0;
  Interval interval;
  std::string text;

  static Value none(Kind kind);
  static Value of_bool(bool value);
  static Value of_integer(std::int64_t value, Kind kind = Kind::Int64);
  static Value of_number(double value);
  static Value of_text(std::string value);
  static Value of_interval(Interval value);
  // Same kind and bits.
  bool same_as(const Value& other) const;
};

// At most so many bytes, cut between characters, with "…" where something is left out.
std::string excerpt(std::string_view text, std::size_t bytes);

// As it appears in messages: 'text' in quotes, times in UTC.
std::string describe(Kind kind, bool missing, const Slot& slot);

}  // namespace martlet::expr

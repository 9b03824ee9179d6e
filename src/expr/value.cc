#include "expr/internal/value.h"

#include "base/result.h"
#include "base/time.h"
#include "expr/internal/convert.h"

#include <fmt/format.h>

#include <bit>

namespace martlet::expr {

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::Null: return "null";
    case Kind::Bool: return "boolean";
    case Kind::Int64: return "integer";
    case Kind::Double: return "number";
    case Kind::Text: return "text";
    case Kind::Timestamp: return "timestamp";
    case Kind::Date: return "date";
    case Kind::Interval: return "interval";
  }
  return "?";
}

Kind kind_of(columns::Type type) {
  switch (type) {
    case columns::Type::Bool: return Kind::Bool;
    case columns::Type::Int64: return Kind::Int64;
    case columns::Type::Double: return Kind::Double;
    case columns::Type::Text: return Kind::Text;
    case columns::Type::Timestamp: return Kind::Timestamp;
    case columns::Type::Date: return Kind::Date;
  }
  return Kind::Null;
}

columns::Type column_type(Kind kind) {
  MARTLET_CHECK(kind != Kind::Interval, "an interval has no column type");
  switch (kind) {
    case Kind::Bool: return columns::Type::Bool;
    case Kind::Double: return columns::Type::Double;
    case Kind::Text: return columns::Type::Text;
    case Kind::Timestamp: return columns::Type::Timestamp;
    case Kind::Date: return columns::Type::Date;
    default: return columns::Type::Int64;
  }
}

Value Value::none(Kind kind) {
  Value value;
  value.kind = kind;
  return value;
}

Value Value::of_bool(bool boolean) {
  Value value;
  value.kind = Kind::Bool;
  value.missing = false;
  value.boolean = boolean;
  return value;
}

Value Value::of_integer(std::int64_t integer, Kind kind) {
  Value value;
  value.kind = kind;
  value.missing = false;
  value.integer = integer;
  return value;
}

Value Value::of_number(double number) {
  Value value;
  value.kind = Kind::Double;
  value.missing = false;
  value.number = number;
  return value;
}

Value Value::of_text(std::string text) {
  Value value;
  value.kind = Kind::Text;
  value.missing = false;
  value.text = std::move(text);
  return value;
}

Value Value::of_interval(Interval interval) {
  Value value;
  value.kind = Kind::Interval;
  value.missing = false;
  value.interval = interval;
  return value;
}

bool Value::same_as(const Value& other) const {
  return kind == other.kind && missing == other.missing && boolean == other.boolean &&
         integer == other.integer &&
         std::bit_cast<std::uint64_t>(number) == std::bit_cast<std::uint64_t>(other.number) &&
         interval == other.interval && text == other.text;
}

std::string excerpt(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
  return fmt::format("{}…", text.substr(0, bytes));
}

std::string describe(Kind kind, bool missing, const Slot& slot) {
  if (missing) return "null";
  switch (kind) {
    case Kind::Null: return "null";
    case Kind::Bool: return slot.boolean != 0 ? "true" : "false";
    case Kind::Int64: return std::to_string(slot.integer);
    case Kind::Double: return number_text(slot.number);
    case Kind::Text: return fmt::format("'{}'", excerpt(slot.text, 60));
    case Kind::Timestamp: {
      char buffer[48];
      return fmt::format("{} UTC", write_local_time(slot.integer, buffer));
    }
    case Kind::Date:
      return slot.integer > kMaxDays || slot.integer < -kMaxDays
                 ? fmt::format("day {} of 1970", slot.integer)
                 : date_text(slot.integer);
    case Kind::Interval:
      return fmt::format("{} months {} days {} µs", slot.interval.months, slot.interval.days,
                         slot.interval.micros);
  }
  return "?";
}

}  // namespace martlet::expr

// Casts between kinds, as DuckDB 1.5.5 casts: numbers to integers round half to even, texts to
// integers half away from zero.
#include "base/time.h"
#include "expr/internal/calendar.h"
#include "expr/internal/convert.h"
#include "expr/internal/functions.h"
#include "expr/internal/kernel.h"

#include <algorithm>
#include <cmath>

namespace martlet::expr {
namespace {

using Int = std::int64_t;
using View = std::string_view;

constexpr const char* kDayRange = "the day is beyond the range of dates";
constexpr const char* kTooLong = "the texts become too long (16 MiB each, 256 MiB together)";

struct BoolToInt {
  static Int apply(const Context&, std::uint8_t a) { return a != 0 ? 1 : 0; }
};
struct BoolToNumber {
  static double apply(const Context&, std::uint8_t a) { return a != 0 ? 1.0 : 0.0; }
};
struct IntToBool {
  static std::uint8_t apply(const Context&, Int a) { return truth(a != 0); }
};
struct IntToNumber {
  static double apply(const Context&, Int a) { return static_cast<double>(a); }
};
struct NumberToBool {
  static std::uint8_t apply(const Context&, double a) { return truth(a != 0); }
};
struct NumberToInt {
  static Outcome apply(const Context&, double a, Int& d) {
    const double rounded = std::nearbyint(a);
    if (!(rounded >= -9223372036854775808.0 && rounded < 9223372036854775808.0))
      return Outcome::Failure;
    d = static_cast<Int>(rounded);
    return Outcome::Value;
  }
};
struct TimestampToDate {
  static Int apply(const Context& context, Int at) {
    return local_day(local_of(context.zone, at)).days;
  }
};
struct DateToTimestamp {
  static Outcome apply(const Context& context, Int days, Int& d) {
    if (days > kMaxDays || days < -kMaxDays) return Outcome::Failure;
    d = instant_of(context.zone, days * kMicrosPerDay);
    return Outcome::Value;
  }
};

// Copies what a writer wrote into a buffer of its own.
Outcome keep(Arena& arena, View written, View& d) {
  char* begin = arena.take(written.size());
  if (begin == nullptr) return Outcome::Failure;
  std::copy(written.begin(), written.end(), begin);
  d = View(begin, written.size());
  return Outcome::Value;
}
struct BoolToText {
  static View apply(const Context&, std::uint8_t a) {
    return a != 0 ? View("true") : View("false");
  }
};
struct IntToText {
  static Outcome apply(const Context& context, Int a, View& d) {
    char buffer[48];
    return keep(context.arena, write_integer(a, buffer), d);
  }
};
struct NumberToText {
  static Outcome apply(const Context& context, double a, View& d) {
    char buffer[48];
    return keep(context.arena, write_number(a, buffer), d);
  }
};
struct TimestampToText {
  static Outcome apply(const Context& context, Int at, View& d) {
    char buffer[48];
    return keep(context.arena, write_local_time(local_of(context.zone, at), buffer), d);
  }
};
struct DateToText {
  static Outcome apply(const Context& context, Int days, View& d) {
    if (days > kMaxDays || days < -kMaxDays) return Outcome::Failure;
    char buffer[48];
    return keep(context.arena, write_date(days, buffer), d);
  }
};

template <class T>
Outcome answer(const std::optional<T>& value, T& d) {
  if (!value.has_value()) return Outcome::Failure;
  d = *value;
  return Outcome::Value;
}
struct TextToBool {
  static Outcome apply(const Context&, View a, std::uint8_t& d) {
    const std::optional<bool> value = read_bool(a);
    d = truth(value.value_or(false));
    return value.has_value() ? Outcome::Value : Outcome::Failure;
  }
};
struct TextToInt {
  static Outcome apply(const Context&, View a, Int& d) { return answer(read_integer(a), d); }
};
struct TextToNumber {
  static Outcome apply(const Context&, View a, double& d) { return answer(read_number(a), d); }
};
struct TextToTimestamp {
  static Outcome apply(const Context& context, View a, Int& d) {
    return answer(read_timestamp(a, context.zone), d);
  }
};
struct TextToDate {
  static Outcome apply(const Context&, View a, Int& d) { return answer(read_date(a), d); }
};
struct TextToInterval {
  static Outcome apply(const Context&, View a, Interval& d) { return answer(read_interval(a), d); }
};

template <class Op>
CastKernel plain() {
  return {&unary<Op>, &unary<Op>, nullptr};
}
template <class Op>
CastKernel checked(const char* failure) {
  return {&checked_unary<Op>, &checked_unary<Op, OnFailure::Missing>, failure};
}

CastKernel from_text(Kind to) {
  switch (to) {
    case Kind::Bool:
      return checked<TextToBool>(
          "it is not a boolean; true, false, yes, no, 1 and 0 are, and try_cast "
          "gives null instead of failing");
    case Kind::Int64:
      return checked<TextToInt>(
          "it is not an integer of 64 bits; try_cast gives null instead of failing");
    case Kind::Double:
      return checked<TextToNumber>("it is not a number; try_cast gives null instead of failing");
    case Kind::Timestamp:
      return checked<TextToTimestamp>(
          "it is not a time such as 2013-04-01 05:15:00; try_cast gives "
          "null instead of failing");
    case Kind::Date:
      return checked<TextToDate>(
          "it is not a date such as 2013-04-01; try_cast gives null instead of failing");
    case Kind::Interval:
      return checked<TextToInterval>(
          "it is not an interval such as 3 hours; try_cast gives null instead of failing");
    default: return {};
  }
}

CastKernel to_text(Kind from) {
  switch (from) {
    case Kind::Bool: return plain<BoolToText>();
    case Kind::Int64: return checked<IntToText>(kTooLong);
    case Kind::Double: return checked<NumberToText>(kTooLong);
    case Kind::Timestamp: return checked<TimestampToText>(kTooLong);
    case Kind::Date: return checked<DateToText>(kDayRange);
    default: return {};
  }
}

}  // namespace

CastKernel find_cast(Kind from, Kind to) {
  if (from == Kind::Text) return from_text(to);
  if (to == Kind::Text) return to_text(from);
  if (from == Kind::Bool && to == Kind::Int64) return plain<BoolToInt>();
  if (from == Kind::Bool && to == Kind::Double) return plain<BoolToNumber>();
  if (from == Kind::Int64 && to == Kind::Bool) return plain<IntToBool>();
  if (from == Kind::Int64 && to == Kind::Double) return plain<IntToNumber>();
  if (from == Kind::Double && to == Kind::Bool) return plain<NumberToBool>();
  if (from == Kind::Double && to == Kind::Int64) {
    return checked<NumberToInt>("the number is beyond the integers of 64 bits; try_cast gives null "
                                "instead of failing");
  }
  if (from == Kind::Timestamp && to == Kind::Date) return plain<TimestampToDate>();
  if (from == Kind::Date && to == Kind::Timestamp) return checked<DateToTimestamp>(kDayRange);
  return {};
}

}  // namespace martlet::expr

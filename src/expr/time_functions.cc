// Dates, instants and intervals. Calendar functions of an instant read it in the scope's zone;
// those of a date need none.
#include "base/time.h"
#include "expr/internal/calendar.h"
#include "expr/internal/functions.h"
#include "expr/internal/kernel.h"

namespace martlet::expr {
namespace {

using Int = std::int64_t;

constexpr const char* kTimeRange = "the result is beyond the range of dates and times";
constexpr const char* kIntervalRange = "the interval becomes too long";

bool is_day(Int days) { return days <= kMaxDays && days >= -kMaxDays; }

template <class T>
Outcome answer(const std::optional<T>& value, T& d) {
  if (!value.has_value()) return Outcome::Failure;
  d = *value;
  return Outcome::Value;
}
struct PartOfTimestamp {
  static Int apply(const Context& context, Int at) {
    const LocalDay local = local_day(local_of(context.zone, at));
    return part_of(static_cast<Unit>(context.immediate), local.days, local.time);
  }
};
struct PartOfDate {
  static Outcome apply(const Context& context, Int days, Int& d) {
    if (!is_day(days)) return Outcome::Failure;
    d = part_of(static_cast<Unit>(context.immediate), days, 0);
    return Outcome::Value;
  }
};
struct Truncate {
  static Int apply(const Context& context, Int at) {
    return truncate(static_cast<Unit>(context.immediate), at, context.zone);
  }
};
struct Difference {
  static Outcome apply(const Context& context, Int a, Int b, Int& d) {
    return answer(difference(static_cast<Unit>(context.immediate), a, b, context.zone), d);
  }
};
struct DayDifference {
  static Outcome apply(const Context& context, Int a, Int b, Int& d) {
    if (!is_day(a) || !is_day(b)) return Outcome::Failure;
    return answer(day_difference(static_cast<Unit>(context.immediate), a, b), d);
  }
};
struct Epoch {
  static double apply(const Context&, Int at) {
    return static_cast<double>(at) / static_cast<double>(kMicrosPerSecond);
  }
};
struct EpochOfInterval {
  static double apply(const Context&, Interval interval) { return seconds_of(interval); }
};
struct EpochDivided {
  static Int apply(const Context& context, Int at) { return at / context.immediate; }
};
struct FromEpochMs {
  static Outcome apply(const Context&, Int ms, Int& d) {
    return __builtin_mul_overflow(ms, Int{1000}, &d) ? Outcome::Failure : Outcome::Value;
  }
};
struct MakeDate {
  static Outcome apply(const Context&, Int year, Int month, Int day, Int& d) {
    constexpr Int kLastYear = 270'000;
    if (year > kLastYear || year < -kLastYear || month < 1 || month > 12 || day < 1 || day > 31)
      return Outcome::Failure;
    const CivilDate date{static_cast<int>(year), static_cast<int>(month), static_cast<int>(day)};
    if (!is_valid(date)) return Outcome::Failure;
    d = days_from_civil(date);
    return Outcome::Value;
  }
};

// Day counts are checked, so that sums of dates stay dates.
Outcome day_outcome(bool overflow, Int days) {
  return overflow || !is_day(days) ? Outcome::Failure : Outcome::Value;
}
struct AddDays {
  static Outcome apply(const Context&, Int a, Int b, Int& d) {
    const bool overflow = __builtin_add_overflow(a, b, &d);
    return day_outcome(overflow, d);
  }
};
struct SubtractDays {
  static Outcome apply(const Context&, Int a, Int b, Int& d) {
    const bool overflow = __builtin_sub_overflow(a, b, &d);
    return day_outcome(overflow, d);
  }
};
struct DaysBetween {
  static Outcome apply(const Context&, Int a, Int b, Int& d) {
    return __builtin_sub_overflow(a, b, &d) ? Outcome::Failure : Outcome::Value;
  }
};
// All of it exact time, not days: added back across a change of the clocks it gives the same
// instant.
struct TimeBetween {
  static Outcome apply(const Context&, Int a, Int b, Interval& d) {
    return __builtin_sub_overflow(a, b, &d.micros) ? Outcome::Failure : Outcome::Value;
  }
};

struct AddInterval {
  static Outcome apply(const Context& context, Int at, Interval interval, Int& d) {
    return answer(add_interval(at, interval, context.zone), d);
  }
};
struct IntervalAdd {
  static Outcome apply(const Context& context, Interval interval, Int at, Int& d) {
    return answer(add_interval(at, interval, context.zone), d);
  }
};
struct SubtractInterval {
  static Outcome apply(const Context& context, Int at, Interval interval, Int& d) {
    const std::optional<Interval> back = negated(interval);
    return back.has_value() ? answer(add_interval(at, *back, context.zone), d) : Outcome::Failure;
  }
};
struct SumOfIntervals {
  static Outcome apply(const Context&, Interval a, Interval b, Interval& d) {
    return answer(sum(a, b), d);
  }
};
struct DifferenceOfIntervals {
  static Outcome apply(const Context&, Interval a, Interval b, Interval& d) {
    const std::optional<Interval> back = negated(b);
    return back.has_value() ? answer(sum(a, *back), d) : Outcome::Failure;
  }
};
struct NegateInterval {
  static Outcome apply(const Context&, Interval a, Interval& d) { return answer(negated(a), d); }
};
struct IntervalTimes {
  static Outcome apply(const Context&, Interval a, Int b, Interval& d) {
    return answer(product(a, b), d);
  }
};
struct TimesInterval {
  static Outcome apply(const Context&, Int a, Interval b, Interval& d) {
    return answer(product(b, a), d);
  }
};
struct MakeInterval {
  static Outcome apply(const Context& context, Int amount, Interval& d) {
    return answer(interval_of(static_cast<Unit>(context.immediate), amount), d);
  }
};

struct PartName {
  std::string_view name;
  Unit unit;
};
constexpr PartName kParts[] = {
    {"microsecond", Unit::Microsecond},
    {"millisecond", Unit::Millisecond},
    {"second", Unit::Second},
    {"minute", Unit::Minute},
    {"hour", Unit::Hour},
    {"day", Unit::Day},
    {"dayofmonth", Unit::Day},
    {"week", Unit::Week},
    {"weekofyear", Unit::Week},
    {"month", Unit::Month},
    {"quarter", Unit::Quarter},
    {"year", Unit::Year},
    {"decade", Unit::Decade},
    {"century", Unit::Century},
    {"millennium", Unit::Millennium},
    {"isoyear", Unit::IsoYear},
    {"dayofweek", Unit::DayOfWeek},
    {"weekday", Unit::DayOfWeek},
    {"isodow", Unit::IsoDayOfWeek},
    {"dayofyear", Unit::DayOfYear},
    {"yearweek", Unit::YearWeek},
    {"date_part", Unit::Day},
};

std::vector<Overload> make() {
  using enum Kind;
  std::vector<Overload> all = {
      {"+", {Date, Int64}, Date, &checked_binary<AddDays>, kTimeRange},
      {"+", {Int64, Date}, Date, &checked_binary<AddDays>, kTimeRange},
      {"+", {Timestamp, Interval}, Timestamp, &checked_binary<AddInterval>, kTimeRange},
      {"+", {Interval, Timestamp}, Timestamp, &checked_binary<IntervalAdd>, kTimeRange},
      {"+", {Interval, Interval}, Interval, &checked_binary<SumOfIntervals>, kIntervalRange},
      {"-", {Date, Date}, Int64, &checked_binary<DaysBetween>, kTimeRange},
      {"-", {Date, Int64}, Date, &checked_binary<SubtractDays>, kTimeRange},
      {"-", {Timestamp, Timestamp}, Interval, &checked_binary<TimeBetween>, kIntervalRange},
      {"-", {Timestamp, Interval}, Timestamp, &checked_binary<SubtractInterval>, kTimeRange},
      {"-", {Interval, Interval}, Interval, &checked_binary<DifferenceOfIntervals>, kIntervalRange},
      {"-", {Interval}, Interval, &checked_unary<NegateInterval>, kIntervalRange},
      {"*", {Interval, Int64}, Interval, &checked_binary<IntervalTimes>, kIntervalRange},
      {"*", {Int64, Interval}, Interval, &checked_binary<TimesInterval>, kIntervalRange},
      {"interval", {Int64}, Interval, &checked_unary<MakeInterval>, kIntervalRange},
      {"epoch", {Timestamp}, Double, &unary<Epoch>},
      {"epoch", {Interval}, Double, &unary<EpochOfInterval>},
      {"epoch_ms", {Timestamp}, Int64, &unary<EpochDivided>, nullptr, 1000},
      {"epoch_ms", {Int64}, Timestamp, &checked_unary<FromEpochMs>, kTimeRange},
      {"epoch_us", {Timestamp}, Int64, &unary<EpochDivided>, nullptr, 1},
      {"make_date",
       {Int64, Int64, Int64},
       Date,
       &checked_ternary<MakeDate>,
       "there is no such date"},
      {"date_trunc", {Timestamp}, Timestamp, &unary<Truncate>},
      {"date_diff", {Date, Date}, Int64, &checked_binary<DayDifference>, kTimeRange},
      {"date_diff", {Timestamp, Timestamp}, Int64, &checked_binary<Difference>, kTimeRange},
  };
  for (const PartName& part : kParts) {
    const auto unit = static_cast<std::int64_t>(part.unit);
    all.push_back({part.name, {Timestamp}, Int64, &unary<PartOfTimestamp>, nullptr, unit});
    all.push_back({part.name, {Date}, Int64, &checked_unary<PartOfDate>, kTimeRange, unit});
  }
  return all;
}

}  // namespace

std::span<const Overload> time_overloads() {
  static const std::vector<Overload> all = make();
  return all;
}

}  // namespace martlet::expr

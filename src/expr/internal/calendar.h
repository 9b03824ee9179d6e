// expr/internal/calendar.h: parts of dates and times, truncation, differences, and calendar
// arithmetic in a zone.
#pragma once
#include "base/time.h"
#include "base/zone.h"
#include "expr/internal/convert.h"
#include "expr/internal/value.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::expr {

enum class Unit : std::uint8_t {
  Microsecond,
  Millisecond,
  Second,
  Minute,
  Hour,
  Day,
  Week,
  Month,
  Quarter,
  Year,
  Decade,
  Century,
  Millennium,
  IsoYear,
  DayOfWeek,     // Sunday = 0
  IsoDayOfWeek,  // Monday = 1 … Sunday = 7
  DayOfYear,
  YearWeek,
  Epoch,
};

// By any of DuckDB's spellings, in lower case. nullopt when unknown.
std::optional<Unit> find_unit(std::string_view name);
// All spellings, for "did you mean".
std::vector<std::string> unit_names();

inline std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  const std::int64_t quotient = a / b;
  return quotient - ((a % b != 0) && ((a < 0) != (b < 0)) ? 1 : 0);
}

// A local reading split at midnight; for every value of 64 bits.
struct LocalDay {
  std::int64_t days = 0;
  std::int64_t time = 0;  // of day, microseconds
};
inline LocalDay local_day(std::int64_t local) {
  const std::int64_t rest = local % kMicrosPerDay;
  return {floor_div(local, kMicrosPerDay), rest < 0 ? rest + kMicrosPerDay : rest};
}

// Instants so far out that a zone's offset could overflow are read in UTC.
inline std::int64_t local_of(const Zone& zone, std::int64_t micros) {
  constexpr std::int64_t kFar = kMaxDays * kMicrosPerDay;
  return micros > kFar || micros < -kFar ? micros : zone.local_micros(Timestamp{micros});
}
inline std::int64_t instant_of(const Zone& zone, std::int64_t local) {
  constexpr std::int64_t kFar = kMaxDays * kMicrosPerDay;
  return local > kFar || local < -kFar ? local : zone.instant_of_local_micros(local).micros;
}

// Of a local reading: `days` since 1970 (within ±kMaxDays or a timestamp's range) and `time` of day
// in microseconds. Not Epoch.
std::int64_t part_of(Unit unit, std::int64_t days, std::int64_t time);
// The instant at which the local reading's unit began. Below a day the offset of `micros` itself is
// kept, so that both hours of an autumn night stay apart.
std::int64_t truncate(Unit unit, std::int64_t micros, const Zone& zone);
// Boundaries of the unit crossed from a to b; for weeks the whole weeks between the days, as DuckDB
// counts. Hours and less count elapsed time. nullopt on overflow.
std::optional<std::int64_t> difference(Unit unit, std::int64_t a, std::int64_t b, const Zone& zone);
std::optional<std::int64_t> day_difference(Unit unit, std::int64_t a_days, std::int64_t b_days);

// Months (the day clamped to the month's end) and days in the local calendar, then the exact time.
// nullopt on overflow.
std::optional<std::int64_t> add_interval(std::int64_t micros, const Interval& interval,
                                         const Zone& zone);
std::optional<Interval> negated(const Interval& interval);
std::optional<Interval> sum(const Interval& a, const Interval& b);
std::optional<Interval> product(const Interval& interval, std::int64_t by);
std::optional<Interval> interval_of(Unit unit, std::int64_t amount);
// Months of 30 days and days of 24 hours: -1, 0 or 1.
int compare(const Interval& a, const Interval& b);
// Seconds; years count 365.25 days, months 30, as DuckDB's epoch().
double seconds_of(const Interval& interval);

}  // namespace martlet::expr

#include "expr/internal/calendar.h"

#include <algorithm>
#include <array>
#include <limits>

namespace martlet::expr {
namespace {

constexpr std::int64_t kMicrosPerHour = 3600 * kMicrosPerSecond;
constexpr std::int64_t kMicrosPerMinute = 60 * kMicrosPerSecond;
__extension__ typedef __int128 Wide;

struct UnitName {
  std::string_view name;
  Unit unit;
};
// DuckDB 1.5.5's spellings (GetDatePartSpecifier), without era, julian, nanoseconds and the time
// zone's.
constexpr std::array<UnitName, 70> kUnitNames = {{
    {"microsecond", Unit::Microsecond},
    {"microseconds", Unit::Microsecond},
    {"us", Unit::Microsecond},
    {"usec", Unit::Microsecond},
    {"usecs", Unit::Microsecond},
    {"usecond", Unit::Microsecond},
    {"useconds", Unit::Microsecond},
    {"millisecond", Unit::Millisecond},
    {"milliseconds", Unit::Millisecond},
    {"ms", Unit::Millisecond},
    {"msec", Unit::Millisecond},
    {"msecs", Unit::Millisecond},
    {"msecond", Unit::Millisecond},
    {"mseconds", Unit::Millisecond},
    {"second", Unit::Second},
    {"seconds", Unit::Second},
    {"s", Unit::Second},
    {"sec", Unit::Second},
    {"secs", Unit::Second},
    {"minute", Unit::Minute},
    {"minutes", Unit::Minute},
    {"m", Unit::Minute},
    {"min", Unit::Minute},
    {"mins", Unit::Minute},
    {"hour", Unit::Hour},
    {"hours", Unit::Hour},
    {"h", Unit::Hour},
    {"hr", Unit::Hour},
    {"hrs", Unit::Hour},
    {"day", Unit::Day},
    {"days", Unit::Day},
    {"d", Unit::Day},
    {"dayofmonth", Unit::Day},
    {"week", Unit::Week},
    {"weeks", Unit::Week},
    {"w", Unit::Week},
    {"weekofyear", Unit::Week},
    {"month", Unit::Month},
    {"months", Unit::Month},
    {"mon", Unit::Month},
    {"mons", Unit::Month},
    {"quarter", Unit::Quarter},
    {"quarters", Unit::Quarter},
    {"year", Unit::Year},
    {"years", Unit::Year},
    {"y", Unit::Year},
    {"yr", Unit::Year},
    {"yrs", Unit::Year},
    {"decade", Unit::Decade},
    {"decades", Unit::Decade},
    {"dec", Unit::Decade},
    {"decs", Unit::Decade},
    {"century", Unit::Century},
    {"centuries", Unit::Century},
    {"cent", Unit::Century},
    {"c", Unit::Century},
    {"millennium", Unit::Millennium},
    {"millennia", Unit::Millennium},
    {"mil", Unit::Millennium},
    {"mils", Unit::Millennium},
    {"millenniums", Unit::Millennium},
    {"isoyear", Unit::IsoYear},
    {"dayofweek", Unit::DayOfWeek},
    {"weekday", Unit::DayOfWeek},
    {"dow", Unit::DayOfWeek},
    {"isodow", Unit::IsoDayOfWeek},
    {"dayofyear", Unit::DayOfYear},
    {"doy", Unit::DayOfYear},
    {"yearweek", Unit::YearWeek},
    {"epoch", Unit::Epoch},
}};

// The Thursday of the ISO week decides its year.
std::int64_t thursday_of(std::int64_t days) { return days - weekday_of(days) + 3; }
std::int64_t first_of_year(std::int64_t year) {
  return days_from_civil(CivilDate{static_cast<int>(year), 1, 1});
}
std::int64_t iso_year(std::int64_t days) { return civil_from_days(thursday_of(days)).year; }
std::int64_t iso_week(std::int64_t days) {
  const std::int64_t thursday = thursday_of(days);
  return (thursday - first_of_year(civil_from_days(thursday).year)) / 7 + 1;
}
// Years 1–100 are the first century; year 0 and earlier count backwards, as in DuckDB.
std::int64_t era_part(std::int64_t year, std::int64_t length) {
  return year > 0 ? (year - 1) / length + 1 : -((-year) / length) - 1;
}

bool narrow(std::int64_t wide, std::int32_t& out) {
  if (wide > std::numeric_limits<std::int32_t>::max() ||
      wide < std::numeric_limits<std::int32_t>::min())
    return false;
  out = static_cast<std::int32_t>(wide);
  return true;
}

// The first day of the unit that holds `days`.
std::int64_t truncate_days(Unit unit, std::int64_t days) {
  const CivilDate date = civil_from_days(days);
  switch (unit) {
    case Unit::Week: return days - weekday_of(days);
    case Unit::Month: return days_from_civil(CivilDate{date.year, date.month, 1});
    case Unit::Quarter:
      return days_from_civil(CivilDate{date.year, (date.month - 1) / 3 * 3 + 1, 1});
    case Unit::Year: return first_of_year(date.year);
    case Unit::Decade: return first_of_year(date.year / 10 * 10);
    case Unit::Century: return first_of_year(date.year / 100 * 100);
    case Unit::Millennium: return first_of_year(date.year / 1000 * 1000);
    case Unit::IsoYear:
      return [&] {
        const std::int64_t fourth =
            days_from_civil(CivilDate{static_cast<int>(iso_year(days)), 1, 4});
        return fourth - weekday_of(fourth);
      }();
    case Unit::YearWeek: return days - weekday_of(days);
    default: return days;
  }
}

// 0 for units that are not a fixed time below a day.
std::int64_t micros_of(Unit unit) {
  switch (unit) {
    case Unit::Microsecond: return 1;
    case Unit::Millisecond: return 1000;
    case Unit::Second:
    case Unit::Epoch: return kMicrosPerSecond;
    case Unit::Minute: return kMicrosPerMinute;
    case Unit::Hour: return kMicrosPerHour;
    default: return 0;
  }
}

std::optional<std::int64_t> narrowed(Wide wide) {
  if (wide > std::numeric_limits<std::int64_t>::max() ||
      wide < std::numeric_limits<std::int64_t>::min())
    return std::nullopt;
  return static_cast<std::int64_t>(wide);
}

Wide total_micros(const Interval& interval) {
  return (static_cast<Wide>(interval.months) * 30 + interval.days) * kMicrosPerDay +
         interval.micros;
}

}  // namespace

std::optional<Unit> find_unit(std::string_view name) {
  for (const UnitName& known : kUnitNames) {
    if (known.name == name) return known.unit;
  }
  return std::nullopt;
}

std::vector<std::string> unit_names() {
  std::vector<std::string> names;
  for (const UnitName& known : kUnitNames) names.emplace_back(known.name);
  return names;
}

std::int64_t part_of(Unit unit, std::int64_t days, std::int64_t time) {
  switch (unit) {
    case Unit::Microsecond: return time % kMicrosPerMinute;
    case Unit::Millisecond: return time % kMicrosPerMinute / 1000;
    case Unit::Second: return time % kMicrosPerMinute / kMicrosPerSecond;
    case Unit::Minute: return time % kMicrosPerHour / kMicrosPerMinute;
    case Unit::Hour: return time / kMicrosPerHour;
    case Unit::Day: return civil_from_days(days).day;
    case Unit::Week: return iso_week(days);
    case Unit::Month: return civil_from_days(days).month;
    case Unit::Quarter: return (civil_from_days(days).month - 1) / 3 + 1;
    case Unit::Year: return civil_from_days(days).year;
    case Unit::Decade: return civil_from_days(days).year / 10;
    case Unit::Century: return era_part(civil_from_days(days).year, 100);
    case Unit::Millennium: return era_part(civil_from_days(days).year, 1000);
    case Unit::IsoYear: return iso_year(days);
    case Unit::DayOfWeek: return (weekday_of(days) + 1) % 7;
    case Unit::IsoDayOfWeek: return weekday_of(days) + 1;
    case Unit::DayOfYear: return days - first_of_year(civil_from_days(days).year) + 1;
    case Unit::YearWeek: {
      const std::int64_t year = iso_year(days);
      return year * 100 + (year > 0 ? iso_week(days) : -iso_week(days));
    }
    case Unit::Epoch: return 0;
  }
  return 0;
}

std::int64_t truncate(Unit unit, std::int64_t micros, const Zone& zone) {
  const std::int64_t local = local_of(zone, micros);
  if (const std::int64_t length = micros_of(unit); length != 0) {
    const std::int64_t over = local % length;
    const std::int64_t rest = over < 0 ? over + length : over;
    std::int64_t truncated = 0;
    return __builtin_sub_overflow(micros, rest, &truncated) ? micros : truncated;
  }
  const std::int64_t days = truncate_days(unit, local_day(local).days);
  std::int64_t start = 0;
  return __builtin_mul_overflow(days, kMicrosPerDay, &start) ? micros : instant_of(zone, start);
}

std::optional<std::int64_t> day_difference(Unit unit, std::int64_t a_days, std::int64_t b_days) {
  switch (unit) {
    case Unit::Week:
    case Unit::YearWeek: return (b_days - a_days) / 7;
    case Unit::IsoYear: return iso_year(b_days) - iso_year(a_days);
    case Unit::Day:
    case Unit::DayOfWeek:
    case Unit::IsoDayOfWeek:
    case Unit::DayOfYear: return b_days - a_days;
    default: break;
  }
  if (const std::int64_t length = micros_of(unit); length != 0)
    return narrowed(static_cast<Wide>(b_days - a_days) * (kMicrosPerDay / length));
  const CivilDate a = civil_from_days(a_days);
  const CivilDate b = civil_from_days(b_days);
  switch (unit) {
    case Unit::Month: return (b.year - a.year) * 12 + (b.month - a.month);
    case Unit::Quarter:  // counted towards zero before the year 0, as DuckDB does
      return (b.year * 12 + b.month - 1) / 3 - (a.year * 12 + a.month - 1) / 3;
    case Unit::Year: return b.year - a.year;
    case Unit::Decade: return b.year / 10 - a.year / 10;
    case Unit::Century: return b.year / 100 - a.year / 100;
    case Unit::Millennium: return b.year / 1000 - a.year / 1000;
    default: return 0;
  }
}

std::optional<std::int64_t> difference(Unit unit, std::int64_t a, std::int64_t b,
                                       const Zone& zone) {
  if (const std::int64_t length = micros_of(unit); length != 0) {
    const Wide from = truncate(unit, a, zone);
    const Wide to = truncate(unit, b, zone);
    return narrowed((to - from) / length);
  }
  return day_difference(unit, local_day(local_of(zone, a)).days, local_day(local_of(zone, b)).days);
}

std::optional<std::int64_t> add_interval(std::int64_t micros, const Interval& interval,
                                         const Zone& zone) {
  std::int64_t at = micros;
  if (interval.months != 0 || interval.days != 0) {
    const std::int64_t local = local_of(zone, micros);
    auto [days, time] = local_day(local);
    if (interval.months != 0) {
      const CivilDate date = civil_from_days(days);
      const std::int64_t months =
          static_cast<std::int64_t>(date.year) * 12 + (date.month - 1) + interval.months;
      const std::int64_t year = floor_div(months, 12);
      CivilDate moved{static_cast<int>(year), static_cast<int>(months - year * 12) + 1, date.day};
      while (!is_valid(moved)) --moved.day;
      days = days_from_civil(moved);
    }
    days += interval.days;
    if (days > kMaxDays || days < -kMaxDays) return std::nullopt;
    at = instant_of(zone, days * kMicrosPerDay + time);
  }
  if (__builtin_add_overflow(at, interval.micros, &at)) return std::nullopt;
  return at;
}

std::optional<Interval> negated(const Interval& interval) { return product(interval, -1); }

std::optional<Interval> sum(const Interval& a, const Interval& b) {
  Interval out;
  if (__builtin_add_overflow(a.months, b.months, &out.months) ||
      __builtin_add_overflow(a.days, b.days, &out.days) ||
      __builtin_add_overflow(a.micros, b.micros, &out.micros))
    return std::nullopt;
  return out;
}

std::optional<Interval> product(const Interval& interval, std::int64_t by) {
  Interval out;
  std::int64_t months = 0;
  std::int64_t days = 0;
  if (__builtin_mul_overflow(static_cast<std::int64_t>(interval.months), by, &months) ||
      __builtin_mul_overflow(static_cast<std::int64_t>(interval.days), by, &days) ||
      __builtin_mul_overflow(interval.micros, by, &out.micros) || !narrow(months, out.months) ||
      !narrow(days, out.days))
    return std::nullopt;
  return out;
}

std::optional<Interval> interval_of(Unit unit, std::int64_t amount) {
  switch (unit) {
    case Unit::Day: return product(Interval{0, 1, 0}, amount);
    case Unit::Week: return product(Interval{0, 7, 0}, amount);
    case Unit::Month: return product(Interval{1, 0, 0}, amount);
    case Unit::Quarter: return product(Interval{3, 0, 0}, amount);
    case Unit::Year: return product(Interval{12, 0, 0}, amount);
    case Unit::Decade: return product(Interval{120, 0, 0}, amount);
    case Unit::Century: return product(Interval{1200, 0, 0}, amount);
    case Unit::Millennium: return product(Interval{12000, 0, 0}, amount);
    case Unit::Microsecond:
    case Unit::Millisecond:
    case Unit::Second:
    case Unit::Minute:
    case Unit::Hour: return product(Interval{0, 0, micros_of(unit)}, amount);
    default: return std::nullopt;
  }
}

int compare(const Interval& a, const Interval& b) {
  const Wide left = total_micros(a);
  const Wide right = total_micros(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

double seconds_of(const Interval& interval) {
  const double years = interval.months / 12;
  const double months = interval.months % 12;
  const double days = years * 365.25 + months * 30 + interval.days;
  return days * 86400 + static_cast<double>(interval.micros) / 1e6;
}

}  // namespace martlet::expr

#include "features/internal/calendar.h"

namespace martlet::features {
namespace {

// ISO 8601: week 1 is the one with the year's first Thursday.
int iso_week(std::int64_t days) {
  const std::int64_t thursday = days - weekday_of(days) + 3;
  const CivilDate date = civil_from_days(thursday);
  return static_cast<int>((thursday - days_from_civil({date.year, 1, 1})) / 7) + 1;
}

}  // namespace

LocalMoment LocalMoment::of_micros(std::int64_t local_micros) {
  std::int64_t days = local_micros / kMicrosPerDay;
  std::int64_t rest = local_micros % kMicrosPerDay;
  if (rest < 0) {
    rest += kMicrosPerDay;
    --days;
  }
  return {days, rest, civil_from_days(days)};
}

LocalMoment LocalMoment::of_days(std::int64_t days) { return {days, 0, civil_from_days(days)}; }

double part_of(const LocalMoment& moment, Part part) {
  constexpr std::int64_t kMicrosPerMinute = 60 * kMicrosPerSecond;
  const std::int64_t minutes = moment.micros_of_day / kMicrosPerMinute;
  switch (part) {
    case Part::Hour: return static_cast<double>(minutes / 60);
    case Part::Minute: return static_cast<double>(minutes % 60);
    case Part::Weekday: return weekday_of(moment.days);
    case Part::Month: return moment.date.month;
    case Part::Day: return moment.date.day;
    case Part::Year: return moment.date.year;
    case Part::Week: return iso_week(moment.days);
    case Part::Quarter: return (moment.date.month - 1) / 3 + 1;
    case Part::Date: return static_cast<double>(moment.days);
    case Part::DayOfYear:
      return static_cast<double>(moment.days - days_from_civil({moment.date.year, 1, 1}) + 1);
  }
  return 0;
}

double period_of(Part part) {
  switch (part) {
    case Part::Hour: return 24;
    case Part::Minute: return 60;
    case Part::Weekday: return 7;
    case Part::Month: return 12;
    case Part::Day: return 31;
    case Part::Week: return 53;
    case Part::Quarter: return 4;
    case Part::DayOfYear: return 366;
    case Part::Year:
    case Part::Date: return 0;
  }
  return 0;
}

bool needs_time_of_day(Part part) { return part == Part::Hour || part == Part::Minute; }

}  // namespace martlet::features

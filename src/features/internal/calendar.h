// The parts of a local time, as numbers. Internal to features.
#pragma once
#include "base/time.h"
#include "features/config.h"

#include <cstdint>

namespace martlet::features {

struct LocalMoment {
  std::int64_t days = 0;           // since 1970-01-01, local
  std::int64_t micros_of_day = 0;  // 0 … 86,400,000,000 - 1
  CivilDate date;

  static LocalMoment of_micros(std::int64_t local_micros);
  static LocalMoment of_days(std::int64_t days);
};

// hour 0–23, weekday 0 (Monday) – 6, month 1–12, day 1–31, dayofyear 1–366, minute 0–59, year, week
// 1–53 (ISO 8601), quarter 1–4, date: days since 1970-01-01.
double part_of(const LocalMoment& moment, Part part);

// Length of the circle that the part goes round: 24 for the hour. 0 for year and date, which never
// come back.
double period_of(Part part);
// A date has no hour and no minute.
bool needs_time_of_day(Part part);

}  // namespace martlet::features

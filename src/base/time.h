// base/time.h: instants and durations. Instants are UTC microseconds since 1970 (DESIGN §12.3);
// zones live in base/zone.h.
#pragma once
#include "base/result.h"

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace martlet {

using Duration = std::chrono::microseconds;

// An instant, in microseconds since 1970-01-01T00:00:00Z; the proleptic Gregorian calendar, no leap
// seconds.
struct Timestamp {
  std::int64_t micros = 0;
  auto operator<=>(const Timestamp&) const = default;
};
inline Timestamp operator+(Timestamp at, Duration by) { return {at.micros + by.count()}; }
inline Timestamp operator-(Timestamp at, Duration by) { return {at.micros - by.count()}; }
inline Duration operator-(Timestamp a, Timestamp b) { return Duration(a.micros - b.micros); }

inline constexpr std::int64_t kMicrosPerSecond = 1'000'000;
inline constexpr std::int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

struct CivilDate {
  int year = 1970;
  int month = 1;  // 1–12
  int day = 1;    // 1–31
  auto operator<=>(const CivilDate&) const = default;
};
struct CivilTime {
  CivilDate date;
  int hour = 0;    // 0–23
  int minute = 0;  // 0–59
  int second = 0;  // 0–59
  int micros = 0;  // 0–999,999
  auto operator<=>(const CivilTime&) const = default;
};

// Days since 1970-01-01 and back. Source: H. Hinnant, "chrono-Compatible Low-Level Date
// Algorithms", days_from_civil.
std::int64_t days_from_civil(const CivilDate& date);
CivilDate civil_from_days(std::int64_t days);
bool is_valid(const CivilDate& date);
// 0 = Monday … 6 = Sunday.
int weekday_of(std::int64_t days);

// In UTC. Every instant has a reading; a reading beyond the instants of 64 bits gives the first or
// the last one.
CivilTime civil_utc(Timestamp at);
Timestamp from_civil_utc(const CivilTime& civil);

// "2013-04-01T00:00:00Z", with microseconds only when there are any.
std::string to_text(Timestamp at);
// Bare: "2013-04-01 00:00:00[.ffffff]" without a zone, as DuckDB prints TIMESTAMP.
std::string to_bare_text(Timestamp at);
// "2013-04-01"
std::string date_text(std::int64_t days);

// What a text says of time: its civil reading and, when it names one, its offset from UTC.
struct ParsedTime {
  CivilTime civil;
  bool has_offset = false;
  std::int64_t offset_seconds = 0;  // east positive
  bool date_only = false;
};
// ISO 8601: "2013-04-01", "2013-04-01T05:15", "2013-04-01 05:15:00.25", each with "Z", "+01:00",
// "-0500" or nothing behind the time. InvalidArgument for anything else, and for dates that do not
// exist.
Result<ParsedTime> parse_time(std::string_view text);
// parse_time, a bare time taken as UTC.
Result<Timestamp> parse_timestamp_utc(std::string_view text);
// Days since 1970 of "YYYY-MM-DD".
Result<std::int64_t> parse_date(std::string_view text);

// "90s", "10m", "12h", "3d", "250ms", "2w", and sums such as "1h30m". InvalidArgument otherwise or
// on overflow; never negative.
Result<Duration> parse_duration(std::string_view text);
// The shortest of those forms: "90s" → "1m30s", 0 → "0s".
std::string to_text(Duration duration);

}  // namespace martlet

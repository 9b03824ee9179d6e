#include "base/time.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>

namespace martlet {

namespace {

// Instants and days at the ends of 64 bits must be readable too: texts and records may name them.
constexpr std::int64_t kFarDays = 700'000'000'000;  // their years fit an int
__extension__ typedef __int128 Wide;

std::int64_t saturated(Wide value) {
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  return value < kMin ? kMin : value > kMax ? kMax : static_cast<std::int64_t>(value);
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

// Reads exactly `count` digits.
bool digits(std::string_view text, std::size_t& at, int count, int& value) {
  value = 0;
  for (int i = 0; i < count; ++i, ++at) {
    if (at >= text.size() || text[at] < '0' || text[at] > '9') return false;
    value = value * 10 + (text[at] - '0');
  }
  return true;
}

bool literal(std::string_view text, std::size_t& at, char c) {
  if (at >= text.size() || text[at] != c) return false;
  ++at;
  return true;
}

bool parse_offset(std::string_view text, std::size_t& at, ParsedTime& parsed) {
  if (at == text.size()) return true;
  if (text[at] == 'Z' || text[at] == 'z') {
    ++at;
    parsed.has_offset = true;
    return at == text.size();
  }
  if (text[at] == ' ' && text.substr(at) == " UTC") {
    at = text.size();
    parsed.has_offset = true;
    return true;
  }
  if (text[at] != '+' && text[at] != '-') return false;
  const int sign = text[at++] == '-' ? -1 : 1;
  int hours = 0;
  int minutes = 0;
  if (!digits(text, at, 2, hours)) return false;
  if (at < text.size()) {
    if (text[at] == ':') ++at;
    if (!digits(text, at, 2, minutes)) return false;
  }
  if (hours > 18 || minutes > 59) return false;
  parsed.has_offset = true;
  parsed.offset_seconds = static_cast<std::int64_t>(sign) * (hours * 3600 + minutes * 60);
  return at == text.size();
}

bool parse_parts(std::string_view text, ParsedTime& parsed) {
  std::size_t at = 0;
  CivilTime& civil = parsed.civil;
  if (!digits(text, at, 4, civil.date.year) || !literal(text, at, '-') ||
      !digits(text, at, 2, civil.date.month) || !literal(text, at, '-') ||
      !digits(text, at, 2, civil.date.day)) {
    return false;
  }
  if (at == text.size()) {
    parsed.date_only = true;
    return true;
  }
  if (text[at] != 'T' && text[at] != ' ' && text[at] != 't') return false;
  ++at;
  if (!digits(text, at, 2, civil.hour) || !literal(text, at, ':') ||
      !digits(text, at, 2, civil.minute))
    return false;
  if (at < text.size() && text[at] == ':') {
    ++at;
    if (!digits(text, at, 2, civil.second)) return false;
    if (at < text.size() && (text[at] == '.' || text[at] == ',')) {
      ++at;
      int scale = 100'000;
      int count = 0;
      while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
        civil.micros += (text[at] - '0') * scale;  // digits beyond the sixth are cut
        scale /= 10;
        ++at;
        ++count;
      }
      if (count == 0) return false;
    }
  }
  return parse_offset(text, at, parsed);
}

}  // namespace

std::int64_t days_from_civil(const CivilDate& date) {
  const std::int64_t y = static_cast<std::int64_t>(date.year) - (date.month <= 2 ? 1 : 0);
  const std::int64_t era = floor_div(y, 400);
  const std::int64_t year_of_era = y - era * 400;
  const std::int64_t day_of_year =
      (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

// Days beyond kFarDays are read as that one.
CivilDate civil_from_days(std::int64_t days) {
  const std::int64_t z = std::clamp(days, -kFarDays, kFarDays) + 719'468;
  const std::int64_t era = floor_div(z, 146'097);
  const std::int64_t day_of_era = z - era * 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_index = (5 * day_of_year + 2) / 153;
  const auto month = static_cast<int>(month_index < 10 ? month_index + 3 : month_index - 9);
  return {static_cast<int>(year_of_era + era * 400 + (month <= 2 ? 1 : 0)), month,
          static_cast<int>(day_of_year - (153 * month_index + 2) / 5 + 1)};
}

bool is_valid(const CivilDate& date) {
  if (date.month < 1 || date.month > 12 || date.day < 1 || date.day > 31) return false;
  return civil_from_days(days_from_civil(date)) == date;
}

int weekday_of(std::int64_t days) {
  const std::int64_t remainder = (days % 7 + 3) % 7;  // 1970-01-01 was a Thursday
  return static_cast<int>(remainder < 0 ? remainder + 7 : remainder);
}

CivilTime civil_utc(Timestamp at) {
  const std::int64_t days = floor_div(at.micros, kMicrosPerDay);
  const std::int64_t over = at.micros % kMicrosPerDay;
  const std::int64_t rest = over < 0 ? over + kMicrosPerDay : over;
  const std::int64_t seconds = rest / kMicrosPerSecond;
  return {civil_from_days(days), static_cast<int>(seconds / 3600),
          static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60),
          static_cast<int>(rest % kMicrosPerSecond)};
}

// A reading beyond the instants of 64 bits gives the first or the last one.
Timestamp from_civil_utc(const CivilTime& civil) {
  const std::int64_t seconds = civil.hour * 3600 + civil.minute * 60 + civil.second;
  return {saturated(static_cast<Wide>(days_from_civil(civil.date)) * kMicrosPerDay +
                    static_cast<Wide>(seconds) * kMicrosPerSecond + civil.micros)};
}

namespace {
std::string time_text(Timestamp at, char separator) {
  const CivilTime civil = civil_utc(at);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02d%c%02d:%02d:%02d", civil.date.year,
                civil.date.month, civil.date.day, separator, civil.hour, civil.minute,
                civil.second);
  std::string out = text.data();
  if (civil.micros != 0) {
    std::snprintf(text.data(), text.size(), ".%06d", civil.micros);
    std::string fraction = text.data();
    while (fraction.back() == '0') fraction.pop_back();
    out += fraction;
  }
  return out;
}
}  // namespace

std::string to_text(Timestamp at) { return time_text(at, 'T') + "Z"; }
std::string to_bare_text(Timestamp at) { return time_text(at, ' '); }

std::string date_text(std::int64_t days) {
  const CivilDate date = civil_from_days(days);
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02d", date.year, date.month, date.day);
  return text.data();
}

Result<ParsedTime> parse_time(std::string_view text) {
  ParsedTime parsed;
  if (!parse_parts(text, parsed)) {
    return invalid_argument("reading a time: \"" + std::string(text.substr(0, 60)) +
                            "\" is not an ISO 8601 date or time such as 2013-04-01T05:15:00Z");
  }
  const CivilTime& civil = parsed.civil;
  if (!is_valid(civil.date) || civil.hour > 23 || civil.minute > 59 || civil.second > 59) {
    return invalid_argument("reading a time: \"" + std::string(text.substr(0, 60)) +
                            "\" does not exist in the calendar");
  }
  return parsed;
}

Result<Timestamp> parse_timestamp_utc(std::string_view text) {
  MARTLET_TRY_SET(const ParsedTime parsed, parse_time(text));
  return Timestamp{from_civil_utc(parsed.civil).micros - parsed.offset_seconds * kMicrosPerSecond};
}

Result<std::int64_t> parse_date(std::string_view text) {
  MARTLET_TRY_SET(const ParsedTime parsed, parse_time(text));
  if (!parsed.date_only) {
    return invalid_argument("reading a date: \"" + std::string(text.substr(0, 60)) +
                            "\" has a time of day behind it");
  }
  return days_from_civil(parsed.civil.date);
}

Result<Duration> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::int64_t micros;
  };
  static constexpr std::array<Unit, 8> kUnits{{{"us", 1},
                                               {"ms", 1'000},
                                               {"s", kMicrosPerSecond},
                                               {"min", 60 * kMicrosPerSecond},
                                               {"m", 60 * kMicrosPerSecond},
                                               {"h", 3600 * kMicrosPerSecond},
                                               {"d", kMicrosPerDay},
                                               {"w", 7 * kMicrosPerDay}}};
  const auto bad = [&](std::string_view why) {
    return invalid_argument("reading a duration: \"" + std::string(text.substr(0, 40)) + "\" " +
                            std::string(why) + "; write it as 90s, 10m, 12h, 3d or 1h30m");
  };
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  std::int64_t total = 0;
  std::size_t at = 0;
  if (text.empty()) return bad("is empty");
  while (at < text.size()) {
    std::int64_t amount = 0;
    const std::size_t start = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      if (amount > (kMax - 9) / 10) return bad("is too long");
      amount = amount * 10 + (text[at++] - '0');
    }
    if (at == start) return bad("is not a duration");
    const std::size_t unit_start = at;
    while (at < text.size() && text[at] >= 'a' && text[at] <= 'z') ++at;
    const std::string_view name = text.substr(unit_start, at - unit_start);
    std::int64_t unit = 0;
    for (const Unit& known : kUnits) {
      if (known.name == name) unit = known.micros;
    }
    if (unit == 0) return bad("has no known unit");
    if (amount > (kMax - total) / unit) return bad("is too long");
    total += amount * unit;
  }
  return Duration(total);
}

std::string to_text(Duration duration) {
  if (duration.count() == 0) return "0s";
  const std::string sign = duration.count() < 0 ? "-" : "";
  std::string out = sign;
  // Unsigned: the lowest duration has no positive counterpart.
  const auto count = static_cast<std::uint64_t>(duration.count());
  std::uint64_t rest = sign.empty() ? count : 0 - count;
  const auto part = [&](std::uint64_t unit, const char* name) {
    if (rest >= unit) {
      out += std::to_string(rest / unit) + name;
      rest %= unit;
    }
  };
  part(kMicrosPerDay, "d");
  part(3600 * kMicrosPerSecond, "h");
  part(60 * kMicrosPerSecond, "m");
  part(kMicrosPerSecond, "s");
  part(1000, "ms");
  part(1, "us");
  return out;
}

}  // namespace martlet

// Any bytes as each of the small texts that people write: sizes, shares, numbers, durations, times,
// dates, zones, patterns, ids. What is read is in its range and reads back from what it is written
// as.
#include "base/digest.h"
#include "base/pattern.h"
#include "base/quantity.h"
#include "base/text.h"
#include "base/time.h"
#include "base/zone.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace {

using namespace martlet;

void read_quantities(std::string_view text) {
  if (const auto size = parse_size(text); size.has_value()) {
    MARTLET_CHECK(*size >= 0, "sizes are not negative");
    static_cast<void>(size_text(*size));
  }
  if (const auto share = parse_share(text); share.has_value())
    MARTLET_CHECK(*share >= 0 && *share <= 1, "shares lie between 0 and 1");
  if (const auto number = parse_number(text); number.has_value())
    MARTLET_CHECK(std::isfinite(*number), "numbers are finite");
  if (const auto integer = parse_integer(text); integer.has_value())
    MARTLET_CHECK(parse_integer(std::to_string(*integer)) == *integer, "integers read back");
  static_cast<void>(Digest::parse(text));
}

void read_times(std::string_view text) {
  if (const auto duration = parse_duration(text); duration.has_value()) {
    MARTLET_CHECK(duration->count() >= 0, "durations are not negative");
    MARTLET_CHECK(parse_duration(to_text(*duration)) == *duration, "durations read back");
  }
  if (const auto at = parse_timestamp_utc(text); at.has_value()) {
    const auto again = parse_timestamp_utc(to_text(*at));
    // An offset may lead before the year 0 or beyond 9999, which no text names.
    MARTLET_CHECK(!again.has_value() || *again == *at, "instants read back");
  }
  if (const auto days = parse_date(text); days.has_value())
    MARTLET_CHECK(parse_date(date_text(*days)) == *days, "dates read back");
}

// The first bytes as an instant, read in zones with and without changes of the clocks.
void read_instant(std::string_view text) {
  Timestamp at;
  std::memcpy(&at.micros, text.data(), std::min(text.size(), sizeof at.micros));
  const CivilTime utc = civil_utc(at);
  MARTLET_CHECK(from_civil_utc(utc) == at, "instants survive the calendar");
  static_cast<void>(to_text(at) + to_bare_text(at) + date_text(at.micros));
  static_cast<void>(to_text(Duration(at.micros)));
  for (const char* name : {"America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"}) {
    static_cast<void>(Zone::find(name)->local(at));
    static_cast<void>(Zone::find(name)->instant(utc));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  read_quantities(text);
  read_times(text);
  read_instant(text);
  // An unknown zone is compared with all known ones, which takes as long as a hundred other inputs:
  // so only few reach it.
  if (size < 40 && text.starts_with("Europe/")) static_cast<void>(Zone::find(text));
  MARTLET_CHECK(is_valid_utf8(lower_unicode(text)) == is_valid_utf8(text), "case keeps UTF-8");
  MARTLET_CHECK(is_valid_utf8(upper_unicode(text)) == is_valid_utf8(text), "case keeps UTF-8");
  if (const auto pattern = Pattern::compile(text.substr(0, 64)); pattern.has_value())
    static_cast<void>(pattern->occurs_in(text));
  return 0;
}

// expr/internal/convert.h: values to and from text, as DuckDB 1.5.5 casts them.
#pragma once
#include "base/zone.h"
#include "expr/internal/value.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace martlet::expr {

// Days beyond this have no date (about 270,000 years either way); every day inside it has a
// timestamp.
inline constexpr std::int64_t kMaxDays = 100'000'000;

// nullopt: not such a value. Blanks around the text are ignored for numbers.
std::optional<bool> read_bool(std::string_view text);
// "12", "1.5e3"; fractions are rounded half away from zero.
std::optional<std::int64_t> read_integer(std::string_view text);
// Also "inf", "infinity", "nan"; too large becomes infinite, too small zero.
std::optional<double> read_number(std::string_view text);
// ISO 8601; a bare time is read in `zone`. Microseconds since 1970.
std::optional<std::int64_t> read_timestamp(std::string_view text, const Zone& zone);
// A time of day behind the date is dropped. Days since 1970.
std::optional<std::int64_t> read_date(std::string_view text);
// "3 hours", "1 day -2 h", "02:03:04.5", "1 month ago"; a bare number is seconds.
std::optional<Interval> read_interval(std::string_view text);

// Writes into `buffer` (at least 40 bytes) and returns the part that was written.
std::string_view write_number(double number, char* buffer);
std::string number_text(double number);
std::string_view write_integer(std::int64_t integer, char* buffer);
// "2013-04-01 05:15:00[.ffffff]" of a local reading.
std::string_view write_local_time(std::int64_t local_micros, char* buffer);
std::string_view write_date(std::int64_t days, char* buffer);

}  // namespace martlet::expr

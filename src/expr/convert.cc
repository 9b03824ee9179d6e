#include "expr/internal/convert.h"

#include "base/text.h"
#include "base/time.h"
#include "expr/internal/calendar.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace martlet::expr {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Equal without regard to ASCII case; `lower` is in lower case.
bool is_word(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c =
        text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

// Digits with an optional fraction and exponent, rounded half away from zero without leaving
// integers: "9223372036854775807.4" keeps its digits, which a double would lose.
std::optional<std::int64_t> round_decimal(std::string_view text) {
  const bool negative = text.front() == '-';
  text.remove_prefix(negative ? 1 : 0);
  std::string digits;
  std::int64_t point = -1;
  std::int64_t exponent = 0;
  std::size_t i = 0;
  for (; i < text.size() && (is_digit(text[i]) || (text[i] == '.' && point < 0)); ++i) {
    if (text[i] == '.')
      point = static_cast<std::int64_t>(digits.size());
    else
      digits.push_back(text[i]);
  }
  if (digits.empty() || digits.size() > 400) return std::nullopt;
  if (i < text.size()) {
    if (text[i] != 'e' && text[i] != 'E') return std::nullopt;
    std::string_view rest = text.substr(i + 1);
    if (!rest.empty() && rest.front() == '+') rest.remove_prefix(1);
    if (rest.ends_with('.')) rest.remove_suffix(1);  // DuckDB lets a point end the exponent
    const auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), exponent);
    if (code != std::errc() || end != rest.data() + rest.size()) return std::nullopt;
    // As DuckDB reads it: exponents have 16 bits, and what stands before the point must be an
    // integer by itself.
    if (exponent != static_cast<std::int16_t>(exponent)) return std::nullopt;
    exponent = std::clamp<std::int64_t>(exponent, -1000, 1000);
    const std::string leading =
        digits.substr(0, point < 0 ? digits.size() : static_cast<std::size_t>(point));
    std::int64_t integral = 0;
    if (std::from_chars(leading.data(), leading.data() + leading.size(), integral).ec ==
        std::errc::result_out_of_range)
      return std::nullopt;
  }
  const std::int64_t whole =
      (point < 0 ? static_cast<std::int64_t>(digits.size()) : point) + exponent;
  std::int64_t value = 0;
  for (std::int64_t k = 0; k < whole; ++k) {
    const int digit = k < static_cast<std::int64_t>(digits.size())
                          ? digits[static_cast<std::size_t>(k)] - '0'
                          : 0;
    if (__builtin_mul_overflow(value, 10, &value) ||
        __builtin_add_overflow(value, negative ? -digit : digit, &value))
      return std::nullopt;
  }
  const bool up = whole >= 0 && whole < static_cast<std::int64_t>(digits.size()) &&
                  digits[static_cast<std::size_t>(whole)] >= '5';
  if (up && __builtin_add_overflow(value, negative ? -1 : 1, &value)) return std::nullopt;
  return value;
}

// Without the underscores that stand between digits; nullopt when one stands elsewhere.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
    } else if (i == 0 || i + 1 == text.size() || !is_digit(text[i - 1]) || !is_digit(text[i + 1])) {
      return std::nullopt;
    }
  }
  return out;
}

char* two_digits(char* at, int value) {
  *at++ = static_cast<char>('0' + value / 10);
  *at++ = static_cast<char>('0' + value % 10);
  return at;
}

// One part of an interval's text.
class IntervalReader {
 public:
  explicit IntervalReader(std::string_view text) : text_(text) {}

  std::optional<Interval> run() {
    skip();
    if (at_ == text_.size()) return std::nullopt;
    while (at_ < text_.size()) {
      if (is_word(text_.substr(at_), "ago")) {
        return read_any_ ? negated(total_) : std::nullopt;
      }
      if (!read_part()) return std::nullopt;
      read_any_ = true;
      skip();
    }
    return total_;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n') ++at_;
  }

  bool read_part() {
    const bool negative = peek() == '-';
    if (negative) ++at_;
    std::int64_t whole = 0;
    const std::size_t begin = at_;
    while (is_digit(peek())) {
      if (__builtin_mul_overflow(whole, 10, &whole) ||
          __builtin_add_overflow(whole, peek() - '0', &whole))
        return false;
      ++at_;
    }
    if (at_ == begin) return false;
    if (peek() == ':') return read_clock(whole, negative);
    const std::int64_t millionths = read_fraction();
    skip();
    const std::size_t word = at_;
    while (is_letter(peek())) ++at_;
    const std::string_view name = text_.substr(word, at_ - word);
    const std::optional<Unit> unit =
        name.empty() && at_ == text_.size() ? Unit::Second : find_unit(lower_ascii(name));
    if (!unit.has_value()) return false;
    const std::optional<Interval> part = amount_of(*unit, whole, millionths);
    return part.has_value() && add(negative ? negated(*part) : part);
  }

  std::int64_t read_fraction() {
    if (peek() != '.') return 0;
    ++at_;
    std::int64_t millionths = 0;
    for (std::int64_t weight = 100'000; is_digit(peek()); ++at_, weight /= 10)
      millionths += (peek() - '0') * weight;
    return millionths;
  }

  // Fractions go to the next smaller units: 1.5 months are a month and 15 days, 1.5 days a day and
  // 12 hours.
  static std::optional<Interval> amount_of(Unit unit, std::int64_t whole, std::int64_t millionths) {
    std::optional<Interval> total = interval_of(unit, whole);
    const std::optional<Interval> one = interval_of(unit, 1);
    if (!total.has_value() || millionths == 0) return total;
    const std::int64_t months = one->months * millionths / 1'000'000;
    const std::int64_t days_millionths =
        (one->months * millionths % 1'000'000) * 30 + one->days * millionths;
    const std::int64_t micros = days_millionths % 1'000'000 * (kMicrosPerDay / 1'000'000) +
                                one->micros / 1'000'000 * millionths +
                                one->micros % 1'000'000 * millionths / 1'000'000;
    return sum(*total, Interval{static_cast<std::int32_t>(months),
                                static_cast<std::int32_t>(days_millionths / 1'000'000), micros});
  }

  // hours:minutes[:seconds[.fraction]]
  bool read_clock(std::int64_t hours, bool negative) {
    std::int64_t fields[2] = {0, 0};
    for (std::int64_t& field : fields) {
      if (peek() != ':') break;
      ++at_;
      const std::size_t begin = at_;
      while (is_digit(peek()) && at_ - begin < 2) field = field * 10 + (text_[at_++] - '0');
      if (at_ == begin || field > 59) return false;
    }
    const std::int64_t millionths = read_fraction();
    const std::optional<Interval> part = interval_of(Unit::Hour, hours);
    if (!part.has_value()) return false;
    const std::optional<Interval> clock =
        sum(*part, Interval{0, 0, (fields[0] * 60 + fields[1]) * kMicrosPerSecond + millionths});
    return clock.has_value() && add(negative ? negated(*clock) : clock);
  }

  bool add(const std::optional<Interval>& part) {
    if (!part.has_value()) return false;
    const std::optional<Interval> next = sum(total_, *part);
    if (!next.has_value()) return false;
    total_ = *next;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Interval total_;
  bool read_any_ = false;
};

}  // namespace

std::optional<bool> read_bool(std::string_view text) {
  for (const std::string_view word : {"t", "true", "y", "yes", "1"}) {
    if (is_word(text, word)) return true;
  }
  for (const std::string_view word : {"f", "false", "n", "no", "0"}) {
    if (is_word(text, word)) return false;
  }
  return std::nullopt;
}

std::optional<std::int64_t> read_integer(std::string_view text) {
  text = trim(text);
  if (text.find('_') != std::string_view::npos) {
    const std::optional<std::string> digits = without_underscores(text);
    return digits.has_value() ? read_integer(*digits) : std::nullopt;
  }
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  if (text.empty() || (text.front() == '-' && text.size() == 1)) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end == text.data() + text.size())
    return code == std::errc() ? std::optional(value) : std::nullopt;
  return round_decimal(text);
}

std::optional<double> read_number(std::string_view text) {
  text = trim(text);
  if (text.find('_') != std::string_view::npos) {
    const std::optional<std::string> digits = without_underscores(text);
    return digits.has_value() ? read_number(*digits) : std::nullopt;
  }
  if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const char* const first = text.data();
  const char* const last = first + text.size();
  const auto [end, code] = std::from_chars(first, last, value);
  if (end != last || text.empty() || code == std::errc::invalid_argument) return std::nullopt;
  if (code == std::errc::result_out_of_range) {
    // from_chars does not say in which direction; a negative exponent is the only way to be too
    // small.
    const std::size_t exponent = text.find_first_of("eE");
    const bool small = exponent != std::string_view::npos
                           ? text.substr(exponent + 1, 1) == "-"
                           : text.find_first_of("123456789") > text.find('.');
    value = small ? 0.0 : std::numeric_limits<double>::infinity();
    return text.front() == '-' ? -value : value;
  }
  return value;
}

std::optional<std::int64_t> read_timestamp(std::string_view text, const Zone& zone) {
  constexpr std::size_t kSecondsAt = std::string_view("2024-06-01 12:30").size();
  const std::string_view trimmed = trim(text);
  const Result<ParsedTime> parsed = parse_time(trimmed);
  if (!parsed.has_value()) return std::nullopt;
  // What ISO 8601 allows and DuckDB doesn't: t and z, a decimal comma, an offset without seconds.
  if (trimmed.find_first_of("tz,") != std::string_view::npos) return std::nullopt;
  if (parsed->has_offset && trimmed[kSecondsAt] != ':') return std::nullopt;
  if (parsed->has_offset)
    return from_civil_utc(parsed->civil).micros - parsed->offset_seconds * kMicrosPerSecond;
  return instant_of(zone, from_civil_utc(parsed->civil).micros);
}

std::optional<std::int64_t> read_date(std::string_view text) {
  const Result<ParsedTime> parsed = parse_time(trim(text));
  if (!parsed.has_value()) return std::nullopt;
  return days_from_civil(parsed->civil.date);
}

std::optional<Interval> read_interval(std::string_view text) { return IntervalReader(text).run(); }

std::string_view write_number(double number, char* buffer) {
  // DuckDB prints the shortest digits that read back, with ".0" behind whole numbers.
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  const auto scientific = std::to_chars(buffer, buffer + 40, number, std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<std::size_t>(scientific.ptr - buffer));
  int exponent = 0;
  const std::size_t e = text.find('e');
  const char* from = text.data() + e + 1;
  std::from_chars(*from == '+' ? from + 1 : from, text.data() + text.size(), exponent);
  if (number != 0 && (exponent < -4 || exponent >= 16)) return text;
  char* end = std::to_chars(buffer, buffer + 36, number, std::chars_format::fixed).ptr;
  if (std::memchr(buffer, '.', static_cast<std::size_t>(end - buffer)) == nullptr) {
    *end++ = '.';
    *end++ = '0';
  }
  return {buffer, static_cast<std::size_t>(end - buffer)};
}

std::string number_text(double number) {
  char buffer[48];
  return std::string(write_number(number, buffer));
}

std::string_view write_integer(std::int64_t integer, char* buffer) {
  const char* end = std::to_chars(buffer, buffer + 40, integer).ptr;
  return {buffer, static_cast<std::size_t>(end - buffer)};
}

std::string_view write_date(std::int64_t days, char* buffer) {
  const CivilDate date = civil_from_days(days);
  // Before the year 1 DuckDB writes "0045-03-15 (BC)".
  const bool before = date.year <= 0;
  const int year = before ? 1 - date.year : date.year;
  char* at = buffer;
  for (int limit = 1000; limit > year && limit > 1; limit /= 10) *at++ = '0';
  at = std::to_chars(at, buffer + 40, year).ptr;
  *at++ = '-';
  at = two_digits(at, date.month);
  *at++ = '-';
  at = two_digits(at, date.day);
  if (before) at = std::copy_n(" (BC)", 5, at);
  return {buffer, static_cast<std::size_t>(at - buffer)};
}

std::string_view write_local_time(std::int64_t local_micros, char* buffer) {
  const auto [days, time] = local_day(local_micros);
  const std::string_view date = write_date(days, buffer);
  char* at = buffer + date.size();  // also behind " (BC)", as DuckDB writes it
  *at++ = ' ';
  at = two_digits(at, static_cast<int>(time / (3600 * kMicrosPerSecond)));
  *at++ = ':';
  at = two_digits(at, static_cast<int>(time / (60 * kMicrosPerSecond) % 60));
  *at++ = ':';
  at = two_digits(at, static_cast<int>(time / kMicrosPerSecond % 60));
  if (std::int64_t rest = time % kMicrosPerSecond; rest != 0) {
    *at++ = '.';
    for (std::int64_t weight = 100'000; rest != 0; weight /= 10) {
      *at++ = static_cast<char>('0' + rest / weight);
      rest %= weight;
    }
  }
  return {buffer, static_cast<std::size_t>(at - buffer)};
}

}  // namespace martlet::expr

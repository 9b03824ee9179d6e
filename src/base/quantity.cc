#include "base/quantity.h"

#include "base/text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace martlet {

Result<double> parse_number(std::string_view text) {
  std::string_view digits = text;
  if (!digits.empty() && digits.front() == '+') digits.remove_prefix(1);
  double value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || read.ec != std::errc{} || read.ptr != digits.data() + digits.size() ||
      !std::isfinite(value)) {
    return invalid_argument("\"" + std::string(text.substr(0, 60)) + "\" is not a finite number");
  }
  return value;
}

Result<std::int64_t> parse_integer(std::string_view text) {
  std::string_view digits = text;
  if (!digits.empty() && digits.front() == '+') digits.remove_prefix(1);
  std::int64_t value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || read.ec != std::errc{} || read.ptr != digits.data() + digits.size()) {
    return invalid_argument("\"" + std::string(text.substr(0, 60)) +
                            "\" is not a whole number of 64 bits");
  }
  return value;
}

Result<double> parse_share(std::string_view text) {
  std::string_view digits = trim(text);
  const bool percent = digits.ends_with('%');
  if (percent) digits = trim(digits.substr(0, digits.size() - 1));
  const auto number = parse_number(digits);
  const double value = number.has_value() ? (percent ? *number / 100 : *number) : -1;
  if (!(value >= 0 && value <= 1)) {
    return invalid_argument("\"" + std::string(text.substr(0, 60)) +
                            "\" is not a share; write it as 30% or 0.3");
  }
  return value;
}

Result<std::int64_t> parse_size(std::string_view text) {
  struct Unit {
    std::string_view name;
    double bytes;
  };
  static constexpr std::array<Unit, 10> kUnits{{{"TiB", 0x1p40},
                                                {"GiB", 0x1p30},
                                                {"MiB", 0x1p20},
                                                {"KiB", 0x1p10},
                                                {"TB", 1e12},
                                                {"GB", 1e9},
                                                {"MB", 1e6},
                                                {"kB", 1e3},
                                                {"KB", 1e3},
                                                {"B", 1}}};
  std::string_view digits = trim(text);
  double unit = 1;
  for (const Unit& known : kUnits) {
    if (digits.ends_with(known.name)) {
      unit = known.bytes;
      digits = trim(digits.substr(0, digits.size() - known.name.size()));
      break;
    }
  }
  const auto number = parse_number(digits);
  const double bytes = number.has_value() ? *number * unit : -1;
  if (!(bytes >= 0 && bytes <= 0x1p62)) {
    return invalid_argument("\"" + std::string(text.substr(0, 60)) +
                            "\" is not a size; write it as 512MiB, 2GiB or 4096");
  }
  return static_cast<std::int64_t>(bytes);
}

std::string size_text(std::int64_t bytes) {
  static constexpr std::array<const char*, 5> kNames{"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kNames.size()) {
    value /= 1024;
    ++unit;
  }
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, kNames[unit]);
  return text.data();
}

}  // namespace martlet

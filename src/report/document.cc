#include "report/document.h"

#include <fmt/format.h>

#include <cmath>

namespace martlet::report {

namespace {

constexpr const char* kUnknown = "–";

// "1234567.8" → "1,234,567.8"
std::string with_thousands(std::string_view digits) {
  const std::size_t begin = digits.starts_with('-') ? 1 : 0;
  const std::size_t dot = digits.find('.');
  const std::size_t whole = dot == std::string_view::npos ? digits.size() : dot;
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > begin && i < whole && (whole - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string without_trailing_zeros(std::string digits) {
  if (digits.find('.') == std::string::npos) return digits;
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.ends_with('.')) digits.pop_back();
  return digits;
}

}  // namespace

std::string number_text(double value) {
  constexpr double kLargest = 1e15;
  constexpr double kSmallest = 1e-4;
  if (!std::isfinite(value)) return kUnknown;
  const double size = std::abs(value);
  if (size == 0) return "0";
  if (size >= kLargest || size < kSmallest) return fmt::format("{:.2e}", value);
  if (value == std::trunc(value)) return with_thousands(fmt::format("{:.0f}", value));
  const int whole = static_cast<int>(std::floor(std::log10(size))) + 1;
  const int decimals = whole >= 4 ? 1 : 4 - whole;
  return with_thousands(without_trailing_zeros(fmt::format("{:.{}f}", value, decimals)));
}

std::string count_text(std::int64_t count) { return with_thousands(std::to_string(count)); }

std::string share_text(double share) {
  return std::isfinite(share) ? number_text(std::round(share * 1000) / 10) + " %" : kUnknown;
}

std::string size_text(std::int64_t bytes) {
  const auto size = static_cast<double>(bytes);
  if (bytes >= 1'000'000) return number_text(size / 1e6) + " MB";
  if (bytes >= 1000) return number_text(size / 1e3) + " kB";
  return count_text(bytes) + " B";
}

Cell text_cell(std::string text) { return {std::move(text), Cell::Kind::Text, Tone::Plain}; }
Cell code_cell(std::string text) { return {std::move(text), Cell::Kind::Code, Tone::Plain}; }
Cell number_cell(double value) { return {number_text(value), Cell::Kind::Number, Tone::Plain}; }
Cell count_cell(std::int64_t count) { return {count_text(count), Cell::Kind::Number, Tone::Plain}; }
Cell badge_cell(std::string text, Tone tone) { return {std::move(text), Cell::Kind::Badge, tone}; }

Cell passed_cell(const std::optional<bool>& passed) {
  if (!passed.has_value()) return badge_cell("unknown", Tone::Unsure);
  return *passed ? badge_cell("passed", Tone::Good) : badge_cell("failed", Tone::Bad);
}

Cell json_cell(const Json& value) {
  if (value.is_null()) return text_cell(kUnknown);
  if (value.is_string()) return text_cell(value.get<std::string>());
  if (value.is_number_integer()) return count_cell(value.get<std::int64_t>());
  if (value.is_number()) return number_cell(value.get<double>());
  return text_cell(to_text(value));
}

}  // namespace martlet::report

#include "report/escape.h"

#include <cstdint>

namespace martlet::report {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

std::uint8_t byte_at(std::string_view text, std::size_t place) {
  return static_cast<std::uint8_t>(text[place]);
}

bool continues(std::string_view text, std::size_t place) {
  return place < text.size() && (byte_at(text, place) & 0xC0U) == 0x80U;
}

// The length of the well-formed character that begins at `place`; 0 when there is none. Source: The
// Unicode Standard, table 3-7.
std::size_t character_length(std::string_view text, std::size_t place) {
  const std::uint8_t first = byte_at(text, place);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4 || !continues(text, place + 1)) return 0;
  const std::uint8_t second = byte_at(text, place + 1);
  if (first < 0xE0) return 2;
  if (!continues(text, place + 2)) return 0;
  if (first < 0xF0) {
    const bool overlong = first == 0xE0 && second < 0xA0;
    const bool surrogate = first == 0xED && second > 0x9F;
    return overlong || surrogate ? 0 : 3;
  }
  if (!continues(text, place + 3)) return 0;
  const bool overlong = first == 0xF0 && second < 0x90;
  const bool beyond = first == 0xF4 && second > 0x8F;
  return overlong || beyond ? 0 : 4;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t place = 0; place < text.size();) {
    const std::size_t length = character_length(text, place);
    const std::uint8_t first = byte_at(text, place);
    const bool control = first == 0x7F || (first < 0x20 && first != '\n' && first != '\t');
    if (length == 0 || control) {
      result += kReplacement;
      ++place;
      continue;
    }
    result += text.substr(place, length);
    place += length;
  }
  return result;
}

std::string escape_html(std::string_view text) {
  std::string result;
  for (const char c : printable(text)) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      case '\'': result += "&#39;"; break;
      default: result += c;
    }
  }
  return result;
}

std::string escape_markdown(std::string_view text) {
  constexpr std::string_view kMarkup = "\\`*_[]|#~$!";
  std::string result;
  for (const char c : printable(text)) {
    if (c == '\n' || c == '\t') {
      result += ' ';
    } else if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else {
      const bool begins_a_block = result.empty() && (c == '-' || c == '+' || c == '=');
      if (begins_a_block || kMarkup.find(c) != std::string_view::npos) result += '\\';
      result += c;
    }
  }
  return result;
}

std::string escape_script_json(std::string_view json) {
  std::string result;
  result.reserve(json.size());
  for (const char c : json) {
    switch (c) {
      case '<': result += "\\u003c"; break;
      case '>': result += "\\u003e"; break;
      case '&': result += "\\u0026"; break;
      default: result += c;
    }
  }
  return result;
}

}  // namespace martlet::report

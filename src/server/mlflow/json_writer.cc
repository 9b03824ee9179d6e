#include "server/mlflow/json_writer.h"

#include "base/json.h"

#include <array>
#include <charconv>
#include <cmath>

namespace martlet::server::mlflow {

namespace {

// What can stand in a JSON text as it is: anything but quotes, backslashes, controls, and bytes
// beyond ASCII, which have to be looked at.
bool is_plain(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x80 || c == '"' || c == '\\') return false;
  }
  return true;
}

}  // namespace

JsonWriter& JsonWriter::open(char bracket) {
  comma();
  out_ += bracket;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  first_ = false;
  return *this;
}

void JsonWriter::comma() {
  if (!first_) out_ += ',';
  first_ = false;
}

void JsonWriter::quoted(std::string_view text) {
  if (is_plain(text)) {
    out_ += '"';
    out_ += text;
    out_ += '"';
  } else {
    out_ += to_text(Json(text));
  }
}

JsonWriter& JsonWriter::key(std::string_view name) {
  comma();
  quoted(name);
  out_ += ':';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  comma();
  quoted(text);
  return *this;
}

JsonWriter& JsonWriter::value(std::int64_t integer) {
  comma();
  std::array<char, 24> digits{};
  const auto done = std::to_chars(digits.data(), digits.data() + digits.size(), integer);
  out_.append(digits.data(), done.ptr);
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  comma();
  if (std::isnan(number)) {
    out_ += "\"NaN\"";
  } else if (std::isinf(number)) {
    out_ += number > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  } else {
    std::array<char, 32> digits{};
    const auto done = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    const std::string_view text(digits.data(), static_cast<std::size_t>(done.ptr - digits.data()));
    out_ += text;
    // A double stays one for clients that tell 1 from 1.0.
    if (text.find_first_of(".e") == std::string_view::npos) out_ += ".0";
  }
  return *this;
}

JsonWriter& JsonWriter::value(bool boolean) {
  comma();
  out_ += boolean ? "true" : "false";
  return *this;
}

}  // namespace martlet::server::mlflow

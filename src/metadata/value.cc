#include "metadata/value.h"

#include <fmt/format.h>

namespace martlet::metadata {

Value FieldCodec<Digest>::to(const Digest& value) {
  return Value(value.is_zero() ? std::string() : value.text());
}

bool FieldCodec<Digest>::from(Value&& value, Digest& target) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return false;
  if (text->empty()) {
    target = Digest();
    return true;
  }
  auto parsed = Digest::parse(*text);
  if (!parsed.has_value()) return false;
  target = *parsed;
  return true;
}

Value FieldCodec<Json>::to(const Json& value) { return Value(martlet::to_text(value)); }

bool FieldCodec<Json>::from(Value&& value, Json& target) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return false;
  auto parsed = parse_json(*text);
  if (!parsed.has_value()) return false;
  target = std::move(*parsed);
  return true;
}

std::string to_text(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (const auto* real = std::get_if<double>(&value)) return fmt::format("{}", *real);
  if (const auto* text = std::get_if<std::string>(&value)) {
    return text->size() <= 80
               ? "\"" + *text + "\""
               : fmt::format("\"{}…\" ({} bytes)", text->substr(0, 60), text->size());
  }
  if (const auto* blob = std::get_if<Blob>(&value))
    return fmt::format("{} bytes", blob->bytes.size());
  return "null";
}

}  // namespace martlet::metadata

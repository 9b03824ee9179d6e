// metadata/value.h: what one column of a stored record can hold, and how C++ types become that and
// back.
//
// Values; no shared state. A type takes part by having a FieldCodec: integers, double, bool,
// std::string, Timestamp, Digest, Json, Blob, Id<Tag>, enumerations with name_of() and
// parse_name(), and std::optional of each. Other modules may specialise FieldCodec for their own
// validated types.
#pragma once
#include "base/digest.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace martlet::metadata {

// Raw bytes, as opposed to text.
struct Blob {
  std::string bytes;
  bool operator==(const Blob&) const = default;
};

using Value = std::variant<std::monostate, std::int64_t, double, std::string, Blob>;

enum class ColumnType : std::uint8_t { Integer, Real, Text, Bytes };

// An enumeration that is stored by its stable name: found by argument-dependent look-up.
template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E value, E& target, std::string_view text) {
  { name_of(value) } -> std::convertible_to<std::string_view>;
  { parse_name(text, target) } -> std::same_as<bool>;
};

// kType, kNullable, `static Value to(const T&)` and `static bool from(Value&&, T&)`: false when the
// value can't be a T.
template <class T>
struct FieldCodec;

template <class T>
  requires std::integral<T>
struct FieldCodec<T> {
  static constexpr ColumnType kType = ColumnType::Integer;
  static constexpr bool kNullable = false;
  static Value to(T value) { return static_cast<std::int64_t>(value); }
  static bool from(Value&& value, T& target) {
    const auto* number = std::get_if<std::int64_t>(&value);
    if (number == nullptr ||
        !std::in_range<std::conditional_t<std::same_as<T, bool>, int, T>>(*number))
      return false;
    target = static_cast<T>(*number);
    return true;
  }
};

// NaN is stored as null, since databases have no NaN; ±infinity are kept.
template <>
struct FieldCodec<double> {
  static constexpr ColumnType kType = ColumnType::Real;
  static constexpr bool kNullable = true;
  static Value to(double value) { return value != value ? Value() : Value(value); }
  static bool from(Value&& value, double& target) {
    if (std::holds_alternative<std::monostate>(value)) {
      target = std::numeric_limits<double>::quiet_NaN();
      return true;
    }
    const auto* number = std::get_if<double>(&value);
    if (number != nullptr) target = *number;
    return number != nullptr;
  }
};

template <>
struct FieldCodec<std::string> {
  static constexpr ColumnType kType = ColumnType::Text;
  static constexpr bool kNullable = false;
  static Value to(std::string value) { return Value(std::move(value)); }
  static bool from(Value&& value, std::string& target) {
    auto* text = std::get_if<std::string>(&value);
    if (text != nullptr) target = std::move(*text);
    return text != nullptr;
  }
};

template <>
struct FieldCodec<Blob> {
  static constexpr ColumnType kType = ColumnType::Bytes;
  static constexpr bool kNullable = false;
  static Value to(Blob value) { return Value(std::move(value)); }
  static bool from(Value&& value, Blob& target) {
    auto* blob = std::get_if<Blob>(&value);
    if (blob != nullptr) target = std::move(*blob);
    return blob != nullptr;
  }
};

template <>
struct FieldCodec<Timestamp> {
  static constexpr ColumnType kType = ColumnType::Integer;
  static constexpr bool kNullable = false;
  static Value to(Timestamp value) { return value.micros; }
  static bool from(Value&& value, Timestamp& target) {
    return FieldCodec<std::int64_t>::from(std::move(value), target.micros);
  }
};

// "sha256:…"; the zero digest ("none") is the empty text.
template <>
struct FieldCodec<Digest> {
  static constexpr ColumnType kType = ColumnType::Text;
  static constexpr bool kNullable = false;
  static Value to(const Digest& value);
  static bool from(Value&& value, Digest& target);
};

template <>
struct FieldCodec<Json> {
  static constexpr ColumnType kType = ColumnType::Text;
  static constexpr bool kNullable = false;
  static Value to(const Json& value);
  static bool from(Value&& value, Json& target);
};

template <class Tag>
struct FieldCodec<Id<Tag>> {
  static constexpr ColumnType kType = ColumnType::Text;
  static constexpr bool kNullable = false;
  static Value to(const Id<Tag>& value) { return Value(value.text()); }
  static bool from(Value&& value, Id<Tag>& target) {
    auto* text = std::get_if<std::string>(&value);
    if (text != nullptr) target = Id<Tag>(std::move(*text));
    return text != nullptr;
  }
};

template <NamedEnum E>
struct FieldCodec<E> {
  static constexpr ColumnType kType = ColumnType::Text;
  static constexpr bool kNullable = false;
  static Value to(E value) { return Value(std::string(name_of(value))); }
  static bool from(Value&& value, E& target) {
    const auto* text = std::get_if<std::string>(&value);
    return text != nullptr && parse_name(*text, target);
  }
};

// Absent is null. (A NaN inside an optional double is stored as null too, and so reads back as
// absent.)
template <class T>
struct FieldCodec<std::optional<T>> {
  static constexpr ColumnType kType = FieldCodec<T>::kType;
  static constexpr bool kNullable = true;
  static Value to(const std::optional<T>& value) {
    return value.has_value() ? FieldCodec<T>::to(*value) : Value();
  }
  static bool from(Value&& value, std::optional<T>& target) {
    if (std::holds_alternative<std::monostate>(value)) {
      target.reset();
      return true;
    }
    return FieldCodec<T>::from(std::move(value), target.emplace());
  }
};

template <class T>
Value to_value(const T& value) {
  if constexpr (std::convertible_to<const T&, std::string_view>) {
    return Value(std::string(std::string_view(value)));
  } else {
    return FieldCodec<T>::to(value);
  }
}

// For messages: texts in quotes, blobs by their size.
std::string to_text(const Value& value);

}  // namespace martlet::metadata

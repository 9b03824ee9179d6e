#include "base/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

namespace martlet {

namespace {

constexpr std::int64_t kMaxSafeInteger = (std::int64_t{1} << 53) - 1;

// Builds a value while refusing what the plain parser would let pass: depth beyond the limit and
// duplicate keys. It appends members itself: the library's builder looks each new key up among the
// ones before it, so that an object of n members, which may be a stranger's, would take n² steps.
class LimitedBuilder : public nlohmann::json_sax<Json> {
 public:
  LimitedBuilder(Json& root, int depth_limit) : root_(root), depth_limit_(depth_limit) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // JSON text has none
  bool start_object(std::size_t) override {
    keys_.emplace_back();
    return open(Json::object());
  }
  bool key(string_t& name) override {
    if (!keys_.back().insert(name).second) {
      problem = "the key \"" + name + "\" stands twice in one object";
      return false;
    }
    key_ = std::move(name);
    return true;
  }
  bool end_object() override {
    keys_.pop_back();
    return close();
  }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    const std::string words = error.what();
    const std::size_t colon = words.find("] ");
    problem = "at byte " + std::to_string(position) + ": " +
              (colon == std::string::npos ? words : words.substr(colon + 2));
    return false;
  }

  std::string problem;

 private:
  // A place in a container stays where it is while a container inside it is open.
  Json& place(Json value) {
    if (open_.empty()) return root_ = std::move(value);
    Json& parent = *open_.back();
    if (parent.is_array()) {
      auto& items = parent.get_ref<Json::array_t&>();
      return items.emplace_back(std::move(value));
    }
    auto& members = parent.get_ref<Json::object_t&>();
    return members.emplace_back(std::move(key_), std::move(value)).second;
  }
  bool add(Json value) {
    place(std::move(value));
    return true;
  }
  bool open(Json container) {
    open_.push_back(&place(std::move(container)));
    if (open_.size() <= static_cast<std::size_t>(depth_limit_)) return true;
    problem = "it is nested deeper than " + std::to_string(depth_limit_) + " levels";
    return false;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  Json& root_;
  std::vector<Json*> open_;  // the containers around the next value
  std::string key_;          // of the next value, inside an object
  std::vector<std::set<std::string>> keys_;
  int depth_limit_;
};

void write_canonical_text(const std::string& text, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += kHex[(static_cast<unsigned char>(c) >> 4) & 15];
          out += kHex[static_cast<unsigned char>(c) & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

// RFC 8785 sorts keys by UTF-16 code units; that order differs from UTF-8's only above the
// surrogates.
std::u16string utf16_of(const std::string& text) {
  std::u16string out;
  std::size_t i = 0;
  while (i < text.size()) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    char32_t point = length == 1   ? byte
                     : length == 2 ? (byte & 0x1Fu)
                     : length == 3 ? (byte & 0x0Fu)
                                   : (byte & 0x07u);
    for (std::size_t k = 1; k < length && i + k < text.size(); ++k) {
      point = (point << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3Fu);
    }
    if (point >= 0x10000) {
      point -= 0x10000;
      out += static_cast<char16_t>(0xD800 + (point >> 10));
      out += static_cast<char16_t>(0xDC00 + (point & 0x3FF));
    } else {
      out += static_cast<char16_t>(point);
    }
    i += length;
  }
  return out;
}

void write_canonical(const Json& value, std::string& out) {
  switch (value.type()) {
    case Json::value_t::object: {
      std::vector<std::pair<std::u16string, const Json*>> members;
      std::vector<const std::string*> names;
      std::vector<std::size_t> order;
      for (auto item = value.begin(); item != value.end(); ++item) {
        members.emplace_back(utf16_of(item.key()), &item.value());
        names.push_back(&item.key());
        order.push_back(order.size());
      }
      std::sort(order.begin(), order.end(),
                [&](std::size_t a, std::size_t b) { return members[a].first < members[b].first; });
      out += '{';
      for (std::size_t i = 0; i < order.size(); ++i) {
        if (i > 0) out += ',';
        write_canonical_text(*names[order[i]], out);
        out += ':';
        write_canonical(*members[order[i]].second, out);
      }
      out += '}';
      break;
    }
    case Json::value_t::array: {
      out += '[';
      bool first = true;
      for (const Json& item : value) {
        if (!first) out += ',';
        first = false;
        write_canonical(item, out);
      }
      out += ']';
      break;
    }
    case Json::value_t::string:
      write_canonical_text(value.get_ref<const std::string&>(), out);
      break;
    case Json::value_t::boolean: out += value.get<bool>() ? "true" : "false"; break;
    case Json::value_t::number_integer: {
      const auto number = value.get<std::int64_t>();
      const bool safe = number >= -kMaxSafeInteger && number <= kMaxSafeInteger;
      out += safe ? std::to_string(number) : '"' + std::to_string(number) + '"';
      break;
    }
    case Json::value_t::number_unsigned: {
      const auto number = value.get<std::uint64_t>();
      const bool safe = number <= static_cast<std::uint64_t>(kMaxSafeInteger);
      out += safe ? std::to_string(number) : '"' + std::to_string(number) + '"';
      break;
    }
    case Json::value_t::number_float: out += shortest(value.get<double>()); break;
    default: out += "null"; break;
  }
}

std::string no_member(std::string_view key, std::string_view subject, std::string_view expected) {
  return std::string(subject) + ": \"" + std::string(key) + "\" must be " + std::string(expected);
}

}  // namespace

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.size_bytes) {
    return invalid_argument("reading JSON: " + std::to_string(text.size()) +
                            " bytes are more than the limit of " +
                            std::to_string(limits.size_bytes));
  }
  Json value;
  LimitedBuilder builder(value, limits.depth);
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    return invalid_argument("reading JSON: " +
                            (builder.problem.empty() ? std::string("malformed") : builder.problem));
  }
  return value;
}

std::string canonical_json(const Json& value) {
  std::string out;
  write_canonical(value, out);
  return out;
}

std::string shortest(double value) {
  if (!std::isfinite(value)) return "null";
  if (value == 0) return "0";  // ECMAScript writes -0 as 0
  char digits_text[40];
  const auto written = std::to_chars(digits_text, digits_text + sizeof digits_text, value,
                                     std::chars_format::scientific);
  std::string scientific(digits_text, written.ptr);
  const bool negative = scientific[0] == '-';
  if (negative) scientific.erase(0, 1);
  const std::size_t e = scientific.find('e');
  const int exponent = std::stoi(scientific.substr(e + 1));
  std::string digits = scientific.substr(0, e);
  digits.erase(std::remove(digits.begin(), digits.end(), '.'), digits.end());
  const int count = static_cast<int>(digits.size());
  const int n = exponent + 1;  // ECMA-262 Number::toString: value = 0.digits × 10^n
  std::string out = negative ? "-" : "";
  if (count <= n && n <= 21) {
    out += digits + std::string(static_cast<std::size_t>(n - count), '0');
  } else if (0 < n && n <= 21) {
    out += digits.substr(0, static_cast<std::size_t>(n)) + "." +
           digits.substr(static_cast<std::size_t>(n));
  } else if (-6 < n && n <= 0) {
    out += "0." + std::string(static_cast<std::size_t>(-n), '0') + digits;
  } else {
    const int shown = n - 1;
    out += digits.substr(0, 1);
    if (count > 1) out += "." + digits.substr(1);
    out += shown < 0 ? "e-" : "e+";
    out += std::to_string(std::abs(shown));
  }
  return out;
}

std::string to_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}
std::string to_pretty_text(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace);
}

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Result<const Json*> member(const Json& object, std::string_view key, std::string_view subject) {
  if (!object.is_object()) return invalid_argument(std::string(subject) + ": must be an object");
  const auto found = object.find(std::string(key));
  if (found == object.end()) {
    return invalid_argument(std::string(subject) + ": \"" + std::string(key) + "\" is missing");
  }
  return &*found;
}

Result<std::string> text_member(const Json& object, std::string_view key,
                                std::string_view subject) {
  MARTLET_TRY_SET(const Json* value, member(object, key, subject));
  if (!value->is_string()) return invalid_argument(no_member(key, subject, "text"));
  return value->get<std::string>();
}

Result<std::int64_t> integer_member(const Json& object, std::string_view key,
                                    std::string_view subject) {
  MARTLET_TRY_SET(const Json* value, member(object, key, subject));
  if (!value->is_number_integer())
    return invalid_argument(no_member(key, subject, "a whole number"));
  return value->get<std::int64_t>();
}

Result<double> number_member(const Json& object, std::string_view key, std::string_view subject) {
  MARTLET_TRY_SET(const Json* value, member(object, key, subject));
  if (!value->is_number()) return invalid_argument(no_member(key, subject, "a number"));
  return value->get<double>();
}

Result<bool> boolean_member(const Json& object, std::string_view key, std::string_view subject) {
  MARTLET_TRY_SET(const Json* value, member(object, key, subject));
  if (!value->is_boolean()) return invalid_argument(no_member(key, subject, "true or false"));
  return value->get<bool>();
}

}  // namespace martlet

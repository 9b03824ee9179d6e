#include "table/internal/text_types.h"

#include "base/text.h"
#include "base/time.h"

#include <charconv>
#include <system_error>

namespace martlet::table {

using columns::Cell;
using columns::Type;

namespace {

bool is_boolean(std::string_view text) {
  if (text.size() != 4 && text.size() != 5) return false;
  const std::string lower = lower_ascii(text);
  return lower == "true" || lower == "false";
}

std::string_view without_plus(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  return text;
}

bool read_integer(std::string_view text, std::int64_t& value) {
  text = without_plus(text);
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size();
}

// An integer too large for 64 bits: not a number either, or digits of a name would be lost.
bool is_long_integer(std::string_view text) {
  text = without_plus(text);
  if (text.starts_with('-')) text.remove_prefix(1);
  return text.size() > 18 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool read_number(std::string_view text, char decimal, double& value) {
  text = without_plus(text);
  std::string swapped;
  if (decimal != '.') {
    if (text.find('.') != std::string_view::npos) return false;
    swapped = text;
    if (const auto at = swapped.find(decimal); at != std::string::npos) swapped[at] = '.';
    text = swapped;
  }
  // from_chars would also read "inf", "nan" and "infinity", which are words here.
  const std::size_t first = text.find_first_not_of('-');
  if (first == std::string_view::npos || first > 1) return false;
  if (text[first] != '.' && (text[first] < '0' || text[first] > '9')) return false;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::optional<std::string_view> TextRules::present(std::string_view text) const {
  if (trim) text = martlet::trim(text);
  if (text.empty()) return std::nullopt;
  for (const std::string& null : nulls) {
    if (text == null) return std::nullopt;
  }
  return text;
}

void TypeFinder::see(std::string_view raw) {
  if (any_ && !boolean_ && !number_ && !date_ && !time_ && !integer_) return;
  const std::string_view text = trim(raw);
  any_ = true;
  if (boolean_) boolean_ = is_boolean(text);
  std::int64_t integer = 0;
  double number = 0;
  if (integer_) {
    integer_ = read_integer(text, integer);
    if (integer_) {
      date_ = time_ = false;
      return;
    }
  }
  if (number_) number_ = !is_long_integer(text) && read_number(text, decimal_, number);
  if (date_ || time_) {
    const auto time = parse_time(text);
    date_ = date_ && time.has_value() && time->date_only;
    time_ = time_ && time.has_value();
  }
}

Type TypeFinder::type() const {
  if (!any_) return Type::Double;
  if (boolean_) return Type::Bool;
  if (integer_) return Type::Int64;
  if (number_) return Type::Double;
  if (date_) return Type::Date;
  if (time_) return Type::Timestamp;
  return Type::Text;
}

std::optional<Misfit> convert_texts(const columns::Column& texts, Type type, const TextRules& rules,
                                    columns::ColumnBuilder& builder) {
  for (std::size_t row = 0; row < texts.size(); ++row) {
    const auto present = texts.is_missing(row) ? std::nullopt : rules.present(texts.text(row));
    if (!present) {
      builder.push_missing();
      continue;
    }
    if (type == Type::Text) {
      builder.push_text(*present);
      continue;
    }
    const std::string_view text = trim(*present);
    std::int64_t integer = 0;
    double number = 0;
    if (type == Type::Int64 && read_integer(text, integer)) {
      builder.push_int64(integer);
      continue;
    }
    if (type == Type::Double && read_number(text, rules.decimal, number)) {
      builder.push_double(number);
      continue;
    }
    if (type == Type::Bool && is_boolean(text)) {
      builder.push_bool(text[0] == 't' || text[0] == 'T');
      continue;
    }
    if (type == Type::Double && rules.decimal != '.') {
      return Misfit{row,
                    fmt::format("expected a number with \"{}\" before its decimals, found \"{}\"",
                                rules.decimal, text.substr(0, 80))};
    }
    auto cell = columns::cell_from_text(text, type, rules.zone);
    if (!cell.has_value()) return Misfit{row, cell.error().message()};
    builder.push(*cell);
  }
  return std::nullopt;
}

}  // namespace martlet::table

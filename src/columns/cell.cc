#include "columns/cell.h"

#include "base/quantity.h"
#include "base/text.h"

#include <cmath>
#include <limits>

namespace martlet::columns {

namespace {
Cell integer_cell(Type type, std::int64_t value) {
  Cell cell;
  cell.type = type;
  cell.missing = false;
  cell.integer = value;
  return cell;
}

Result<Cell> time_cell(std::string_view text, Type type, const Zone& zone) {
  MARTLET_TRY_SET(const ParsedTime parsed, parse_time(text));
  if (type == Type::Date) {
    if (!parsed.date_only)
      return invalid_argument("\"" + std::string(text.substr(0, 60)) +
                              "\" has a time of day behind the date");
    return Cell::of_date(days_from_civil(parsed.civil.date));
  }
  if (parsed.has_offset) {
    return Cell::of_timestamp(
        {from_civil_utc(parsed.civil).micros - parsed.offset_seconds * kMicrosPerSecond});
  }
  return Cell::of_timestamp(zone.instant(parsed.civil));
}

tl::unexpected<Error> wrong(std::string_view found, Type type) {
  static constexpr std::string_view kExpected[] = {"true or false",
                                                   "a whole number",
                                                   "a number",
                                                   "text",
                                                   "an ISO 8601 time such as 2013-04-01T05:15:00Z",
                                                   "a date such as 2013-04-01"};
  return invalid_argument("expected " + std::string(kExpected[static_cast<std::size_t>(type)]) +
                          ", found " + std::string(found.substr(0, 80)));
}
}  // namespace

Cell Cell::none(Type type) {
  Cell cell;
  cell.type = type;
  return cell;
}
Cell Cell::of_bool(bool value) {
  Cell cell;
  cell.type = Type::Bool;
  cell.missing = false;
  cell.boolean = value;
  return cell;
}
Cell Cell::of_int64(std::int64_t value) { return integer_cell(Type::Int64, value); }
Cell Cell::of_double(double value) {
  Cell cell;
  cell.type = Type::Double;
  cell.missing = false;
  cell.number = value;
  return cell;
}
Cell Cell::of_text(std::string_view value) {
  Cell cell;
  cell.type = Type::Text;
  cell.missing = false;
  cell.text = value;
  return cell;
}
Cell Cell::of_timestamp(Timestamp value) { return integer_cell(Type::Timestamp, value.micros); }
Cell Cell::of_date(std::int64_t days) { return integer_cell(Type::Date, days); }

double Cell::as_double() const {
  if (missing) return std::numeric_limits<double>::quiet_NaN();
  switch (type) {
    case Type::Bool: return boolean ? 1 : 0;
    case Type::Double: return number;
    case Type::Text: return std::numeric_limits<double>::quiet_NaN();
    default: return static_cast<double>(integer);
  }
}

bool Cell::same_as(const Cell& other) const {
  if (type != other.type || missing != other.missing) return false;
  if (missing) return true;
  switch (type) {
    case Type::Bool: return boolean == other.boolean;
    case Type::Double:
      return number == other.number || (std::isnan(number) && std::isnan(other.number));
    case Type::Text: return text == other.text;
    default: return integer == other.integer;
  }
}

Json to_json(const Cell& cell) {
  if (cell.missing) return nullptr;
  switch (cell.type) {
    case Type::Bool: return cell.boolean;
    case Type::Int64: return cell.integer;
    case Type::Double: return number_or_null(cell.number);
    case Type::Text: return std::string(cell.text);
    case Type::Timestamp: return martlet::to_text(Timestamp{cell.integer});
    case Type::Date: return date_text(cell.integer);
  }
  return nullptr;
}

std::string to_text(const Cell& cell) {
  if (cell.missing) return "";
  if (cell.type == Type::Double) {
    if (std::isnan(cell.number)) return "nan";
    if (std::isinf(cell.number)) return cell.number < 0 ? "-inf" : "inf";
    return shortest(cell.number);
  }
  const Json value = to_json(cell);
  return value.is_string() ? value.get<std::string>() : martlet::to_text(value);
}

Result<Cell> cell_from_json(const Json& value, Type type, const Zone& zone) {
  if (value.is_null()) return Cell::none(type);
  switch (type) {
    case Type::Bool:
      if (value.is_boolean()) return Cell::of_bool(value.get<bool>());
      break;
    case Type::Int64:
      if (value.is_number_unsigned() &&
          value.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()})
        break;
      if (value.is_number_integer()) return Cell::of_int64(value.get<std::int64_t>());
      if (value.is_number_float()) {
        const double number = value.get<double>();
        if (number == std::floor(number) && std::fabs(number) < 0x1p63)
          return Cell::of_int64(static_cast<std::int64_t>(number));
      }
      break;
    case Type::Double:
      if (value.is_number()) return Cell::of_double(value.get<double>());
      break;
    case Type::Text:
      if (value.is_string()) return Cell::of_text(value.get_ref<const std::string&>());
      break;
    case Type::Timestamp:
    case Type::Date:
      if (value.is_string()) {
        auto cell = time_cell(value.get_ref<const std::string&>(), type, zone);
        if (cell.has_value()) return cell;
      }
      break;
  }
  return wrong(martlet::to_text(value), type);
}

Result<Cell> cell_from_text(std::string_view text, Type type, const Zone& zone) {
  if (text.empty()) return Cell::none(type);
  switch (type) {
    case Type::Bool: {
      const std::string word = lower_ascii(text);
      if (word == "true" || word == "t" || word == "1") return Cell::of_bool(true);
      if (word == "false" || word == "f" || word == "0") return Cell::of_bool(false);
      break;
    }
    case Type::Int64:
      if (const auto number = parse_integer(text); number.has_value())
        return Cell::of_int64(*number);
      break;
    case Type::Double:
      if (const auto number = parse_number(text); number.has_value())
        return Cell::of_double(*number);
      break;
    case Type::Text: return Cell::of_text(text);
    case Type::Timestamp:
    case Type::Date: {
      auto cell = time_cell(text, type, zone);
      if (cell.has_value()) return cell;
      break;
    }
  }
  return wrong("\"" + std::string(text) + "\"", type);
}

Row::Row(const Row& other) {
  cells_.reserve(other.size());
  for (const Cell& cell : other.cells_) push_back(cell);
}

Row& Row::operator=(const Row& other) {
  if (this != &other) {
    Row copy(other);
    *this = std::move(copy);
  }
  return *this;
}

void Row::set(std::size_t i, const Cell& cell) {
  cells_[i] = cell;
  if (!cell.missing && cell.type == Type::Text) cells_[i].text = keep(cell.text);
}

void Row::push_back(const Cell& cell) {
  cells_.push_back(cell);
  if (!cell.missing && cell.type == Type::Text) cells_.back().text = keep(cell.text);
}

void Row::clear() {
  cells_.clear();
  texts_.clear();
}

std::string_view Row::keep(std::string_view text) { return texts_.emplace_back(text); }

}  // namespace martlet::columns

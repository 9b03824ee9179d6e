#include "models/internal/row_lines.h"

#include <cmath>
#include <limits>

namespace martlet::models {
namespace {

using columns::Cell;
using columns::Type;

Result<Cell> number_from(const Json& value) {
  if (value.is_number()) return Cell::of_double(value.get<double>());
  if (value == "nan") return Cell::of_double(std::numeric_limits<double>::quiet_NaN());
  if (value == "inf") return Cell::of_double(std::numeric_limits<double>::infinity());
  if (value == "-inf") return Cell::of_double(-std::numeric_limits<double>::infinity());
  return corrupt("stored rows: a number was expected");
}

}  // namespace

Json cell_to_line(const Cell& cell) {
  if (cell.missing) return Json();
  switch (cell.type) {
    case Type::Bool: return cell.boolean;
    case Type::Int64:
    case Type::Timestamp:
    case Type::Date: return cell.integer;
    case Type::Text: return std::string(cell.text);
    case Type::Double: break;
  }
  if (std::isnan(cell.number)) return "nan";
  if (std::isinf(cell.number)) return cell.number > 0 ? "inf" : "-inf";
  return cell.number;
}

Result<Cell> cell_from_line(const Json& value, Type type) {
  if (value.is_null()) return Cell::none(type);
  switch (type) {
    case Type::Double: return number_from(value);
    case Type::Bool:
      if (!value.is_boolean()) break;
      return Cell::of_bool(value.get<bool>());
    case Type::Text:
      if (!value.is_string()) break;
      return Cell::of_text(value.get_ref<const std::string&>());
    case Type::Int64:
    case Type::Timestamp:
    case Type::Date: {
      if (!value.is_number_integer()) break;
      const auto number = value.get<std::int64_t>();
      if (type == Type::Int64) return Cell::of_int64(number);
      return type == Type::Date ? Cell::of_date(number) : Cell::of_timestamp(Timestamp{number});
    }
  }
  return corrupt(
      fmt::format("stored rows: a value of type {} was expected", columns::name_of(type)));
}

std::string batch_to_lines(const columns::Batch& rows) {
  std::string text = to_text(Json{{"schema", rows.schema().to_json()}}) + "\n";
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    Json line = Json::array();
    for (std::size_t j = 0; j < rows.width(); ++j)
      line.push_back(cell_to_line(rows.column(j).cell(i)));
    text += to_text(line) + "\n";
  }
  return text;
}

Result<columns::Batch> batch_from_lines(std::string_view text) {
  std::optional<columns::Schema> schema;
  std::vector<columns::ColumnBuilder> builders;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    MARTLET_TRY_SET(const Json line, parse_json(text.substr(0, end)));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!schema) {
      MARTLET_TRY_SET(const Json* fields, member(line, "schema", "stored rows"));
      MARTLET_TRY_SET(schema, columns::Schema::from_json(*fields));
      for (const columns::Field& field : schema->fields()) builders.emplace_back(field.type);
      continue;
    }
    if (!line.is_array() || line.size() != builders.size())
      return corrupt("stored rows: a row has the wrong number of values");
    for (std::size_t j = 0; j < builders.size(); ++j) {
      MARTLET_TRY_SET(const Cell cell, cell_from_line(line[j], (*schema)[j].type));
      builders[j].push(cell);
    }
  }
  if (!schema) return corrupt("stored rows: the schema is missing");
  std::vector<columns::Column> finished;
  for (columns::ColumnBuilder& builder : builders) finished.push_back(builder.finish());
  return columns::Batch(*schema, std::move(finished));
}

}  // namespace martlet::models

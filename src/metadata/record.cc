#include "metadata/record.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::metadata {

const Column* TableShape::find(std::string_view name) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const Column& column) { return column.name == name; });
  return found == columns.end() ? nullptr : &*found;
}

bool TableShape::is_key(std::size_t column) const {
  return std::find(key.begin(), key.end(), column) != key.end();
}

namespace internal {

TableShape finish_shape(TableShape shape, std::string_view key) {
  for (const std::string_view part : split(key, ',')) {
    const Column* column = shape.find(trim(part));
    MARTLET_CHECK(column != nullptr, "a record's key names a field that describe() doesn't");
    MARTLET_CHECK(!column->nullable, "a record's key may not be absent (nor a double)");
    shape.key.push_back(static_cast<std::size_t>(column - shape.columns.data()));
  }
  return shape;
}

Error bad_field(std::string_view table, std::string_view field, const Value& value) {
  return Error(ErrorCode::Corrupt, fmt::format("reading field {} of a record of {}: the stored "
                                               "value {} can't be one; run `martlet verify`",
                                               field, table, to_text(value)));
}

Json json_of(Timestamp at) { return Json(martlet::to_text(at)); }

Json json_of(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return Json(*integer);
  if (const auto* real = std::get_if<double>(&value)) return number_or_null(*real);
  if (const auto* text = std::get_if<std::string>(&value)) return Json(*text);
  return Json(nullptr);
}

}  // namespace internal

}  // namespace martlet::metadata

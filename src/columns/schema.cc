#include "columns/schema.h"

#include "base/text.h"

namespace martlet::columns {

namespace {
constexpr std::string_view kNames[] = {"boolean", "integer", "number", "text", "timestamp", "date"};
}  // namespace

std::string_view name_of(Type type) { return kNames[static_cast<std::size_t>(type)]; }

Result<Type> parse_type(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return static_cast<Type>(i);
  }
  const std::vector<std::string> known(std::begin(kNames), std::end(kNames));
  return invalid_argument("no type is called \"" + std::string(name) + "\"" +
                          did_you_mean(name, known) + "; types are " + join(known, ", "));
}

std::optional<std::size_t> Schema::find(std::string_view name) const {
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (fields_[i].name == name) return i;
  }
  return std::nullopt;
}

std::vector<std::string> Schema::names() const {
  std::vector<std::string> names;
  names.reserve(fields_.size());
  for (const Field& field : fields_) names.push_back(field.name);
  return names;
}

Json Schema::to_json() const {
  Json list = Json::array();
  for (const Field& field : fields_) {
    list.push_back(Json{{"name", field.name}, {"type", std::string(name_of(field.type))}});
  }
  return list;
}

Result<Schema> Schema::from_json(const Json& json) {
  if (!json.is_array())
    return invalid_argument("reading a schema: it must be a list of {name, type}");
  std::vector<Field> fields;
  for (const Json& item : json) {
    Field field;
    MARTLET_TRY_SET(field.name, text_member(item, "name", "reading a schema"));
    MARTLET_TRY_SET(const std::string type, text_member(item, "type", "reading a schema"));
    MARTLET_TRY_SET(field.type, parse_type(type));
    fields.push_back(std::move(field));
  }
  return Schema(std::move(fields));
}

}  // namespace martlet::columns

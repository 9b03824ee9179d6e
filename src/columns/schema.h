// columns/schema.h: the types that values have in martlet, and a table's named columns.
#pragma once
#include "base/json.h"
#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::columns {

// Every type has a missing value beside its own. Timestamp is an instant in UTC microseconds; Date
// is days since 1970-01-01.
enum class Type : std::uint8_t { Bool, Int64, Double, Text, Timestamp, Date };

// "boolean", "integer", "number", "text", "timestamp", "date": in JSON, YAML and messages.
std::string_view name_of(Type type);
Result<Type> parse_type(std::string_view name);
inline bool is_numeric(Type type) { return type == Type::Int64 || type == Type::Double; }

struct Field {
  std::string name;
  Type type = Type::Double;
  bool operator==(const Field&) const = default;
};

class Schema {
 public:
  Schema() = default;
  explicit Schema(std::vector<Field> fields) : fields_(std::move(fields)) {}
  const std::vector<Field>& fields() const { return fields_; }
  std::size_t size() const { return fields_.size(); }
  const Field& operator[](std::size_t i) const { return fields_[i]; }
  // Names are matched exactly. O(columns).
  std::optional<std::size_t> find(std::string_view name) const;
  std::vector<std::string> names() const;
  bool operator==(const Schema&) const = default;

  Json to_json() const;  // [{"name": …, "type": …}]
  static Result<Schema> from_json(const Json& json);

 private:
  std::vector<Field> fields_;
};

}  // namespace martlet::columns

// metadata/internal/connection.h: what a database driver does for the transactions above it.
//
// One connection is used by one thread at a time; the driver's Database hands it out.
#pragma once
#include "base/result.h"
#include "metadata/record.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::metadata::internal {

struct Outcome {
  std::vector<Row> rows;     // what the statement returned
  std::int64_t changes = 0;  // records inserted, updated or removed
};

class Connection {
 public:
  virtual ~Connection() = default;
  // Runs one statement; ?1, ?2 … are `bound`. Errors: AlreadyExists for a broken key or unique
  // index; Conflict for a broken reference; InvalidArgument for other broken constraints;
  // Unavailable, ResourceExhausted, Corrupt, PermissionDenied for the store's own troubles.
  virtual Result<Outcome> run(const std::string& sql, std::span<const Value> bound) = 0;
  // SQL's name for a column type, and the columns that a table has now.
  virtual std::string_view type_name(ColumnType type) const = 0;
  virtual std::string_view table_suffix() const = 0;  // what follows CREATE TABLE (…)
  virtual Result<std::vector<std::string>> columns_of(const std::string& table) = 0;
  // Text comparison by pattern, case-sensitive or not: the driver's spelling of it, over an SQL
  // expression and a bound pattern.
  virtual std::string like(std::string_view expression, const std::string& pattern,
                           bool ignore_case, std::vector<Value>& bound) const = 0;
};

}  // namespace martlet::metadata::internal

// metadata/internal/connection.h: what a database driver does for the transactions above it.
//
// One connection is used by one thread at a time; the driver's Database hands it out.
#pragma once
#include "base/result.h"
#include "metadata/internal/stored_table.h"
#include "metadata/record.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace martlet::metadata::internal {

class Dialect;

struct Outcome {
  std::vector<Row> rows;     // what the statement returned
  std::int64_t changes = 0;  // records inserted, updated or removed
};

class Connection {
 public:
  virtual ~Connection() = default;
  // Each runs one statement in the driver's dialect, over `bound` values: one that only reads, and
  // one that may change something and, when it fails, leaves the transaction as it was. Errors:
  // AlreadyExists for a broken key or unique index; Conflict for a broken reference;
  // InvalidArgument for other broken constraints; Unavailable, ResourceExhausted, Corrupt,
  // PermissionDenied for the store's own troubles.
  virtual Result<Outcome> read(const std::string& sql, std::span<const Value> bound) = 0;
  virtual Result<Outcome> change(const std::string& sql, std::span<const Value> bound) = 0;
  virtual const Dialect& dialect() const = 0;
  // The columns that a table has now.
  virtual Result<std::vector<std::string>> columns_of(const std::string& table) = 0;
  // All that keep records, by name.
  virtual Result<std::vector<StoredTable>> tables() = 0;
};

}  // namespace martlet::metadata::internal

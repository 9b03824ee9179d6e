// data/version_difference.h: where two dataset versions first differ: the column, part, row and
// cell. Reads one part of each at a time.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "data/version_store.h"

#include <cstdint>
#include <optional>
#include <string>

namespace martlet::data {

struct VersionDifference {
  std::string where;  // "part 1, row 18, column fare"; "columns"
  Json expected;      // both values; null is a missing one
  Json actual;
  std::int64_t part = 0;  // all counted from 1; 0 where the difference is in none
  std::int64_t row = 0;   // within the dataset
  std::string column;
};
Json to_json(const VersionDifference& difference);

// None when schema and parts are the same. Rows are compared in their order; parts of the same
// values and other bytes are a difference too. The stores' errors: NotFound, Corrupt.
Result<std::optional<VersionDifference>> first_difference(const VersionStore& expected_store,
                                                          const DatasetVersion& expected,
                                                          const VersionStore& actual_store,
                                                          const DatasetVersion& actual);

}  // namespace martlet::data

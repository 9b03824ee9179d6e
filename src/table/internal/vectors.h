// table/internal/vectors.h: values between DuckDB's vectors and our columns. The only place that
// knows DuckDB's value layouts.
#pragma once
#include "base/result.h"
#include "base/zone.h"
#include "columns/batch.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

// DuckDB's handles, declared as duckdb.h does, so that only sources include it.
struct _duckdb_data_chunk;
struct _duckdb_logical_type;
struct _duckdb_vector;

namespace martlet::table {

// The SQL type of a column of ours.
std::string sql_type(columns::Type type);

// What our column of a DuckDB type would be; InvalidArgument for a type without one, saying how to
// cast.
Result<columns::Type> column_type(const std::string& column, _duckdb_logical_type* type);

// Collects one result column, chunk by chunk.
class ColumnCollector {
 public:
  // Takes ownership of `type`.
  static Result<ColumnCollector> create(std::string column, _duckdb_logical_type* type,
                                        const Zone& zone);
  ColumnCollector(ColumnCollector&&) noexcept;
  ColumnCollector& operator=(ColumnCollector&&) noexcept;
  ~ColumnCollector();

  Result<void> append(_duckdb_vector* vector, std::size_t rows);
  columns::Type type() const;
  // Leaves the collector empty, ready for more.
  columns::Column finish();

 private:
  struct State;
  explicit ColumnCollector(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Copies rows [begin, begin + count) of the batch into the chunk, whose columns have sql_type() of
// the batch's. InvalidArgument when a text is not UTF-8.
Result<void> fill_chunk(_duckdb_data_chunk* chunk, const columns::Batch& batch, std::size_t begin,
                        std::size_t count);

}  // namespace martlet::table

// data/internal/row_groups.h: which rows, or which values, are equal. Exact: hashes only find
// candidates, values decide.
#pragma once
#include "columns/batch.h"

#include <cstdint>
#include <span>
#include <vector>

namespace martlet::data {

// For each row the index of the first row that is equal in the given columns (its own when there is
// none before it). Two missing values are equal, as are two NaNs and both zeros. O(rows × columns)
// expected time.
std::vector<std::uint32_t> first_equal_rows(std::span<const columns::Column> columns,
                                            std::size_t rows);

// How many rows equal an earlier one, in the same sense; quick where none does.
std::int64_t count_repeated_rows(std::span<const columns::Column> columns, std::size_t rows);

// One distinct present value of a column.
struct ValueGroup {
  std::uint32_t first = 0;  // the row that has it first
  std::uint32_t count = 0;
};
// The distinct present values of a column, in the order in which they first appear.
std::vector<ValueGroup> group_values(const columns::Column& column);

}  // namespace martlet::data

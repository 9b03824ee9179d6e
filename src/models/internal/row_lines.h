// models/internal/row_lines.h: rows as JSON lines with exact values: the first line is the schema,
// each other one a row as a list of its cells.
#pragma once
#include "columns/batch.h"
#include "columns/schema.h"

#include <string>
#include <string_view>
#include <vector>

namespace martlet::models {

// Non-finite numbers are the texts "nan", "inf" and "-inf", missing cells are null, times are
// microseconds and dates days.
Json cell_to_line(const columns::Cell& cell);
// Its text points into `value`. Corrupt when the value isn't of the type.
Result<columns::Cell> cell_from_line(const Json& value, columns::Type type);

std::string batch_to_lines(const columns::Batch& rows);
Result<columns::Batch> batch_from_lines(std::string_view text);

}  // namespace martlet::models

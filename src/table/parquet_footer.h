// table/parquet_footer.h: what Parquet files say of themselves, without reading their rows. Free
// functions; callers: data's checks.
#pragma once
#include "base/result.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace martlet::table {

// How many rows each file has. Corrupt when one is no Parquet file.
Result<std::vector<std::int64_t>> parquet_rows(std::span<const std::string> files);

}  // namespace martlet::table

// table/parquet.h: Parquet files to a table and back.
//
// Writing gives the same bytes for the same table, always: one thread, fixed row groups, zstd, and
// no time or machine in the file's metadata (DESIGN §12.1 takes digests of these bytes).
// Thread-safe: each call has its own engine.
#pragma once
#include "base/result.h"
#include "base/zone.h"
#include "columns/batch.h"
#include "table/engine.h"

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace martlet::table {

inline constexpr std::size_t kRowGroupRows = 122'880;  // DuckDB's own, a multiple of its vectors

struct ParquetOptions {
  std::vector<std::string> columns = {};  // only these, in this order; all when empty
  Zone zone = Zone::utc();                // of timestamps that are not marked as UTC
  int threads = 1;
  Limits limits = {};
};

// NotFound, Corrupt (naming the file) for one that is no whole Parquet file, InvalidArgument for a
// column that cannot be held.
Result<columns::Schema> parquet_schema(const std::string& file);

// The files, one after the other, as one table; columns are matched by name. Errors: as above;
// InvalidArgument naming both files when their columns or types differ, and with the nearest name
// for a wanted column that is not there.
Result<columns::Batch> read_parquet(std::span<const std::string> files,
                                    const ParquetOptions& options = {});
// The same in pieces of about 65,536 rows.
Result<void> stream_parquet(std::span<const std::string> files, const ParquetOptions& options,
                            const std::function<Result<void>(const columns::Batch&)>& each);

// Replaces the file; whole or not at all, but not synced to the disk. Instants are written as UTC.
Result<void> write_parquet(const columns::Batch& batch, const std::string& path);
// The rows of a query, run in `engine` and written without holding them all in memory.
Result<void> write_parquet(Engine& engine, std::string_view sql, const std::string& path);

}  // namespace martlet::table

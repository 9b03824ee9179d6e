// table/csv.h: delimited text, plain or gzip/zstd by its extension, to a table and back.
//
// DuckDB's reader splits the lines, strictly (RFC 4180); the types of the columns are found here,
// from every value and not from a sample, so that the same file always gives the same table.
// Thread-safe: each call has its own engine.
#pragma once
#include "base/file_system.h"
#include "base/result.h"
#include "base/zone.h"
#include "columns/batch.h"
#include "table/engine.h"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace martlet::table {

struct CsvOptions {
  std::optional<char> delimiter =
      {};  // default: of , ; tab and | the most frequent one in the first line
  bool header = true;
  std::vector<std::string> names =
      {};  // replace the header's, or name the columns of a file without one
  std::vector<std::string> nulls = {};              // spellings of missing besides the empty field
  std::map<std::string, columns::Type> types = {};  // declared; the others are found
  std::optional<char> comment = {};                 // lines that begin with it are left out
  int skip_lines = 0;                               // before the header
  bool trim = false;  // white space around texts; around numbers and times it never matters
  char decimal = '.';
  Zone zone = Zone::utc();  // of times without an offset
  int threads = 1;
  Limits limits = {};
};

// Reads the files, one after the other, as one table.
//
// Type of a column: the first of boolean (true/false), integer, number, date, timestamp (ISO 8601;
// dates and times mixed are timestamps) that fits every present value, else text; a column without
// any value is a number. Integers beyond 64 bits are text, since they are names. Columns that share
// a name get _1, _2 … behind it. Errors: NotFound; InvalidArgument naming file and line for a row
// with too few or too many fields, broken quotes or bytes that are not UTF-8, naming column and
// value for one that is not of its declared type, and naming both files when their columns differ.
Result<columns::Batch> read_csv(std::span<const std::string> files, const CsvOptions& options = {});

// RFC 4180 with '\n'; a missing value is the empty field and an empty text is "". Times are ISO
// 8601 in UTC.
std::string csv_text(const columns::Batch& batch);
// Writes it whole or not at all.
Result<void> write_csv(FileSystem& files, const std::string& path, const columns::Batch& batch);

}  // namespace martlet::table

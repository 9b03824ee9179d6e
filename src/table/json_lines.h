// table/json_lines.h: one JSON object a line, to a table and back. Thread-safe.
#pragma once
#include "base/file_system.h"
#include "base/result.h"
#include "base/zone.h"
#include "columns/batch.h"
#include "table/engine.h"

#include <map>
#include <span>
#include <string>

namespace martlet::table {

struct JsonLinesOptions {
  std::map<std::string, columns::Type> types = {};  // declared; the others are found
  Zone zone = Zone::utc();                          // of times without an offset
  int threads = 1;
  Limits limits = {};
};

// Reads the files (plain, or gzip by extension), one after the other. A column's type comes from
// all of its values: booleans, integers, numbers, dates and timestamps (ISO texts), else text;
// objects and lists become their JSON text. A key that a line lacks is missing there. Errors:
// NotFound; InvalidArgument naming file and line for a line that is no JSON object; naming the
// value that is not of its declared type.
Result<columns::Batch> read_json_lines(std::span<const std::string> files,
                                       const JsonLinesOptions& options = {});

std::string json_lines_text(const columns::Batch& batch);
// Writes it whole or not at all.
Result<void> write_json_lines(FileSystem& files, const std::string& path,
                              const columns::Batch& batch);

}  // namespace martlet::table

// data/source.h: where raw data comes from. File sources: CSV (plain or compressed), Parquet and
// JSON lines, by path, glob or list.
//
// Values; pure functions but for reading the files.
#pragma once
#include "base/digest.h"
#include "base/file_system.h"
#include "base/result.h"
#include "base/yaml.h"
#include "base/zone.h"
#include "columns/batch.h"
#include "table/csv.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace martlet::data {

enum class FileFormat : std::uint8_t { Csv, Parquet, JsonLines };
std::string_view name_of(FileFormat format);  // "csv", "parquet", "jsonl"

struct FileSource {
  std::string name = {};
  std::vector<std::string> files = {};    // paths and patterns, relative to the project
  std::optional<FileFormat> format = {};  // default: by the first file's extension
  std::optional<Zone> zone = {};          // of bare times; default: the project's
  table::CsvOptions csv = {};             // its zone is not used
};

// One source: a path, a list of paths, or a map of files, format, zone and csv.
FileSource parse_source(const std::string& name, const Yaml& node, std::vector<Finding>& findings);

// .csv .tsv .txt .data .test .parquet .jsonl .ndjson, each also with .gz or .zst behind it.
// InvalidArgument names the known ones.
Result<FileFormat> format_of(const std::string& path);

struct ReadOptions {
  std::string directory = {};  // what relative paths start from; "" = the process's own
  Zone zone = Zone::utc();     // when the source names none
  int threads = 1;
  table::Limits limits = {};
};
// Every row of the source, files in the order of their paths. Errors: table's, with the source's
// name in front.
Result<columns::Batch> read_source(const FileSource& source, const ReadOptions& options);
// The same for files given on the command line: one table of the files that the patterns name.
Result<columns::Batch> read_files(const std::vector<std::string>& patterns,
                                  const table::CsvOptions& csv = {});

// A file that a source read, with what was in it.
struct SourceFile {
  std::string source = {};
  std::string path = {};
  std::uint64_t size_bytes = 0;
  Digest digest = {};
};
Json to_json(const SourceFile& file);
// The files of a source now, each with the digest of its bytes: what a step's cache key and a
// version's provenance name. NotFound.
Result<std::vector<SourceFile>> source_files(FileSystem& files, const FileSource& source,
                                             const std::string& directory);

}  // namespace martlet::data

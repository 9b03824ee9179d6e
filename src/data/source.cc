#include "data/source.h"

#include "base/text.h"
#include "table/files.h"
#include "table/json_lines.h"
#include "table/parquet.h"

#include <algorithm>

namespace martlet::data {

namespace {

std::optional<char> one_character(YamlObject& read, std::string_view key) {
  auto text = read.text(key);
  if (!text) return std::nullopt;
  if (*text == "tab" || *text == "\\t") return '\t';
  if (text->size() == 1) return text->front();
  read.report(key, "wrong_type", "expected one character (or tab)");
  return std::nullopt;
}

void parse_csv(const Yaml& node, std::vector<Finding>& findings, FileSource& source) {
  YamlObject read(node, findings);
  table::CsvOptions& csv = source.csv;
  csv.delimiter = one_character(read, "delimiter");
  csv.header = read.boolean("header").value_or(true);
  csv.names = read.texts("names").value_or(std::vector<std::string>{});
  csv.nulls = read.texts("nulls").value_or(std::vector<std::string>{});
  csv.comment = one_character(read, "comment");
  csv.trim = read.boolean("trim").value_or(false);
  csv.decimal = one_character(read, "decimal").value_or('.');
  const std::int64_t skip = read.integer("skip").value_or(0);
  if (skip < 0 || skip > 1'000'000)
    read.report("skip", "out_of_range", "expected a number of lines between 0 and 1,000,000");
  csv.skip_lines = static_cast<int>(std::clamp<std::int64_t>(skip, 0, 1'000'000));
  if (const Yaml* types = read.child("types")) {
    if (!types->is_map())
      findings.push_back(types->finding("wrong_type", "expected a map from a column to its type"));
    for (const auto& [column, type] : types->entries()) {
      const auto parsed = columns::parse_type(type.as_text(findings).value_or(""));
      if (parsed.has_value()) {
        csv.types[column] = *parsed;
      } else {
        findings.push_back(type.finding("unknown_value", parsed.error().message()));
      }
    }
  }
  read.finish();
}

std::vector<std::string> absolute(const FileSource& source, const std::string& directory) {
  std::vector<std::string> paths;
  for (const auto& file : source.files) {
    paths.push_back(directory.empty() || file.starts_with('/') ? file : join_path(directory, file));
  }
  return paths;
}

}  // namespace

std::string_view name_of(FileFormat format) {
  switch (format) {
    case FileFormat::Csv: return "csv";
    case FileFormat::Parquet: return "parquet";
    case FileFormat::JsonLines: return "jsonl";
  }
  return "csv";
}

FileSource parse_source(const std::string& name, const Yaml& node, std::vector<Finding>& findings) {
  FileSource source{.name = name};
  if (!node.is_map()) {
    source.files = node.as_texts(findings).value_or(std::vector<std::string>{});
  } else {
    YamlObject read(node, findings);
    for (const char* kind : {"database", "http", "log"}) {
      if (!read.has(kind)) continue;
      read.report(kind, "unsupported",
                  fmt::format("this version of martlet reads files only; write what {} holds to a "
                              "file and name it under files",
                              kind));
      return source;
    }
    read.required_child("files");
    source.files = read.texts("files").value_or(std::vector<std::string>{});
    if (const auto format = read.one_of("format", {"csv", "parquet", "jsonl"})) {
      source.format = *format == "csv"       ? FileFormat::Csv
                      : *format == "parquet" ? FileFormat::Parquet
                                             : FileFormat::JsonLines;
    }
    if (const auto zone = read.text("zone")) {
      if (auto found = Zone::find(*zone); found.has_value()) {
        source.zone = *found;
      } else {
        read.report("zone", "unknown_value", found.error().message());
      }
    }
    if (const Yaml* csv = read.child("csv")) parse_csv(*csv, findings, source);
    read.finish();
  }
  if (std::any_of(source.files.begin(), source.files.end(),
                  [](const auto& file) { return file.empty(); })) {
    findings.push_back(node.finding("missing", "a path is empty"));
  }
  return source;
}

Result<FileFormat> format_of(const std::string& path) {
  std::string name = lower_ascii(file_name(path));
  for (const std::string_view compressed : {".gz", ".zst"}) {
    if (name.ends_with(compressed)) name = name.substr(0, name.size() - compressed.size());
  }
  for (const std::string_view csv : {".csv", ".tsv", ".txt", ".data", ".test"}) {
    if (name.ends_with(csv)) return FileFormat::Csv;
  }
  if (name.ends_with(".parquet") || name.ends_with(".pq")) return FileFormat::Parquet;
  if (name.ends_with(".jsonl") || name.ends_with(".ndjson")) return FileFormat::JsonLines;
  return invalid_argument(fmt::format("the extension of \"{}\" does not say what it holds; known "
                                      "are .csv, .tsv, .parquet, .jsonl and .ndjson, or say format",
                                      path));
}

Result<columns::Batch> read_source(const FileSource& source, const ReadOptions& options) {
  const auto read = [&]() -> Result<columns::Batch> {
    MARTLET_TRY_SET(const auto paths, table::find_files(absolute(source, options.directory)));
    FileFormat format = FileFormat::Csv;
    if (source.format) {
      format = *source.format;
    } else {
      MARTLET_TRY_SET(format, format_of(paths.front()));
    }
    const Zone zone = source.zone.value_or(options.zone);
    if (format == FileFormat::Parquet) {
      return table::read_parquet(
          paths,
          {.columns = {}, .zone = zone, .threads = options.threads, .limits = options.limits});
    }
    if (format == FileFormat::JsonLines) {
      return table::read_json_lines(paths, {.types = source.csv.types,
                                            .zone = zone,
                                            .threads = options.threads,
                                            .limits = options.limits});
    }
    table::CsvOptions csv = source.csv;
    csv.zone = zone;
    csv.threads = options.threads;
    csv.limits = options.limits;
    return table::read_csv(paths, csv);
  };
  auto batch = read();
  if (!batch.has_value() && !source.name.empty()) {
    return fail(std::move(batch).error().with_context(fmt::format("source \"{}\"", source.name)));
  }
  return batch;
}

Result<columns::Batch> read_files(const std::vector<std::string>& patterns,
                                  const table::CsvOptions& csv) {
  FileSource source{.name = "", .files = patterns};
  source.csv = csv;
  source.zone = csv.zone;
  return read_source(source, {.threads = csv.threads, .limits = csv.limits});
}

Json to_json(const SourceFile& file) {
  return {{"source", file.source},
          {"path", file.path},
          {"size_bytes", file.size_bytes},
          {"digest", file.digest.text()}};
}

Result<std::vector<SourceFile>> source_files(FileSystem& files, const FileSource& source,
                                             const std::string& directory) {
  constexpr std::size_t kPiece = std::size_t{4} << 20;
  MARTLET_TRY_SET(const auto paths, table::find_files(absolute(source, directory)));
  std::vector<SourceFile> found;
  for (const auto& path : paths) {
    MARTLET_TRY_SET(const auto file, files.open_for_reading(path));
    Sha256 hash;
    std::uint64_t size = 0;
    while (true) {
      MARTLET_TRY_SET(const std::string piece, file->read_at(size, kPiece));
      if (piece.empty()) break;
      hash.update(piece);
      size += piece.size();
    }
    found.push_back({source.name, path, size, hash.finish()});
  }
  return found;
}

}  // namespace martlet::data

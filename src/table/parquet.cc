#include "table/parquet.h"

#include "base/text.h"
#include "table/files.h"
#include "table/pieces.h"

#include <algorithm>

namespace martlet::table {

using columns::Batch;
using columns::Schema;

namespace {

Error of_file(Error error, const std::string& file) {
  const bool stopped =
      error.code() == ErrorCode::Cancelled || error.code() == ErrorCode::DeadlineExceeded ||
      error.code() == ErrorCode::ResourceExhausted || error.code() == ErrorCode::Unavailable;
  if (stopped) return std::move(error).with_context("reading " + file);
  return Error(ErrorCode::Corrupt,
               fmt::format("reading {}: it is no whole Parquet file ({}); fetch or write it again",
                           file, error.message().substr(0, error.message().find('\n'))));
}

std::string select_from(const std::string& file) {
  return fmt::format("SELECT * FROM read_parquet({})", quote_text(file));
}

Result<Schema> schema_in(Engine& engine, const std::string& file) {
  // Statistics are in the footer, so that this touches no rows; a broken footer shows here.
  if (auto footer =
          engine.query(fmt::format("SELECT count(*) FROM parquet_schema({})", quote_text(file)));
      !footer) {
    return fail(of_file(std::move(footer).error(), file));
  }
  auto schema = engine.schema_of(select_from(file));
  if (!schema.has_value()) return fail(std::move(schema).error().with_context("reading " + file));
  return schema;
}

Result<void> check_same(const std::string& first, const Schema& expected, const std::string& file,
                        const Schema& found) {
  for (const auto& field : expected.fields()) {
    const auto at = found.find(field.name);
    if (!at) {
      return invalid_argument(fmt::format("{} and {} have different columns: \"{}\" is only in the "
                                          "first{}; files of one source must have the same columns",
                                          first, file, field.name,
                                          did_you_mean(field.name, found.names())));
    }
    if (found[*at].type != field.type) {
      return invalid_argument(fmt::format(
          "{} and {} differ in column \"{}\": {} in the first, {} in the second; files of one "
          "source must have the same types",
          first, file, field.name, columns::name_of(field.type),
          columns::name_of(found[*at].type)));
    }
  }
  for (const auto& field : found.fields()) {
    if (!expected.find(field.name)) {
      return invalid_argument(
          fmt::format("{} and {} have different columns: \"{}\" is only in the second{}; files of "
                      "one source must have the same columns",
                      first, file, field.name, did_you_mean(field.name, expected.names())));
    }
  }
  return {};
}

Result<std::string> wanted_columns(const ParquetOptions& options, const Schema& schema,
                                   const std::string& file) {
  std::string wanted;
  for (const auto& name : options.columns.empty() ? schema.names() : options.columns) {
    if (!schema.find(name)) {
      return not_found(
          fmt::format("{} has no column \"{}\"{}", file, name, did_you_mean(name, schema.names())));
    }
    wanted += (wanted.empty() ? "" : ", ") + quote_name(name);
  }
  return wanted;
}

Result<void> copy_out(Engine& writer, const std::string& path) {
  auto written =
      writer.execute(fmt::format("COPY written TO {} (FORMAT parquet, COMPRESSION zstd, "
                                 "COMPRESSION_LEVEL 3, ROW_GROUP_SIZE {}, PARQUET_VERSION v1)",
                                 quote_text(path), kRowGroupRows));
  if (!written.has_value()) return fail(std::move(written).error().with_context("writing " + path));
  return {};
}

}  // namespace

Result<Schema> parquet_schema(const std::string& file) {
  MARTLET_TRY_SET(const auto files, find_files(std::span(&file, 1)));
  MARTLET_TRY_SET(auto engine, Engine::open({.access = Access::Sources}));
  return schema_in(*engine, files.front());
}

Result<void> stream_parquet(std::span<const std::string> files, const ParquetOptions& options,
                            const std::function<Result<void>(const Batch&)>& each) {
  MARTLET_TRY_SET(
      auto engine,
      Engine::open({.access = Access::Sources, .threads = options.threads, .zone = options.zone}));
  MARTLET_TRY_SET(const auto paths, find_files(*engine, files));
  Schema first;
  for (std::size_t f = 0; f < paths.size(); ++f) {
    MARTLET_TRY_SET(Schema schema, schema_in(*engine, paths[f]));
    if (f == 0) {
      first = std::move(schema);
    } else {
      MARTLET_TRY(check_same(paths[0], first, paths[f], schema));
    }
  }
  MARTLET_TRY_SET(const std::string wanted, wanted_columns(options, first, paths[0]));
  for (const auto& path : paths) {
    bool theirs = false;  // an error of the caller's own must come back as it is
    auto read = engine->stream(
        fmt::format("SELECT {} FROM read_parquet({})", wanted, quote_text(path)), {},
        [&](const Batch& piece) {
          auto done = each(piece);
          theirs = !done.has_value();
          return done;
        },
        options.limits);
    if (!read.has_value()) {
      if (theirs) return read;
      return fail(of_file(std::move(read).error(), path));
    }
  }
  return {};
}

Result<Batch> read_parquet(std::span<const std::string> files, const ParquetOptions& options) {
  std::vector<Batch> pieces;
  MARTLET_TRY(stream_parquet(files, options, [&](const Batch& piece) -> Result<void> {
    pieces.push_back(piece);
    return {};
  }));
  return join_pieces(pieces);
}

Result<void> write_parquet(const Batch& batch, const std::string& path) {
  MARTLET_TRY_SET(auto writer, Engine::open({.access = Access::Sources}));
  MARTLET_TRY(writer->register_batch("written", batch));
  return copy_out(*writer, path);
}

Result<void> write_parquet(Engine& engine, std::string_view sql, const std::string& path) {
  MARTLET_TRY_SET(const Schema schema, engine.schema_of(sql));
  MARTLET_TRY_SET(auto writer, Engine::open({.access = Access::Sources}));
  MARTLET_TRY_SET(TableAppender table, writer->create_table("written", schema));
  MARTLET_TRY(engine.stream(sql, {}, [&](const Batch& piece) { return table.append(piece); }));
  MARTLET_TRY(table.finish());
  return copy_out(*writer, path);
}

}  // namespace martlet::table

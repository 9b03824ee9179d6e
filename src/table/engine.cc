#include "table/engine.h"

#include "base/text.h"
#include "platform/host.h"
#include "table/internal/duckdb_library.h"
#include "table/internal/engine_state.h"
#include "table/internal/vectors.h"
#include "table/internal/watchdog.h"

#include <duckdb.h>
#include <fmt/format.h>

#include <utility>

namespace martlet::table {

using columns::Batch;
using columns::Cell;
using columns::Column;
using columns::Field;
using columns::Schema;
using columns::Type;

namespace {

constexpr std::size_t kRowsPerPiece = 65'536;

ErrorCode code_of(duckdb_error_type type) {
  switch (type) {
    case DUCKDB_ERROR_PERMISSION: return ErrorCode::PermissionDenied;
    case DUCKDB_ERROR_IO:
    case DUCKDB_ERROR_HTTP:
    case DUCKDB_ERROR_NETWORK:
    case DUCKDB_ERROR_CONNECTION: return ErrorCode::Unavailable;
    case DUCKDB_ERROR_OUT_OF_MEMORY:
    case DUCKDB_ERROR_OBJECT_SIZE: return ErrorCode::ResourceExhausted;
    case DUCKDB_ERROR_SERIALIZATION: return ErrorCode::Corrupt;
    case DUCKDB_ERROR_INTERRUPT: return ErrorCode::Cancelled;
    case DUCKDB_ERROR_INTERNAL:
    case DUCKDB_ERROR_FATAL:
    case DUCKDB_ERROR_NULL_POINTER: return ErrorCode::Internal;
    default: return ErrorCode::InvalidArgument;
  }
}

// A statement that fails to prepare gives its error's type only as the message's first words, which
// DuckDB makes from the same table.
ErrorCode code_of_prepare(std::string_view message) {
  if (message.starts_with("Permission Error")) return ErrorCode::PermissionDenied;
  if (message.starts_with("IO Error")) return ErrorCode::Unavailable;
  if (message.starts_with("Out of Memory Error")) return ErrorCode::ResourceExhausted;
  if (message.starts_with("INTERRUPT Error")) return ErrorCode::Cancelled;
  if (message.starts_with("INTERNAL Error")) return ErrorCode::Internal;
  return ErrorCode::InvalidArgument;
}

// Owners of DuckDB's handles.
struct Statements {
  duckdb_extracted_statements handle = nullptr;
  ~Statements() {
    if (handle != nullptr) duck().duckdb_destroy_extracted(&handle);
  }
};
struct Prepared {
  duckdb_prepared_statement handle = nullptr;
  ~Prepared() {
    if (handle != nullptr) duck().duckdb_destroy_prepare(&handle);
  }
};
struct Answer {
  duckdb_result handle{};
  ~Answer() { duck().duckdb_destroy_result(&handle); }
};
struct Chunk {
  duckdb_data_chunk handle = nullptr;
  ~Chunk() {
    if (handle != nullptr) duck().duckdb_destroy_data_chunk(&handle);
  }
};

tl::unexpected<Error> failed(ErrorCode code, const std::string& message, const Watchdog& watchdog) {
  if (code != ErrorCode::Cancelled) return fail(code, message);
  if (watchdog.late()) {
    return fail(ErrorCode::DeadlineExceeded, "the SQL statement ran longer than its time limit and "
                                             "was stopped; simplify it or raise the limit");
  }
  return fail(ErrorCode::Cancelled, "the SQL statement was cancelled");
}

duckdb_state bind(duckdb_prepared_statement statement, idx_t index, const Cell& cell) {
  if (cell.missing) return duck().duckdb_bind_null(statement, index);
  switch (cell.type) {
    case Type::Bool: return duck().duckdb_bind_boolean(statement, index, cell.boolean);
    case Type::Int64: return duck().duckdb_bind_int64(statement, index, cell.integer);
    case Type::Double: return duck().duckdb_bind_double(statement, index, cell.number);
    case Type::Text:
      return duck().duckdb_bind_varchar_length(statement, index, cell.text.data(),
                                               cell.text.size());
    case Type::Timestamp: return duck().duckdb_bind_timestamp_tz(statement, index, {cell.integer});
    case Type::Date:
      return duck().duckdb_bind_date(statement, index, {static_cast<std::int32_t>(cell.integer)});
  }
  return DuckDBError;
}

// The collectors of a result's columns, and the schema they make.
struct Collectors {
  std::vector<ColumnCollector> columns;
  Schema schema;
  std::size_t rows = 0;

  Result<void> append(duckdb_data_chunk chunk) {
    const idx_t more = duck().duckdb_data_chunk_get_size(chunk);
    for (std::size_t c = 0; c < columns.size(); ++c) {
      MARTLET_TRY(columns[c].append(duck().duckdb_data_chunk_get_vector(chunk, c), more));
    }
    rows += more;
    return {};
  }
  Batch finish() {
    std::vector<Column> finished;
    finished.reserve(columns.size());
    for (auto& column : columns) finished.push_back(column.finish());
    rows = 0;
    return Batch(schema, std::move(finished));
  }
};

Result<Schema> schema_from(std::vector<Field> fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (fields[i].name == fields[j].name) {
        return invalid_argument(
            fmt::format("the query gives two columns called \"{}\"; give one another name with AS, "
                        "or leave it out (select * exclude (…))",
                        fields[i].name));
      }
    }
  }
  return Schema(std::move(fields));
}

Result<Collectors> collectors_of(duckdb_result& answer, const Zone& zone) {
  Collectors collectors;
  std::vector<Field> fields;
  const idx_t width = duck().duckdb_column_count(&answer);
  for (idx_t c = 0; c < width; ++c) {
    std::string name = text_or(duck().duckdb_column_name(&answer, c), "");
    MARTLET_TRY_SET(auto collector, ColumnCollector::create(
                                        name, duck().duckdb_column_logical_type(&answer, c), zone));
    fields.push_back({std::move(name), collector.type()});
    collectors.columns.push_back(std::move(collector));
  }
  MARTLET_TRY_SET(collectors.schema, schema_from(std::move(fields)));
  return collectors;
}

}  // namespace

Engine::State::~State() {
  if (connection != nullptr) duck().duckdb_disconnect(&connection);
  if (database != nullptr) duck().duckdb_close(&database);
}

std::string quote_name(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string quote_text(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += '\'';
    quoted += c;
  }
  return quoted + '\'';
}

std::string engine_version() {
  return load_duckdb().has_value() ? text_or(duck().duckdb_library_version(), "") : "";
}

namespace {

Result<void> bind_all(duckdb_prepared_statement statement, std::span<const Cell> parameters) {
  const idx_t wanted = duck().duckdb_nparams(statement);
  if (wanted != parameters.size()) {
    return invalid_argument(
        fmt::format("the SQL statement has {} parameter(s) but {} value(s) were given", wanted,
                    parameters.size()));
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (bind(statement, i + 1, parameters[i]) != DuckDBSuccess) {
      return invalid_argument(
          fmt::format("parameter {} of the SQL statement could not be set", i + 1));
    }
  }
  return {};
}

// Reads the answer to its end, which is what runs a streamed statement. `each` sees every chunk.
Result<void> read_all(duckdb_result& answer, const Watchdog& watchdog,
                      const std::function<Result<void>(duckdb_data_chunk)>& each) {
  while (true) {
    const Chunk chunk{duck().duckdb_fetch_chunk(answer)};
    if (chunk.handle == nullptr) break;
    MARTLET_TRY(each(chunk.handle));
  }
  if (const char* error = duck().duckdb_result_error(&answer); error != nullptr) {
    return failed(code_of(duck().duckdb_result_error_type(&answer)), error, watchdog);
  }
  return {};
}

Result<void> drain(duckdb_result& answer, const Watchdog& watchdog) {
  return read_all(answer, watchdog, [](duckdb_data_chunk) -> Result<void> { return {}; });
}

std::string setting(std::string_view name, std::string_view value) {
  return fmt::format("SET {} = {};", name, quote_text(value));
}

std::string settings_of(const EngineOptions& options) {
  std::string sql = setting("TimeZone", options.zone.name());
  sql += "SET preserve_insertion_order = true; SET enable_progress_bar = false;";
  if (options.memory_limit_bytes > 0)
    sql += setting("memory_limit", fmt::format("{}B", options.memory_limit_bytes));
  if (options.access == Access::UserSql) {
    if (!options.readable_paths.empty()) {
      std::vector<std::string> quoted;
      for (const auto& path : options.readable_paths) quoted.push_back(quote_text(path));
      sql += fmt::format("SET allowed_paths = [{}];", join(quoted, ", "));
    }
    sql += "SET enable_external_access = false; SET lock_configuration = true;";
  }
  return sql;
}

using Sink = std::function<Result<void>(duckdb_result&, const Watchdog&)>;

Result<void> run_one(duckdb_prepared_statement statement, const Watchdog& watchdog,
                     const Sink& sink) {
  Answer answer;
  // Streaming: rows come as they are made, so that a large result needs no memory of its own.
  const duckdb_state state = duck().duckdb_execute_prepared_streaming(statement, &answer.handle);
  if (state != DuckDBSuccess) {
    return failed(code_of(duck().duckdb_result_error_type(&answer.handle)),
                  text_or(duck().duckdb_result_error(&answer.handle), "the SQL statement failed"),
                  watchdog);
  }
  return sink(answer.handle, watchdog);
}

// Runs every statement; hands the last one's answer to `sink`.
Result<void> run(Engine::State& state, std::string_view sql, std::span<const Cell> parameters,
                 const Limits& limits, const Sink& sink) {
  const Watchdog watchdog(state.connection, limits, state.options);
  Statements statements;
  const std::string text(sql);
  const idx_t count =
      duck().duckdb_extract_statements(state.connection, text.c_str(), &statements.handle);
  if (count == 0) {
    return invalid_argument(text_or(duck().duckdb_extract_statements_error(statements.handle),
                                    "there is no SQL statement"));
  }
  for (idx_t i = 0; i < count; ++i) {
    const bool last = i + 1 == count;
    Prepared prepared;
    if (duck().duckdb_prepare_extracted_statement(state.connection, statements.handle, i,
                                                  &prepared.handle) != DuckDBSuccess) {
      const std::string message =
          text_or(duck().duckdb_prepare_error(prepared.handle), "the SQL statement is not valid");
      return failed(code_of_prepare(message), message, watchdog);
    }
    if (last) MARTLET_TRY(bind_all(prepared.handle, parameters));
    MARTLET_TRY(run_one(prepared.handle, watchdog, last ? sink : Sink(drain)));
  }
  return {};
}

}  // namespace

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::~Engine() = default;

const EngineOptions& Engine::options() const { return state_->options; }

void Engine::interrupt() { duck().duckdb_interrupt(state_->connection); }

namespace {

// Without a free descriptor DuckDB throws while it cleans up after its failed start, which nobody
// can catch.
Result<void> refuse_without_descriptors() {
  constexpr int kNeeded = 4;
  if (platform::spare_descriptors(kNeeded) == kNeeded) return {};
  return fail(ErrorCode::ResourceExhausted,
              "starting DuckDB: too many open files; raise the limit on open files (ulimit -n)");
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(const EngineOptions& options) {
  if (options.threads < 1) return invalid_argument("the SQL engine needs at least one thread");
  MARTLET_TRY(load_duckdb());
  MARTLET_TRY(refuse_without_descriptors());
  auto state = std::make_unique<State>();
  state->options = options;
  duckdb_config config = nullptr;
  if (duck().duckdb_create_config(&config) != DuckDBSuccess)
    return internal_error("DuckDB gave no configuration");
  const std::pair<const char*, std::string> fixed[] = {
      {"threads", std::to_string(options.threads)}, {"autoinstall_known_extensions", "false"},
      {"autoload_known_extensions", "false"},       {"allow_community_extensions", "false"},
      {"temp_directory", options.temp_directory},
  };
  bool accepted = true;
  for (const auto& [name, value] : fixed) {
    accepted = accepted && duck().duckdb_set_config(config, name, value.c_str()) == DuckDBSuccess;
  }
  char* why = nullptr;
  const bool opened =
      accepted && duck().duckdb_open_ext(nullptr, &state->database, config, &why) == DuckDBSuccess;
  const std::string reason = text_or(why, "a setting was refused");
  if (why != nullptr) duck().duckdb_free(why);
  duck().duckdb_destroy_config(&config);
  if (!opened) return internal_error("starting DuckDB: " + reason);
  if (duck().duckdb_connect(state->database, &state->connection) != DuckDBSuccess) {
    return internal_error("connecting to DuckDB failed");
  }
  auto engine =
      std::unique_ptr<Engine>(new Engine(std::move(state)));  // the constructor is private
  if (auto set = engine->execute(settings_of(options)); !set.has_value()) {
    return fail(std::move(set).error().with_context("setting up the SQL engine"));
  }
  return engine;
}

Result<void> Engine::stream(std::string_view sql, std::span<const Cell> parameters,
                            const std::function<Result<void>(const Batch&)>& each,
                            const Limits& limits) {
  return run(*state_, sql, parameters, limits,
             [&](duckdb_result& answer, const Watchdog& watchdog) -> Result<void> {
               MARTLET_TRY_SET(Collectors collectors, collectors_of(answer, state_->options.zone));
               bool given = false;
               const auto take = [&](duckdb_data_chunk chunk) -> Result<void> {
                 MARTLET_TRY(collectors.append(chunk));
                 if (collectors.rows < kRowsPerPiece) return {};
                 given = true;
                 return each(collectors.finish());
               };
               MARTLET_TRY(read_all(answer, watchdog, take));
               return collectors.rows > 0 || !given ? each(collectors.finish()) : Result<void>();
             });
}

Result<Batch> Engine::query(std::string_view sql, std::span<const Cell> parameters,
                            const Limits& limits) {
  Batch all;
  const auto take = [&](duckdb_result& answer, const Watchdog& watchdog) -> Result<void> {
    MARTLET_TRY_SET(Collectors collectors, collectors_of(answer, state_->options.zone));
    MARTLET_TRY(read_all(answer, watchdog,
                         [&](duckdb_data_chunk chunk) { return collectors.append(chunk); }));
    all = collectors.finish();
    return {};
  };
  MARTLET_TRY(run(*state_, sql, parameters, limits, take));
  return all;
}

Result<void> Engine::execute(std::string_view sql, const Limits& limits) {
  return run(*state_, sql, {}, limits, drain);
}

Result<Schema> Engine::schema_of(std::string_view sql) {
  Prepared prepared;
  if (duck().duckdb_prepare(state_->connection, std::string(sql).c_str(), &prepared.handle) !=
      DuckDBSuccess) {
    const std::string message =
        text_or(duck().duckdb_prepare_error(prepared.handle), "the SQL statement is not valid");
    return fail(code_of_prepare(message), message);
  }
  std::vector<Field> fields;
  const idx_t width = duck().duckdb_prepared_statement_column_count(prepared.handle);
  for (idx_t c = 0; c < width; ++c) {
    const char* name_given = duck().duckdb_prepared_statement_column_name(prepared.handle, c);
    std::string name = text_or(name_given, "");
    duck().duckdb_free(const_cast<char*>(name_given));  // the C API gives it away as const
    duckdb_logical_type logical =
        duck().duckdb_prepared_statement_column_logical_type(prepared.handle, c);
    auto type = column_type(name, logical);
    duck().duckdb_destroy_logical_type(&logical);
    MARTLET_TRY(type);
    fields.push_back({std::move(name), *type});
  }
  return schema_from(std::move(fields));
}

}  // namespace martlet::table

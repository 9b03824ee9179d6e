// Making, filling and dropping tables of an engine.
#include "table/internal/duckdb_library.h"
#include "table/internal/engine_state.h"
#include "table/internal/vectors.h"

#include <duckdb.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace martlet::table {

using columns::Batch;
using columns::Cell;
using columns::Field;
using columns::Schema;

struct TableAppender::State {
  std::string table;
  Schema schema;
  duckdb_appender appender = nullptr;
  duckdb_data_chunk chunk = nullptr;

  ~State() {
    if (chunk != nullptr) duck().duckdb_destroy_data_chunk(&chunk);
    if (appender != nullptr) duck().duckdb_appender_destroy(&appender);
  }
  Error error(std::string_view doing) const {
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("{} table \"{}\": {}", doing, table,
                             text_or(duck().duckdb_appender_error(appender), "DuckDB refused")));
  }
};

TableAppender::TableAppender(std::unique_ptr<State> state) : state_(std::move(state)) {}
TableAppender::TableAppender(TableAppender&&) noexcept = default;
TableAppender& TableAppender::operator=(TableAppender&&) noexcept = default;
TableAppender::~TableAppender() = default;

Result<void> TableAppender::append(const Batch& batch) {
  if (batch.schema() != state_->schema) {
    return invalid_argument(fmt::format(
        "filling table \"{}\": the rows have other columns than the table", state_->table));
  }
  const std::size_t most = duck().duckdb_vector_size();
  for (std::size_t begin = 0; begin < batch.rows(); begin += most) {
    duck().duckdb_data_chunk_reset(state_->chunk);
    if (auto filled = fill_chunk(state_->chunk, batch, begin, std::min(most, batch.rows() - begin));
        !filled) {
      return fail(std::move(filled).error().with_context(
          fmt::format("filling table \"{}\"", state_->table)));
    }
    if (duck().duckdb_append_data_chunk(state_->appender, state_->chunk) != DuckDBSuccess) {
      return fail(state_->error("filling"));
    }
  }
  return {};
}

Result<void> TableAppender::finish() {
  if (state_->appender == nullptr) return {};
  if (duck().duckdb_appender_close(state_->appender) != DuckDBSuccess)
    return fail(state_->error("finishing"));
  duck().duckdb_appender_destroy(&state_->appender);
  state_->appender = nullptr;
  return {};
}

Result<TableAppender> Engine::create_table(std::string_view name, const Schema& schema) {
  if (schema.size() == 0)
    return invalid_argument(fmt::format("table \"{}\" needs at least one column", name));
  MARTLET_TRY(drop(name));
  std::string columns;
  std::vector<duckdb_logical_type> types;
  for (const Field& field : schema.fields()) {
    if (!columns.empty()) columns += ", ";
    columns += quote_name(field.name) + " " + sql_type(field.type);
  }
  MARTLET_TRY(execute(fmt::format("CREATE TABLE {} ({})", quote_name(name), columns)));
  auto state = std::make_unique<TableAppender::State>();
  state->table = name;
  state->schema = schema;
  if (duck().duckdb_appender_create(state_->connection, nullptr, state->table.c_str(),
                                    &state->appender) != DuckDBSuccess) {
    return fail(state->error("creating"));
  }
  for (idx_t c = 0; c < schema.size(); ++c)
    types.push_back(duck().duckdb_appender_column_type(state->appender, c));
  state->chunk = duck().duckdb_create_data_chunk(types.data(), types.size());
  for (auto& type : types) duck().duckdb_destroy_logical_type(&type);
  return TableAppender(std::move(state));
}

Result<void> Engine::register_batch(std::string_view name, const Batch& batch) {
  MARTLET_TRY_SET(TableAppender appender, create_table(name, batch.schema()));
  MARTLET_TRY(appender.append(batch));
  return appender.finish();
}

Result<void> Engine::drop(std::string_view name) {
  // DuckDB refuses to drop a view as a table, and the other way round.
  const Cell wanted = Cell::of_text(name);
  MARTLET_TRY_SET(
      const Batch views,
      query("SELECT 1 AS found FROM duckdb_views() WHERE NOT internal AND view_name = ?",
            {&wanted, 1}));
  return execute(
      fmt::format("DROP {} IF EXISTS {}", views.rows() > 0 ? "VIEW" : "TABLE", quote_name(name)));
}

}  // namespace martlet::table

// table/internal/engine_state.h: what an Engine holds, for the sources that define its parts.
#pragma once
#include "table/engine.h"

#include <string>
#include <string_view>

// DuckDB's handles, declared as duckdb.h does, so that only sources include it.
struct _duckdb_connection;
struct _duckdb_database;

namespace martlet::table {

struct Engine::State {
  EngineOptions options;
  _duckdb_database* database = nullptr;
  _duckdb_connection* connection = nullptr;

  State() = default;
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

// DuckDB's texts may be null.
inline std::string text_or(const char* text, std::string_view otherwise) {
  return text == nullptr ? std::string(otherwise) : std::string(text);
}

}  // namespace martlet::table

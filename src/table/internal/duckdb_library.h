// table/internal/duckdb_library.h: the functions of libduckdb.so that this module calls, opened
// when the first engine is.
//
// The library has some 80,000 relocations, which cost a start of the program more than all else
// together, and most verbs need none of it. Thread-safe; open until the process ends.
#pragma once
#include "base/result.h"

#include <duckdb.h>

namespace martlet::table {

// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): members, and what they are found by, from one list
#define MARTLET_DUCKDB_FUNCTIONS(USE)                                                              \
  USE(duckdb_append_data_chunk)                                                                    \
  USE(duckdb_appender_close)                                                                       \
  USE(duckdb_appender_column_type)                                                                 \
  USE(duckdb_appender_create)                                                                      \
  USE(duckdb_appender_destroy)                                                                     \
  USE(duckdb_appender_error)                                                                       \
  USE(duckdb_bind_boolean)                                                                         \
  USE(duckdb_bind_date)                                                                            \
  USE(duckdb_bind_double)                                                                          \
  USE(duckdb_bind_int64)                                                                           \
  USE(duckdb_bind_null)                                                                            \
  USE(duckdb_bind_timestamp_tz)                                                                    \
  USE(duckdb_bind_varchar_length)                                                                  \
  USE(duckdb_close)                                                                                \
  USE(duckdb_column_count)                                                                         \
  USE(duckdb_column_logical_type)                                                                  \
  USE(duckdb_column_name)                                                                          \
  USE(duckdb_connect)                                                                              \
  USE(duckdb_create_config)                                                                        \
  USE(duckdb_create_data_chunk)                                                                    \
  USE(duckdb_data_chunk_get_size)                                                                  \
  USE(duckdb_data_chunk_get_vector)                                                                \
  USE(duckdb_data_chunk_reset)                                                                     \
  USE(duckdb_data_chunk_set_size)                                                                  \
  USE(duckdb_decimal_internal_type)                                                                \
  USE(duckdb_decimal_scale)                                                                        \
  USE(duckdb_destroy_config)                                                                       \
  USE(duckdb_destroy_data_chunk)                                                                   \
  USE(duckdb_destroy_extracted)                                                                    \
  USE(duckdb_destroy_logical_type)                                                                 \
  USE(duckdb_destroy_prepare)                                                                      \
  USE(duckdb_destroy_result)                                                                       \
  USE(duckdb_disconnect)                                                                           \
  USE(duckdb_enum_dictionary_size)                                                                 \
  USE(duckdb_enum_dictionary_value)                                                                \
  USE(duckdb_enum_internal_type)                                                                   \
  USE(duckdb_execute_prepared_streaming)                                                           \
  USE(duckdb_extract_statements)                                                                   \
  USE(duckdb_extract_statements_error)                                                             \
  USE(duckdb_fetch_chunk)                                                                          \
  USE(duckdb_free)                                                                                 \
  USE(duckdb_get_type_id)                                                                          \
  USE(duckdb_hugeint_to_double)                                                                    \
  USE(duckdb_interrupt)                                                                            \
  USE(duckdb_library_version)                                                                      \
  USE(duckdb_nparams)                                                                              \
  USE(duckdb_open_ext)                                                                             \
  USE(duckdb_prepare)                                                                              \
  USE(duckdb_prepare_error)                                                                        \
  USE(duckdb_prepare_extracted_statement)                                                          \
  USE(duckdb_prepared_statement_column_count)                                                      \
  USE(duckdb_prepared_statement_column_logical_type)                                               \
  USE(duckdb_prepared_statement_column_name)                                                       \
  USE(duckdb_result_error)                                                                         \
  USE(duckdb_result_error_type)                                                                    \
  USE(duckdb_set_config)                                                                           \
  USE(duckdb_string_t_data)                                                                        \
  USE(duckdb_string_t_length)                                                                      \
  USE(duckdb_unsafe_vector_assign_string_element_len)                                              \
  USE(duckdb_validity_set_row_validity)                                                            \
  USE(duckdb_vector_ensure_validity_writable)                                                      \
  USE(duckdb_vector_get_data)                                                                      \
  USE(duckdb_vector_get_validity)                                                                  \
  USE(duckdb_vector_size)

struct DuckdbLibrary {
// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): one list of functions serves both
#define MARTLET_DUCKDB_MEMBER(name) decltype(&::name) name = nullptr;
  MARTLET_DUCKDB_FUNCTIONS(MARTLET_DUCKDB_MEMBER)
#undef MARTLET_DUCKDB_MEMBER
};

// Opens the library, once. Unavailable when it isn't there or lacks a function; asked again, it
// says so again.
Result<void> load_duckdb();
// Once load_duckdb() has succeeded: every engine has seen to that.
const DuckdbLibrary& duck();

}  // namespace martlet::table

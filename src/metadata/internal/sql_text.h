// metadata/internal/sql_text.h: statements as SQL text with bound values, in the subset that SQLite
// and PostgreSQL share; where they differ, a Dialect says how.
#pragma once
#include "base/result.h"
#include "metadata/internal/dialect.h"
#include "metadata/query.h"
#include "metadata/record.h"

#include <span>
#include <string>
#include <vector>

namespace martlet::metadata::internal {

// "a", "b", "c"
std::string column_list(const TableShape& shape);
// "id" = ?1 AND "number" = ?2 … over the key's columns; values are appended to `bound`.
std::string key_equals(const Dialect& dialect, const TableShape& shape, const Row& key,
                       std::vector<Value>& bound);
// A boolean expression. Internal when it names a column that the record doesn't have.
Result<std::string> condition_text(const Dialect& dialect, const TableShape& shape,
                                   const Condition& condition, std::vector<Value>& bound);
// From WHERE to OFFSET.
Result<std::string> query_text(const Dialect& dialect, const TableShape& shape, const Query& query,
                               std::vector<Value>& bound);
// "?7", after appending: what a column takes, and what a column is compared with.
std::string stored_parameter(const Dialect& dialect, std::vector<Value>& bound, Value value);
std::string compared_parameter(const Dialect& dialect, std::vector<Value>& bound, Value value);

// InvalidArgument when one is a text that no driver keeps: one with a NUL character, or no UTF-8.
Result<void> check_texts(std::span<const Value> bound);

}  // namespace martlet::metadata::internal

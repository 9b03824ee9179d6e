// metadata/internal/sql_text.h: statements as SQL text with bound values, in the subset that SQLite
// and PostgreSQL share.
#pragma once
#include "base/result.h"
#include "metadata/internal/connection.h"
#include "metadata/query.h"
#include "metadata/record.h"

#include <string>
#include <string_view>
#include <vector>

namespace martlet::metadata::internal {

// "name" in double quotes.
std::string identifier(std::string_view name);
// "a", "b", "c"
std::string column_list(const TableShape& shape);
// ?1 AND ?2 … over the key's columns; values are appended to `bound`.
std::string key_equals(const TableShape& shape, const Row& key, std::vector<Value>& bound);
// A boolean expression. Internal when it names a column that the record doesn't have.
Result<std::string> condition_text(const Connection& connection, const TableShape& shape,
                                   const Condition& condition, std::vector<Value>& bound);
// From WHERE to OFFSET.
Result<std::string> query_text(const Connection& connection, const TableShape& shape,
                               const Query& query, std::vector<Value>& bound);
// "?7", after appending.
std::string parameter(std::vector<Value>& bound, Value value);

}  // namespace martlet::metadata::internal

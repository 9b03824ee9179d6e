// metadata/internal/postgres_contents.h: all records of a PostgreSQL store, checked or copied. Free
// functions on a connection whose snapshot has begun; caller: PostgresDatabase.
#pragma once
#include "base/finding.h"
#include "base/result.h"
#include "metadata/internal/postgres_connection.h"
#include "metadata/schema.h"

#include <string>
#include <vector>

namespace martlet::metadata::internal {

// Reads every table (the server checks its pages, where it keeps checksums) and looks for records
// that refer to missing ones.
Result<std::vector<Finding>> check_contents(PostgresConnection& connection,
                                            const PostgresPlace& place);

// Into a new SQLite store at `path` with the same records. AlreadyExists when there is one.
Result<void> copy_contents(PostgresConnection& connection, const std::string& path,
                           const std::vector<SchemaGroup>& schema);

}  // namespace martlet::metadata::internal

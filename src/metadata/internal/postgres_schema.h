// metadata/internal/postgres_schema.h: what a PostgreSQL store is beside its records: a marked
// schema and a row for each connection that writes. Free functions; callers: open_postgres,
// writers.
#pragma once
#include "base/result.h"
#include "metadata/database.h"
#include "metadata/internal/postgres_connection.h"
#include "metadata/internal/postgres_place.h"

namespace martlet::metadata::internal {

// Makes the schema when it is missing (and that is allowed) and brings its tables up to date, in
// one transaction that one process at a time is in. InvalidArgument when the schema holds something
// else, or a newer martlet's tables, or the server is too old; NotFound.
Result<void> prepare_postgres(PostgresConnection& connection, const PostgresPlace& place,
                              const DatabaseOptions& options);

// Of all writers that ever were: grows with every commit.
extern const char* const kAllCommits;
// Takes a writer's row away; what it counted stays counted.
extern const char* const kRetireWriter;

}  // namespace martlet::metadata::internal

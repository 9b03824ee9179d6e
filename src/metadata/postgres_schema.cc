#include "metadata/internal/postgres_schema.h"

#include "metadata/internal/migrations.h"

#include <fmt/format.h>

namespace martlet::metadata::internal {

const char* const kAllCommits = "SELECT coalesce(sum(commits), 0)::bigint FROM martlet_writers";
const char* const kRetireWriter =
    "WITH gone AS (DELETE FROM martlet_writers WHERE writer = $1 RETURNING commits) "
    "INSERT INTO martlet_writers (writer, commits, at) SELECT '', sum(commits), now() FROM gone "
    "HAVING count(*) > 0 ON CONFLICT (writer) DO UPDATE SET commits = martlet_writers.commits + "
    "excluded.commits";

namespace {

constexpr std::int64_t kOldestServer = 150000;
// Of the schema's layout beside the records: the comment by which a store is known.
constexpr const char* kMark = "martlet store 1";
// The writer of a process that was killed leaves its row; long after any doubt about its last
// commit it is only in the way.
constexpr const char* kForgetLostWriters =
    "WITH gone AS (DELETE FROM martlet_writers WHERE writer <> '' AND at < now() - interval '7 "
    "days' RETURNING commits) INSERT INTO martlet_writers (writer, commits, at) SELECT '', "
    "sum(commits), now() FROM gone HAVING count(*) > 0 ON CONFLICT (writer) DO UPDATE SET commits "
    "= martlet_writers.commits + excluded.commits";

Result<Value> one_value(PostgresConnection& connection, const std::string& sql,
                        std::vector<Value> bound = {}) {
  MARTLET_TRY_SET(Outcome outcome, connection.read(sql, bound));
  if (outcome.rows.empty()) return Value();
  return std::move(outcome.rows.front().at(0));
}

Result<void> check_server(PostgresConnection& connection, const PostgresPlace& place) {
  MARTLET_TRY_SET(const Value version,
                  one_value(connection, "SELECT current_setting('server_version_num')::bigint"));
  MARTLET_TRY_SET(const Value encoding,
                  one_value(connection, "SELECT current_setting('server_encoding')"));
  if (std::get<std::int64_t>(version) < kOldestServer)
    return invalid_argument(
        fmt::format("{}: the server is older than PostgreSQL 15; use a newer one", place.name));
  if (std::get<std::string>(encoding) != "UTF8")
    return invalid_argument(
        fmt::format("{}: the database keeps texts as {}; make one with ENCODING 'UTF8'", place.name,
                    std::get<std::string>(encoding)));
  return {};
}

Result<void> make_store(PostgresConnection& connection, const PostgresPlace& place, bool exists) {
  const std::string schema = identifier(place.schema);
  if (!exists) MARTLET_TRY(connection.change("CREATE SCHEMA " + schema, {}));
  MARTLET_TRY(connection.change(fmt::format("COMMENT ON SCHEMA {} IS '{}'", schema, kMark), {}));
  // Rows are updated in place, again and again: there must be room beside them.
  MARTLET_TRY(connection.change("CREATE TABLE martlet_writers (writer text COLLATE \"C\" PRIMARY "
                                "KEY, commits bigint NOT NULL, at timestamptz NOT NULL) WITH "
                                "(fillfactor = 50)",
                                {}));
  return {};
}

// Whether the schema is new.
Result<StoreAge> find_store(PostgresConnection& connection, const PostgresPlace& place,
                            WhenAbsent when_absent) {
  MARTLET_TRY_SET(const Value exists,
                  one_value(connection, "SELECT 1 FROM pg_namespace WHERE nspname = $1",
                            {Value(place.schema)}));
  MARTLET_TRY_SET(const Value mark,
                  one_value(connection,
                            "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE "
                            "nspname = $1",
                            {Value(place.schema)}));
  const auto* comment = std::get_if<std::string>(&mark);
  if (comment != nullptr && *comment == kMark) {
    // Nobody writes while tables change.
    MARTLET_TRY(connection.change("LOCK TABLE martlet_writers IN EXCLUSIVE MODE", {}));
    return StoreAge::Old;
  }
  if (comment != nullptr && comment->starts_with("martlet store "))
    return invalid_argument(fmt::format("{} was written by a newer martlet ({}); use that version",
                                        place.name, *comment));
  MARTLET_TRY_SET(const Value tables,
                  one_value(connection,
                            "SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = "
                            "relnamespace WHERE nspname = $1",
                            {Value(place.schema)}));
  if (std::get<std::int64_t>(tables) > 0)
    return invalid_argument(
        fmt::format("{}: the schema holds tables that are no martlet store; name another one with "
                    "schema= in the URL",
                    place.name));
  if (when_absent == WhenAbsent::Refuse)
    return not_found(fmt::format("{}: there is no store yet", place.name));
  const bool is_there = std::holds_alternative<std::int64_t>(exists);
  MARTLET_TRY(make_store(connection, place, is_there));
  return StoreAge::New;
}

}  // namespace

Result<void> prepare_postgres(PostgresConnection& connection, const PostgresPlace& place,
                              const DatabaseOptions& options) {
  // READ COMMITTED: each statement sees what was committed while this one waited for its turn.
  connection.begin("ISOLATION LEVEL READ COMMITTED");
  auto prepared = [&]() -> Result<void> {
    MARTLET_TRY(connection.read("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
                                std::vector<Value>{Value("martlet store " + place.schema)}));
    MARTLET_TRY(check_server(connection, place));
    MARTLET_TRY_SET(const StoreAge age, find_store(connection, place, options.when_absent));
    MARTLET_TRY(migrate(connection, all_groups(options.schema), age));
    MARTLET_TRY(connection.change(kForgetLostWriters, {}));
    return {};
  }();
  if (prepared.has_value() && connection.commit("", {}) != PostgresConnection::Ended::Committed)
    prepared = fail(connection.failure_error());
  if (!prepared.has_value()) connection.roll_back();
  return prepared;
}

}  // namespace martlet::metadata::internal

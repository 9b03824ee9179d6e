#include "metadata/internal/postgres_database.h"

#include "metadata/internal/open.h"
#include "metadata/internal/postgres_contents.h"
#include "metadata/internal/postgres_schema.h"
#include "platform/real_clock.h"

#include <fmt/format.h>

namespace martlet::metadata::internal {

namespace {

constexpr const char* kSnapshot = "ISOLATION LEVEL REPEATABLE READ READ ONLY";

}  // namespace

class PostgresOpenTransaction : public OpenTransaction {
 public:
  PostgresOpenTransaction(PostgresDatabase& database, PostgresConnection& connection)
      : OpenTransaction(connection), database_(database) {}
  ~PostgresOpenTransaction() override {
    if (ended_) return;
    database_.writer_.abandon();
    database_.queue_.release_writer();
  }
  PostgresOpenTransaction(const PostgresOpenTransaction&) = delete;
  PostgresOpenTransaction& operator=(const PostgresOpenTransaction&) = delete;
  Result<void> commit() override {
    MARTLET_CHECK(!ended_, "a transaction can be committed once");
    ended_ = true;
    auto committed = database_.writer_.commit_alone();
    database_.queue_.release_writer();
    return committed;
  }

 private:
  PostgresDatabase& database_;
  bool ended_ = false;
};

PostgresDatabase::PostgresDatabase(PostgresPlace place, const DatabaseOptions& options,
                                   const std::string& name)
    : server_(std::move(place), options), schema_(options.schema), writer_(server_, queue_, name),
      readers_(options.max_readers, options.busy_timeout, [this] {
        return server_.connect(PostgresRole::Reader, server_.outage_deadline());
      }) {}

PostgresDatabase::~PostgresDatabase() { writer_.retire(); }

Result<void> PostgresDatabase::write_erased(const WriteFunction& function) {
  return queue_.write(function, [this](WriteGroup group) { writer_.run_group(group); });
}

Result<std::unique_ptr<OpenTransaction>> PostgresDatabase::begin() {
  MARTLET_TRY(queue_.take_writer());
  auto begun = writer_.begin_alone();
  if (!begun.has_value()) {
    queue_.release_writer();
    return fail(std::move(begun).error());
  }
  return std::make_unique<PostgresOpenTransaction>(*this, **begun);
}

Result<void> PostgresDatabase::with_reader(
    const std::function<Result<void>(PostgresConnection&)>& reading) const {
  const Deadline deadline = server_.outage_deadline();
  for (int attempt = 1;; ++attempt) {
    MARTLET_TRY_SET(std::unique_ptr<PostgresConnection> reader, readers_.borrow());
    auto done = reading(*reader);
    if (!reader->lost()) {
      readers_.give_back(std::move(reader));
      return done;
    }
    readers_.give_back(nullptr);
    readers_.drop_idle();  // most likely lost as well
    const bool again = attempt == 1 || pause_before(attempt, deadline);
    if (!again) return done.has_value() ? unavailable(server_.place().name + " went away") : done;
  }
}

Result<void> PostgresDatabase::read_erased(
    const std::function<Result<void>(const ReadTransaction&)>& function) const {
  return with_reader([&](PostgresConnection& reader) -> Result<void> {
    reader.begin(kSnapshot);
    const ReadTransaction tx(reader);
    auto done = function(tx);
    reader.roll_back();
    return done;
  });
}

Result<std::int64_t> PostgresDatabase::data_version() const {
  std::int64_t version = 0;
  MARTLET_TRY(with_reader([&](PostgresConnection& reader) -> Result<void> {
    MARTLET_TRY_SET(const Outcome outcome, reader.run(kAllCommits));
    version = std::get<std::int64_t>(outcome.rows.at(0).at(0));
    return {};
  }));
  return version;
}

Result<std::vector<Finding>> PostgresDatabase::check_integrity() const {
  std::vector<Finding> findings;
  MARTLET_TRY(with_reader([&](PostgresConnection& reader) -> Result<void> {
    reader.begin(kSnapshot);
    auto checked = check_contents(reader, server_.place());
    reader.roll_back();
    if (!checked.has_value()) return fail(std::move(checked).error());
    findings = std::move(*checked);
    return {};
  }));
  return findings;
}

Result<void> PostgresDatabase::back_up_to(const std::string& path) const {
  // A connection of its own: a copy that was cut short isn't to be begun anew in the same file.
  MARTLET_TRY_SET(const std::unique_ptr<PostgresConnection> reader,
                  server_.connect(PostgresRole::Maintenance, server_.outage_deadline()));
  reader->begin(kSnapshot);
  auto copied = copy_contents(*reader, path, schema_);
  if (!copied.has_value())
    return fail(std::move(copied).error().with_context("backing up to " + path));
  return {};
}

Result<std::unique_ptr<Database>> open_postgres(const std::string& url,
                                                const DatabaseOptions& options) {
  MARTLET_CHECK(options.max_readers > 0, "a store needs connections");
  MARTLET_TRY_SET(PostgresPlace place, PostgresPlace::parse(url));
  const PostgresServer server(place, options);
  MARTLET_TRY_SET(
      const std::unique_ptr<PostgresConnection> connection,
      server.connect_first(PostgresRole::Maintenance, platform::deadline_in(options.busy_timeout)));
  MARTLET_TRY(prepare_postgres(*connection, place, options));
  MARTLET_TRY_SET(const Outcome name, connection->run("SELECT gen_random_uuid()::text"));
  return std::make_unique<PostgresDatabase>(std::move(place), options,
                                            std::get<std::string>(name.rows.at(0).at(0)));
}

}  // namespace martlet::metadata::internal

// The SQLite driver: one writer with group commit, a pool of readers, migrations at open.
#include "metadata/audit.h"
#include "metadata/claims.h"
#include "metadata/database.h"
#include "metadata/internal/sqlite_connection.h"
#include "metadata/shared_key.h"
#include "platform/host.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace martlet::metadata {

namespace {

using internal::SqliteConnection;
using internal::SqliteRole;
using internal::SqliteSettings;

constexpr std::int64_t kApplicationId = 0x4d52544c;  // "MRTL", in the file's header
constexpr std::size_t kMaxGroup = 256;               // writes that share one commit
constexpr std::size_t kMaxWaiting = 4096;            // writes that may wait for the writer
// How long a writer waits for those who shared the last commit, as a part of what that one took,
// and at most.
constexpr int kGatherPart = 8;
constexpr std::chrono::microseconds kMaxGather{1000};
constexpr int kCheckpointPages = 1000;  // of the log, 4 KiB each

using WriteFunction = std::function<Result<void>(Transaction&)>;

struct PendingWrite {
  const WriteFunction& function;
  Result<void> outcome;
  bool done = false;
};

struct SchemaRecord {
  std::string group;
  std::int64_t number = 0;
  std::string name;
  static constexpr RecordInfo kRecord{"schema_migrations", "group, number"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("group", self.group);
    field("number", self.number);
    field("name", self.name);
  }
};

// metadata's own tables. Released migrations never change.
SchemaGroup own_schema() {
  return {"metadata",
          {{1, "claims and audit log",
            [](SchemaEditor& schema) -> Result<void> {
              MARTLET_TRY(schema.create_table<ClaimRecord>());
              return schema.create_table<AuditRecord>();
            }},
           {2, "keys that processes share",
            [](SchemaEditor& schema) { return schema.create_table<SharedKeyRecord>(); }}}};
}

Error stopped_error(const std::string& reason) {
  return Error(ErrorCode::Unavailable,
               "the metadata store has stopped writing, so that nothing acknowledged is lost (" +
                   reason + "); mend the disk and start again");
}

Result<void> refuse_network_file_system(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  MARTLET_TRY_SET(const bool remote, platform::is_network_file_system(directory));
  if (!remote) return {};
  return invalid_argument(
      fmt::format("the store {} lies on a network file system, where locks can't be relied upon; "
                  "use a local directory",
                  path));
}

Result<bool> is_new_store(SqliteConnection& connection, const std::string& path) {
  MARTLET_TRY_SET(const std::int64_t application, connection.integer("PRAGMA application_id"));
  if (application == kApplicationId) return false;
  MARTLET_TRY_SET(const std::int64_t tables,
                  connection.integer("SELECT count(*) FROM sqlite_schema"));
  if (application == 0 && tables == 0) return true;
  return invalid_argument(fmt::format(
      "{} is a SQLite database, but not a martlet store; name another directory", path));
}

// In one snapshot: between two, another process may make the store.
Result<void> refuse_what_is_no_store(SqliteConnection& connection, const std::string& path) {
  MARTLET_TRY(connection.execute("BEGIN"));
  const Result<bool> is_new = is_new_store(connection, path);
  if (connection.in_transaction()) MARTLET_TRY(connection.execute("ROLLBACK"));
  return is_new.map([](bool) {});
}

// Another process that opens the same new file may hold it for a moment, and SQLite doesn't always
// wait for this one.
Result<void> enter_wal_mode(SqliteConnection& connection, std::chrono::milliseconds timeout) {
  const std::int64_t attempts = 1 + timeout.count() / 10;
  Result<void> entered;
  for (std::int64_t i = 0; i < attempts; ++i) {
    auto outcome = connection.run("PRAGMA journal_mode = WAL", {});
    if (outcome.has_value()) {
      const auto* mode = std::get_if<std::string>(&outcome->rows.at(0).at(0));
      if (mode != nullptr && *mode == "wal") return {};
      return unavailable("the metadata database can't keep a write-ahead log here (network or "
                         "read-only file system?); use a local directory");
    }
    if (outcome.error().code() != ErrorCode::Unavailable || connection.broken())
      return fail(std::move(outcome).error());
    entered = fail(std::move(outcome).error());
    sqlite3_sleep(10);
  }
  return entered;
}

Result<void> refuse_newer(const std::vector<SchemaRecord>& applied,
                          const std::vector<SchemaGroup>& groups) {
  for (const SchemaRecord& record : applied) {
    const auto known = std::find_if(groups.begin(), groups.end(), [&](const SchemaGroup& group) {
      return group.name == record.group;
    });
    const auto newest =
        known == groups.end() || known->migrations.empty() ? 0 : known->migrations.back().number;
    if (record.number > newest) {
      return invalid_argument(fmt::format(
          "the store was written by a newer martlet (change {} of {}, \"{}\", is unknown here); "
          "use that version, or restore a backup made by this one",
          record.number, record.group, record.name));
    }
  }
  return {};
}

Result<void> migrate(SqliteConnection& connection, const std::vector<SchemaGroup>& groups,
                     bool is_new) {
  SchemaEditor editor(connection);
  if (is_new) {
    MARTLET_TRY(connection.execute(fmt::format("PRAGMA application_id = {}", kApplicationId)));
    MARTLET_TRY(editor.create_table<SchemaRecord>());
  }
  Transaction tx(connection);
  MARTLET_TRY_SET(const std::vector<SchemaRecord> applied, tx.select<SchemaRecord>());
  MARTLET_TRY(refuse_newer(applied, groups));
  for (const SchemaGroup& group : groups) {
    int expected = 1;
    for (const Migration& migration : group.migrations) {
      MARTLET_CHECK(migration.number == expected++, "migrations of a group are numbered 1, 2, 3 …");
      const bool done =
          std::any_of(applied.begin(), applied.end(), [&](const SchemaRecord& record) {
            return record.group == group.name && record.number == migration.number;
          });
      if (done) continue;
      if (auto changed = migration.apply(editor); !changed.has_value()) {
        return fail(std::move(changed).error().with_context(
            fmt::format("bringing the store up to date, {} {} ({})", group.name, migration.number,
                        migration.name)));
      }
      MARTLET_TRY(tx.insert(SchemaRecord{group.name, migration.number, migration.name}));
    }
  }
  return {};
}

// Checked under the write lock, so that two processes that open a store at once don't both migrate
// it.
Result<void> prepare_schema(SqliteConnection& connection, const std::string& path,
                            const std::vector<SchemaGroup>& groups) {
  MARTLET_TRY(connection.execute("BEGIN IMMEDIATE"));
  auto prepared = [&]() -> Result<void> {
    MARTLET_TRY(connection.rewrite_log());
    MARTLET_TRY_SET(const bool is_new, is_new_store(connection, path));
    return migrate(connection, groups, is_new);
  }();
  if (prepared.has_value()) prepared = connection.execute("COMMIT");
  if (!prepared.has_value() && connection.in_transaction())
    static_cast<void>(connection.execute("ROLLBACK").has_value());
  return prepared;
}

class SqliteDatabase : public Database {
 public:
  SqliteDatabase(SqliteSettings settings, std::size_t max_readers,
                 std::unique_ptr<SqliteConnection> writer,
                 std::unique_ptr<SqliteConnection> watcher)
      : settings_(std::move(settings)), max_readers_(max_readers), writer_(std::move(writer)),
        watcher_(std::move(watcher)) {}

  ~SqliteDatabase() override {
    const std::unique_lock lock(mutex_);
    MARTLET_CHECK(!writing_ && waiting_.empty(), "a database is destroyed while somebody writes");
    if (stopped_.empty()) return;
    writer_->leave_log_when_closed();
    watcher_->leave_log_when_closed();
    for (const auto& reader : idle_readers_) reader->leave_log_when_closed();
  }

  Result<std::unique_ptr<OpenTransaction>> begin() override;
  Result<std::int64_t> data_version() const override;
  Result<std::vector<Finding>> check_integrity() const override;
  Result<void> back_up_to(const std::string& path) const override;
  WriteCounts write_counts() const override {
    const std::unique_lock lock(mutex_);
    return counts_;
  }

 protected:
  Result<void> write_erased(const WriteFunction& function) override;
  Result<void>
  read_erased(const std::function<Result<void>(const ReadTransaction&)>& function) const override;

 private:
  friend class SqliteOpenTransaction;

  void gather(std::unique_lock<std::mutex>& lock);
  void take_writer(std::unique_lock<std::mutex>& lock);
  void release_writer(std::unique_lock<std::mutex>& lock);
  Result<void> refuse_if_stopped() const;
  // These run on the thread that has taken the writer, without the mutex.
  void run_group(std::span<PendingWrite* const> group);
  Result<void> run_one(PendingWrite& write);
  Result<void> commit();
  void stop_if_broken(const std::string& reason);
  Result<std::unique_ptr<SqliteConnection>> borrow_reader() const;
  void return_reader(std::unique_ptr<SqliteConnection> reader) const;

  const SqliteSettings settings_;
  const std::size_t max_readers_;

  mutable std::mutex mutex_;  // guards what follows up to `counts_`; the connections belong to
                              // whoever has taken them
  mutable std::condition_variable changed_;
  std::deque<PendingWrite*> waiting_;
  std::condition_variable gathered_;  // as many wait as shared the last commit
  std::size_t last_group_ = 0;        // how many those were, and how long it took
  std::chrono::microseconds last_commit_{0};
  bool writing_ = false;
  std::thread::id writing_thread_;
  std::string stopped_;  // why nothing may be written any more; "" while all is well
  mutable std::vector<std::unique_ptr<SqliteConnection>> idle_readers_;
  mutable std::size_t readers_ = 0;  // open, idle or not
  WriteCounts counts_;

  std::unique_ptr<SqliteConnection> writer_;  // used by the thread that has set writing_
  mutable std::mutex watcher_mutex_;          // guards watcher_
  std::unique_ptr<SqliteConnection> watcher_;
};

class SqliteOpenTransaction : public OpenTransaction {
 public:
  explicit SqliteOpenTransaction(SqliteDatabase& database)
      : OpenTransaction(*database.writer_), database_(database) {}
  ~SqliteOpenTransaction() override {
    if (!ended_) end();
  }
  Result<void> commit() override {
    MARTLET_CHECK(!ended_, "a transaction can be committed once");
    auto committed = database_.commit();
    end();
    return committed;
  }

 private:
  void end() {
    ended_ = true;
    if (database_.writer_->in_transaction())
      static_cast<void>(database_.writer_->execute("ROLLBACK").has_value());
    database_.stop_if_broken("a transaction was cut short by an input/output error");
    std::unique_lock lock(database_.mutex_);
    database_.release_writer(lock);
  }
  SqliteDatabase& database_;
  bool ended_ = false;
};

void SqliteDatabase::take_writer(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [this] { return !writing_; });
  writing_ = true;
  writing_thread_ = std::this_thread::get_id();
}

void SqliteDatabase::release_writer(std::unique_lock<std::mutex>& /*lock*/) {
  writing_ = false;
  writing_thread_ = {};
  changed_.notify_all();
}

Result<void> SqliteDatabase::refuse_if_stopped() const {
  const std::unique_lock lock(mutex_);
  if (!stopped_.empty()) return fail(stopped_error(stopped_));
  return {};
}

void SqliteDatabase::stop_if_broken(const std::string& reason) {
  if (!writer_->broken()) return;
  const std::unique_lock lock(mutex_);
  if (stopped_.empty()) stopped_ = reason;
}

Result<std::unique_ptr<OpenTransaction>> SqliteDatabase::begin() {
  std::unique_lock lock(mutex_);
  if (writing_ && writing_thread_ == std::this_thread::get_id()) {
    return internal_error(
        "a transaction was begun inside another one of the same thread; please report it");
  }
  take_writer(lock);
  lock.unlock();
  auto begun = refuse_if_stopped();
  if (begun.has_value()) begun = writer_->execute("BEGIN IMMEDIATE");
  if (!begun.has_value()) {
    stop_if_broken("the writer failed");
    lock.lock();
    release_writer(lock);
    return fail(std::move(begun).error());
  }
  return std::make_unique<SqliteOpenTransaction>(*this);
}

// Writers that shared a commit come again at about the same time. Without waiting for them the
// first one back would commit alone, and the others only with the commit after: half as many in
// each. A lone writer never waits.
void SqliteDatabase::gather(std::unique_lock<std::mutex>& lock) {
  if (last_group_ < 2 || waiting_.size() >= last_group_) return;
  gathered_.wait_for(lock, std::min(last_commit_ / kGatherPart, kMaxGather),
                     [this] { return waiting_.size() >= last_group_; });
}

Result<void> SqliteDatabase::write_erased(const WriteFunction& function) {
  PendingWrite self{function, {}, false};
  std::unique_lock lock(mutex_);
  if (writing_ && writing_thread_ == std::this_thread::get_id()) {
    return internal_error("a write was started inside another one; pass the transaction on "
                          "instead; please report it");
  }
  if (waiting_.size() >= kMaxWaiting) {
    return fail(
        ErrorCode::ResourceExhausted,
        fmt::format("{} writes wait for the metadata store already; try again later", kMaxWaiting));
  }
  waiting_.push_back(&self);
  if (waiting_.size() == last_group_) gathered_.notify_one();
  changed_.wait(lock, [&] { return self.done || !writing_; });
  if (self.done) return std::move(self.outcome);

  // Nobody writes: this thread does it for all who wait, until its own write is done.
  writing_ = true;
  writing_thread_ = std::this_thread::get_id();
  while (!self.done) {
    gather(lock);
    const auto group_end =
        waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kMaxGroup));
    const std::vector<PendingWrite*> group(waiting_.begin(), group_end);
    waiting_.erase(waiting_.begin(), group_end);
    lock.unlock();
    const auto began = std::chrono::steady_clock::now();
    run_group(group);
    const auto took = std::chrono::steady_clock::now() - began;
    lock.lock();
    last_group_ = group.size();
    last_commit_ = std::chrono::duration_cast<std::chrono::microseconds>(took);
    for (PendingWrite* write : group) {
      if (write->outcome.has_value()) ++counts_.writes;
      write->done = true;
    }
  }
  release_writer(lock);
  return std::move(self.outcome);
}

Result<void> SqliteDatabase::run_one(PendingWrite& write) {
  MARTLET_TRY(writer_->execute("SAVEPOINT one"));
  Transaction tx(*writer_);
  write.outcome = write.function(tx);
  if (!writer_->in_transaction())
    return unavailable("the store ended the transaction by itself (full or failing disk)");
  if (!write.outcome.has_value()) MARTLET_TRY(writer_->execute("ROLLBACK TO one"));
  return writer_->execute("RELEASE one");
}

void SqliteDatabase::run_group(std::span<PendingWrite* const> group) {
  auto whole = refuse_if_stopped();
  if (whole.has_value()) whole = writer_->execute("BEGIN IMMEDIATE");
  std::size_t tried = 0;
  if (whole.has_value()) {
    for (PendingWrite* write : group) {
      whole = run_one(*write);
      if (!whole.has_value()) break;
      ++tried;
    }
  }
  if (whole.has_value()) whole = commit();
  if (writer_->in_transaction()) static_cast<void>(writer_->execute("ROLLBACK").has_value());
  if (!whole.has_value()) {
    // The first error of the group tells the person most; a function that failed by itself keeps
    // its own.
    for (std::size_t i = 0; i < group.size(); ++i) {
      const bool own_failure = i <= tried && !group[i]->outcome.has_value();
      if (!own_failure) group[i]->outcome = tl::unexpected<Error>(whole.error());
    }
  }
  stop_if_broken("an input/output error of the disk");
}

Result<void> SqliteDatabase::commit() {
  if (auto committed = writer_->execute("COMMIT"); !committed.has_value()) {
    stop_if_broken(committed.error().message());
    return committed;
  }
  {
    const std::unique_lock lock(mutex_);
    ++counts_.commits;
  }
  // What was committed is durable in the log already; a failing checkpoint only stops later writes.
  if (writer_->log_pages() >= kCheckpointPages && !writer_->checkpoint().has_value())
    stop_if_broken("a failed checkpoint");
  return {};
}

Result<std::unique_ptr<SqliteConnection>> SqliteDatabase::borrow_reader() const {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, settings_.busy_timeout,
                         [this] { return !idle_readers_.empty() || readers_ < max_readers_; })) {
    return unavailable(fmt::format(
        "all {} readers of the metadata store have been busy for {} ms; try again later",
        max_readers_, settings_.busy_timeout.count()));
  }
  if (!idle_readers_.empty()) {
    auto reader = std::move(idle_readers_.back());
    idle_readers_.pop_back();
    return reader;
  }
  ++readers_;
  lock.unlock();
  auto opened = SqliteConnection::open(settings_, SqliteRole::Reader);
  if (!opened.has_value()) {
    lock.lock();
    --readers_;
    changed_.notify_all();
  }
  return opened;
}

void SqliteDatabase::return_reader(std::unique_ptr<SqliteConnection> reader) const {
  const std::unique_lock lock(mutex_);
  idle_readers_.push_back(std::move(reader));
  changed_.notify_all();
}

Result<void> SqliteDatabase::read_erased(
    const std::function<Result<void>(const ReadTransaction&)>& function) const {
  MARTLET_TRY_SET(std::unique_ptr<SqliteConnection> reader, borrow_reader());
  auto done = reader->execute("BEGIN");
  if (done.has_value()) {
    const ReadTransaction tx(*reader);
    done = function(tx);
  }
  if (reader->in_transaction()) static_cast<void>(reader->execute("ROLLBACK").has_value());
  return_reader(std::move(reader));
  return done;
}

Result<std::int64_t> SqliteDatabase::data_version() const {
  const std::unique_lock lock(watcher_mutex_);
  return watcher_->integer("PRAGMA data_version");
}

Result<std::vector<Finding>> SqliteDatabase::check_integrity() const {
  MARTLET_TRY_SET(std::unique_ptr<SqliteConnection> reader, borrow_reader());
  std::vector<Finding> findings;
  const auto report = [&](std::string where, std::string_view rule, std::string message) {
    Finding finding;
    finding.path = std::move(where);
    finding.rule = rule;
    finding.message = std::move(message);
    finding.file = settings_.path;
    findings.push_back(std::move(finding));
  };
  auto pages = reader->run("PRAGMA integrity_check(100)", {});
  auto references = reader->run("PRAGMA foreign_key_check", {});
  return_reader(std::move(reader));
  if (!pages.has_value() && pages.error().code() != ErrorCode::Corrupt)
    return fail(std::move(pages).error());
  if (!pages.has_value()) {
    report("", "damaged", pages.error().message());
    return findings;
  }
  for (const Row& row : pages->rows) {
    const auto* text = std::get_if<std::string>(&row.at(0));
    if (text != nullptr && *text != "ok") report("", "damaged", *text);
  }
  if (!references.has_value()) return fail(std::move(references).error());
  for (const Row& row : references->rows) {
    report(to_text(row.at(0)), "dangling_reference",
           fmt::format("record {} of {} refers to a missing record of {}", to_text(row.at(1)),
                       to_text(row.at(0)), to_text(row.at(2))));
  }
  return findings;
}

Result<void> SqliteDatabase::back_up_to(const std::string& path) const {
  MARTLET_TRY_SET(std::unique_ptr<SqliteConnection> copier,
                  SqliteConnection::open(settings_, SqliteRole::Writer));
  SqliteSettings target = settings_;
  target.path = path;
  MARTLET_TRY_SET(std::unique_ptr<SqliteConnection> probe,
                  SqliteConnection::open(target, SqliteRole::Writer));
  MARTLET_TRY_SET(const std::int64_t tables, probe->integer("SELECT count(*) FROM sqlite_schema"));
  probe.reset();
  if (tables > 0)
    return fail(ErrorCode::AlreadyExists,
                fmt::format("backing up to {}: the file exists; name a new one", path));
  const std::vector<Value> bound{Value(path)};
  auto copied = copier->run("VACUUM INTO ?1", bound);
  if (!copied.has_value())
    return fail(std::move(copied).error().with_context("backing up to " + path));
  return {};
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const std::string& path,
                                                 const DatabaseOptions& options) {
  MARTLET_CHECK(sqlite3_libversion_number() >= 3051003,
                "SQLite is older than 3.51.3 and would corrupt its log");
  MARTLET_TRY(refuse_network_file_system(path));
  const SqliteSettings settings{path, options.busy_timeout, options.sqlite_vfs};
  std::vector<SchemaGroup> groups{own_schema()};
  groups.insert(groups.end(), options.schema.begin(), options.schema.end());
  MARTLET_TRY_SET(std::unique_ptr<SqliteConnection> writer,
                  SqliteConnection::open(settings, SqliteRole::Writer));
  MARTLET_TRY(refuse_what_is_no_store(*writer, path));  // before anything of the file is touched
  MARTLET_TRY(enter_wal_mode(*writer, options.busy_timeout));
  MARTLET_TRY(prepare_schema(*writer, path, groups));
  MARTLET_TRY_SET(std::unique_ptr<SqliteConnection> watcher,
                  SqliteConnection::open(settings, SqliteRole::Reader));
  return std::make_unique<SqliteDatabase>(settings, options.max_readers, std::move(writer),
                                          std::move(watcher));
}

}  // namespace martlet::metadata

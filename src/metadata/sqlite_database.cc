#include "metadata/internal/sqlite_database.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::metadata::internal {

namespace {

constexpr int kCheckpointPages = 1000;  // of the log, 4 KiB each

Error stopped_error(const std::string& reason) {
  return Error(ErrorCode::Unavailable,
               "the metadata store has stopped writing, so that nothing acknowledged is lost (" +
                   reason + "); mend the disk and start again");
}

}  // namespace

SqliteDatabase::SqliteDatabase(SqliteSettings settings, std::size_t max_readers,
                               std::unique_ptr<SqliteConnection> writer,
                               std::unique_ptr<SqliteConnection> watcher)
    : settings_(std::move(settings)),
      readers_(max_readers, settings_.busy_timeout,
               [this] { return SqliteConnection::open(settings_, SqliteRole::Reader); }),
      writer_(std::move(writer)), watcher_(std::move(watcher)) {}

SqliteDatabase::~SqliteDatabase() {
  const std::unique_lock lock(stopped_mutex_);
  if (stopped_.empty()) return;
  writer_->leave_log_when_closed();
  watcher_->leave_log_when_closed();
  readers_.for_each_idle([](SqliteConnection& reader) { reader.leave_log_when_closed(); });
}

class SqliteOpenTransaction : public OpenTransaction {
 public:
  explicit SqliteOpenTransaction(SqliteDatabase& database)
      : OpenTransaction(*database.writer_), database_(database) {}
  ~SqliteOpenTransaction() override {
    if (!ended_) end();
  }
  SqliteOpenTransaction(const SqliteOpenTransaction&) = delete;
  SqliteOpenTransaction& operator=(const SqliteOpenTransaction&) = delete;
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
    database_.queue_.release_writer();
  }
  SqliteDatabase& database_;
  bool ended_ = false;
};

Result<void> SqliteDatabase::refuse_if_stopped() const {
  const std::unique_lock lock(stopped_mutex_);
  if (!stopped_.empty()) return fail(stopped_error(stopped_));
  return {};
}

void SqliteDatabase::stop_if_broken(const std::string& reason) {
  if (!writer_->broken()) return;
  const std::unique_lock lock(stopped_mutex_);
  if (stopped_.empty()) stopped_ = reason;
}

Result<std::unique_ptr<OpenTransaction>> SqliteDatabase::begin() {
  MARTLET_TRY(queue_.take_writer());
  auto begun = refuse_if_stopped();
  if (begun.has_value()) begun = writer_->execute("BEGIN IMMEDIATE");
  if (!begun.has_value()) {
    stop_if_broken("the writer failed");
    queue_.release_writer();
    return fail(std::move(begun).error());
  }
  return std::make_unique<SqliteOpenTransaction>(*this);
}

Result<void> SqliteDatabase::write_erased(const WriteFunction& function) {
  return queue_.write(function, [this](WriteGroup group) { run_group(group); });
}

Result<void> SqliteDatabase::run_one(PendingWrite& write, Care care) {
  if (care == Care::Savepoints) MARTLET_TRY(writer_->execute("SAVEPOINT one"));
  Transaction tx(*writer_);
  write.outcome = (*write.function)(tx);
  if (!writer_->in_transaction())
    return unavailable("the store ended the transaction by itself (full or failing disk)");
  if (care == Care::Hopeful) return {};
  if (!write.outcome.has_value()) MARTLET_TRY(writer_->execute("ROLLBACK TO one"));
  return writer_->execute("RELEASE one");
}

void SqliteDatabase::run_group(WriteGroup group) {
  // A savepoint keeps a copy of each page that is changed behind it, which most writes never need.
  if (!try_group(group, Care::Hopeful)) try_group(group, Care::Savepoints);
}

bool SqliteDatabase::try_group(WriteGroup group, Care care) {
  auto whole = refuse_if_stopped();
  if (whole.has_value()) whole = writer_->execute("BEGIN IMMEDIATE");
  bool to_undo = false;
  std::size_t tried = 0;
  if (whole.has_value()) {
    for (PendingWrite* write : group) {
      const std::int64_t before = writer_->changes();
      whole = run_one(*write, care);
      if (!whole.has_value()) break;
      ++tried;
      to_undo =
          care == Care::Hopeful && !write->outcome.has_value() && writer_->changes() != before;
      if (to_undo) break;
    }
  }
  const bool alone = to_undo && group.size() == 1;  // the end of the transaction undoes it
  if (whole.has_value() && !to_undo) whole = commit();
  if (writer_->in_transaction()) static_cast<void>(writer_->execute("ROLLBACK").has_value());
  if (to_undo && !alone) return false;
  if (!whole.has_value()) {
    // The first error of the group tells the person most; a function that failed by itself keeps
    // its own.
    for (std::size_t i = 0; i < group.size(); ++i) {
      const bool own_failure = i <= tried && !group[i]->outcome.has_value();
      if (!own_failure) group[i]->outcome = tl::unexpected<Error>(whole.error());
    }
  }
  stop_if_broken("an input/output error of the disk");
  return true;
}

Result<void> SqliteDatabase::commit() {
  if (auto committed = writer_->execute("COMMIT"); !committed.has_value()) {
    stop_if_broken(committed.error().message());
    return committed;
  }
  queue_.count_commit();
  // What was committed is durable in the log already; a failing checkpoint only stops later writes.
  if (writer_->log_pages() >= kCheckpointPages && !writer_->checkpoint().has_value())
    stop_if_broken("a failed checkpoint");
  return {};
}

Result<void> SqliteDatabase::read_erased(
    const std::function<Result<void>(const ReadTransaction&)>& function) const {
  MARTLET_TRY_SET(std::unique_ptr<SqliteConnection> reader, readers_.borrow());
  auto done = reader->execute("BEGIN");
  if (done.has_value()) {
    const ReadTransaction tx(*reader);
    done = function(tx);
  }
  if (reader->in_transaction()) static_cast<void>(reader->execute("ROLLBACK").has_value());
  readers_.give_back(std::move(reader));
  return done;
}

Result<std::int64_t> SqliteDatabase::data_version() const {
  const std::unique_lock lock(watcher_mutex_);
  return watcher_->integer("PRAGMA data_version");
}

Result<std::vector<Finding>> SqliteDatabase::check_integrity() const {
  MARTLET_TRY_SET(std::unique_ptr<SqliteConnection> reader, readers_.borrow());
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
  readers_.give_back(std::move(reader));
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

}  // namespace martlet::metadata::internal

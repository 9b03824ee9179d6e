#include "metadata/internal/postgres_connection.h"

#include "metadata/internal/postgres_value.h"
#include "platform/real_clock.h"
#include "platform/socket_wait.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <charconv>

namespace martlet::metadata::internal {

namespace {

constexpr std::size_t kMaxStatements = 256;  // prepared and kept, per connection
constexpr std::size_t kMaxPutOff = 1000;     // changes before their answers are looked at
// Beyond the server's own limit for a statement; then the connection counts as lost.
constexpr std::chrono::seconds kAnswerGrace{15};
constexpr std::chrono::seconds kWriterIdle{15};

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPointer = std::unique_ptr<PGresult, ClearResult>;

std::chrono::milliseconds statement_timeout(PostgresRole role) {
  switch (role) {
    case PostgresRole::Writer: return std::chrono::seconds(60);
    case PostgresRole::Reader: return std::chrono::minutes(5);
    case PostgresRole::Maintenance: return std::chrono::hours(1);
  }
  return std::chrono::seconds(60);
}

// Of the session, beginning with what the URL says: durability isn't negotiable, and a client that
// stands still must not hold others up for ever.
std::string session_options(const PostgresPlace& place, PostgresRole role,
                            std::chrono::milliseconds busy_timeout) {
  // Functions don't block within a transaction: who is idle in one has stopped or is gone.
  const std::chrono::milliseconds idle =
      role == PostgresRole::Writer ? kWriterIdle : statement_timeout(role);
  return fmt::format(
      "{} -c search_path={} -c synchronous_commit=on -c lock_timeout={} -c statement_timeout={} "
      "-c idle_in_transaction_session_timeout={} -c tcp_keepalives_idle=10 "
      "-c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c tcp_user_timeout=20000 "
      "-c default_transaction_isolation=read\\ committed -c jit=off{}",
      place.setting("options"), place.schema, busy_timeout.count(), statement_timeout(role).count(),
      idle.count(),
      // Writes find records by their keys, whatever those are: they need no plan of their own.
      role == PostgresRole::Writer ? " -c plan_cache_mode=force_generic_plan" : "");
}

std::string state_of(const PGresult* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return state == nullptr ? "" : state;
}

bool ends_session(const PGresult* result, const std::string& state) {
  const char* severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  const std::string_view level = severity == nullptr ? "" : severity;
  return level == "FATAL" || level == "PANIC" || state.starts_with("08") || state == "57P01" ||
         state == "57P02" || state == "57P03";
}

constexpr std::string_view kLockNotAvailable = "55P03";

bool is_conflict(std::string_view state) { return state == "40001" || state == "40P01"; }

constexpr std::string_view kNoData = "02000";

// Data and constraints: the statement's fault, not the transaction's.
bool is_of_statement(std::string_view state) {
  return state == kNoData || state.starts_with("22") || state.starts_with("23") ||
         state.starts_with("42");
}

}  // namespace

Result<std::unique_ptr<PostgresConnection>>
PostgresConnection::connect(const PostgresPlace& place, PostgresRole role,
                            std::chrono::milliseconds busy_timeout) {
  const std::string options = session_options(place, role, busy_timeout);
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  const auto set = [&](const char* keyword, const char* value) {
    keywords.push_back(keyword);
    values.push_back(value);
  };
  // A keyword that comes twice counts as it came last: what stands before the URL's is a default.
  set("connect_timeout", "10");
  set("keepalives_idle", "10");
  set("keepalives_interval", "5");
  set("keepalives_count", "3");
  set("tcp_user_timeout", "20000");
  set("target_session_attrs", "read-write");  // no standby
  set("fallback_application_name", "martlet");
  for (const auto& [keyword, value] : place.settings) set(keyword.c_str(), value.c_str());
  set("options", options.c_str());
  set("client_encoding", "UTF8");
  set(nullptr, nullptr);
  PGconn* handle = PQconnectdbParams(keywords.data(), values.data(), 0);
  if (handle == nullptr)
    return fail(ErrorCode::ResourceExhausted, "connecting to PostgreSQL: out of memory");
  std::unique_ptr<PostgresConnection> connection(
      new PostgresConnection(handle, place, busy_timeout, statement_timeout(role) + kAnswerGrace));
  if (PQstatus(handle) != CONNECTION_OK) return fail(connection->lose(PQerrorMessage(handle)));
  PQsetNoticeProcessor(handle, [](void*, const char*) {}, nullptr);
  if (PQenterPipelineMode(handle) != 1) return fail(connection->lose(PQerrorMessage(handle)));
  return connection;
}

PostgresConnection::~PostgresConnection() { PQfinish(handle_); }

int PostgresConnection::server_process() const { return PQbackendPID(handle_); }

void PostgresConnection::reset_transaction() {
  failure_ = Failure::None;
  failure_error_.reset();
  in_unit_ = unit_changed_ = marked_ = changed_ = false;
  care_ = Care::Savepoints;
  ahead_.clear();
  put_off_ = 0;
  must_change_ = answered_ = false;
}

void PostgresConnection::queue(std::string sql, std::vector<Value> bound) {
  queued_.push_back({std::move(sql), std::move(bound), Owed::Kind::Ignored, nullptr});
}

void PostgresConnection::begin(const std::string& how) {
  reset_transaction();
  forget_statements_ = statements_.size() > kMaxStatements;
  queue("BEGIN " + how);
}

void PostgresConnection::begin_unit(Care care) {
  in_unit_ = true;
  care_ = care;
  unit_changed_ = marked_ = false;
  if (failure_ == Failure::None && care == Care::Savepoints) queue("SAVEPOINT unit");
}

void PostgresConnection::end_unit(UnitEnd how) {
  in_unit_ = false;
  ahead_.clear();
  if (failure_ != Failure::None) return;
  if (how == UnitEnd::Keep) changed_ = changed_ || unit_changed_;
  if (care_ == Care::Savepoints) {
    if (how == UnitEnd::Undo) queue("ROLLBACK TO SAVEPOINT unit");
    queue("RELEASE SAVEPOINT unit");
  } else if (how == UnitEnd::Undo && unit_changed_) {
    fail_transaction(Failure::Surprised,
                     Error(ErrorCode::Internal, "a write failed that shared its transaction "
                                                "with others; please report it"));
  }
}

void PostgresConnection::fail_transaction(Failure how, const Error& error) {
  if (failure_ != Failure::None) return;
  failure_ = how;
  failure_error_ = error;
}

// What an error makes of the transaction; those of a statement alone are the caller's to undo.
void PostgresConnection::judge(const Answer& answer) {
  if (lost_) {
    fail_transaction(Failure::Lost, *answer.error);
  } else if (is_conflict(answer.state)) {
    fail_transaction(Failure::Conflict, *answer.error);
  } else if (answer.state == kLockNotAvailable) {
    fail_transaction(Failure::Locked, *answer.error);
  } else if (!is_of_statement(answer.state)) {
    fail_transaction(Failure::Refused, *answer.error);
  }
}

// In hope whatever it was is a surprise: with savepoints each function meets the errors that are
// its own.
void PostgresConnection::fail_with(const Answer& answer) {
  judge(answer);
  const bool hoped = care_ == Care::Hopeful;
  fail_transaction(hoped ? Failure::Surprised : Failure::Refused, *answer.error);
}

Result<Outcome> PostgresConnection::read(const std::string& sql, std::span<const Value> bound) {
  if (failure_ != Failure::None) return fail(*failure_error_);
  if (auto asked = asked_ahead(sql, bound); asked.has_value()) return std::move(*asked);
  Answer answer = exchange(sql, bound);
  if (!answer.error.has_value()) return std::move(answer.outcome);
  if (puts_off()) {
    fail_with(answer);
    return fail(std::move(*answer.error));
  }
  judge(answer);
  if (in_unit_ && !unit_changed_ && failure_ == Failure::None) {
    queue("ROLLBACK TO SAVEPOINT unit");
  } else {
    fail_transaction(Failure::Refused, *answer.error);
  }
  return fail(std::move(*answer.error));
}

Result<Outcome> PostgresConnection::change(const std::string& sql, std::span<const Value> bound) {
  if (failure_ != Failure::None) return fail(*failure_error_);
  ahead_.clear();
  if (puts_off()) {
    Answer answer = exchange(sql, bound);
    unit_changed_ = true;
    if (!answer.error.has_value()) return std::move(answer.outcome);
    fail_with(answer);
    return fail(std::move(*answer.error));
  }
  if (in_unit_ && unit_changed_) {
    if (marked_) queue("RELEASE SAVEPOINT change");
    queue("SAVEPOINT change");
    marked_ = true;
  }
  Answer answer = exchange(sql, bound);
  if (!answer.error.has_value()) {
    unit_changed_ = true;
    return std::move(answer.outcome);
  }
  judge(answer);
  if (in_unit_ && failure_ == Failure::None) {
    queue(marked_ ? "ROLLBACK TO SAVEPOINT change" : "ROLLBACK TO SAVEPOINT unit");
  } else {
    fail_transaction(Failure::Refused, *answer.error);
  }
  return fail(std::move(*answer.error));
}

Result<void> PostgresConnection::put_off(const std::string& sql, std::span<const Value> bound,
                                         MustChange what) {
  if (failure_ != Failure::None) return fail(*failure_error_);
  ahead_.clear();
  unit_changed_ = true;
  const bool one = what == MustChange::OneRecord;
  must_change_ = must_change_ || one;
  queued_.push_back({sql,
                     {bound.begin(), bound.end()},
                     one ? Owed::Kind::Effective : Owed::Kind::Ignored,
                     nullptr});
  if (++put_off_ < kMaxPutOff) return {};
  Answer answer = exchange_queued();
  if (!answer.error.has_value()) return {};
  fail_with(answer);
  return fail(std::move(*answer.error));
}

void PostgresConnection::read_ahead(const std::string& sql, std::span<const Value> bound) {
  if (failure_ != Failure::None) return;
  ahead_.push_back(std::make_shared<Ahead>(Ahead{sql, {bound.begin(), bound.end()}, {}}));
  queued_.push_back({sql, ahead_.back()->bound, Owed::Kind::Ahead, ahead_.back()});
}

// The answer that was asked for before, if this was.
std::optional<Result<Outcome>> PostgresConnection::asked_ahead(const std::string& sql,
                                                               std::span<const Value> bound) {
  const auto found = std::find_if(ahead_.begin(), ahead_.end(), [&](const auto& ahead) {
    return ahead->sql == sql &&
           std::equal(bound.begin(), bound.end(), ahead->bound.begin(), ahead->bound.end());
  });
  if (found == ahead_.end()) return std::nullopt;
  const std::shared_ptr<Ahead> ahead = std::move(*found);
  ahead_.erase(found);
  if (!ahead->outcome.has_value()) {
    Answer answer = exchange_queued();
    if (answer.error.has_value()) {
      fail_with(answer);
      return fail(std::move(*answer.error));
    }
  }
  return std::move(*ahead->outcome);
}

Result<Outcome> PostgresConnection::run(const std::string& sql, std::span<const Value> bound) {
  Answer answer = exchange(sql, bound);
  if (answer.error.has_value()) return fail(std::move(*answer.error));
  return std::move(answer.outcome);
}

Result<std::vector<std::string>> PostgresConnection::columns_of(const std::string& table) {
  const std::vector<Value> bound{Value(table)};
  MARTLET_TRY_SET(Outcome outcome,
                  read("SELECT attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
                       "WHERE relname = $1 AND relnamespace = current_schema()::regnamespace AND "
                       "attnum > 0 AND NOT attisdropped ORDER BY attnum",
                       bound));
  std::vector<std::string> names;
  names.reserve(outcome.rows.size());
  for (Row& row : outcome.rows) names.push_back(std::get<std::string>(std::move(row.at(0))));
  return names;
}

PostgresConnection::Ended PostgresConnection::commit(const std::string& last,
                                                     std::vector<Value> bound) {
  if (failure_ != Failure::None) return Ended::NotCommitted;
  // That a change met no record is no error to PostgreSQL, and would be committed. And who asks
  // later whether a lost COMMIT has happened relies on the lock that was asked for first.
  if (put_off_ > 0 && (must_change_ || !answered_)) {
    const Answer answer = exchange_queued();
    if (answer.error.has_value()) {
      fail_with(answer);
      return Ended::NotCommitted;
    }
  }
  if (!last.empty()) queue(last, std::move(bound));
  Answer answer = exchange("COMMIT", {});
  if (!answer.error.has_value() && answer.tag == "COMMIT") return Ended::Committed;
  if (!answer.error.has_value()) {  // PostgreSQL's answer when the transaction had failed
    answer.error = Error(ErrorCode::Internal,
                         "PostgreSQL rolled a transaction back that was to be committed; please "
                         "report it");
  }
  fail_with(answer);
  return lost_ ? Ended::Unknown : Ended::NotCommitted;
}

void PostgresConnection::roll_back() {
  queued_.clear();
  if (lost_) return;
  if (!send("ROLLBACK", {}, Owed::Kind::Ignored) || PQpipelineSync(handle_) != 1) {
    static_cast<void>(lose(PQerrorMessage(handle_)));
    return;
  }
  owed_.push_back({Owed::Kind::Sync, "", nullptr});
}

bool PostgresConnection::send_values(const std::string& name, std::span<const Value> bound) {
  const PostgresParameters parameters(bound);
  return PQsendQueryPrepared(handle_, name.c_str(), static_cast<int>(bound.size()),
                             parameters.values(), parameters.lengths(), parameters.formats(),
                             1) == 1;
}

bool PostgresConnection::send(const std::string& sql, std::span<const Value> bound, Owed::Kind kind,
                              std::shared_ptr<Ahead> ahead) {
  auto known = statements_.find(sql);
  if (known == statements_.end()) {
    const std::string name = "m" + std::to_string(next_statement_++);
    if (PQsendPrepare(handle_, name.c_str(), sql.c_str(), 0, nullptr) != 1) return false;
    known = statements_.emplace(sql, name).first;  // forgotten again if the server refuses it
    owed_.push_back({Owed::Kind::Prepared, sql, nullptr});
  }
  if (!send_values(known->second, bound)) return false;
  owed_.push_back({kind, "", std::move(ahead)});
  return true;
}

bool PostgresConnection::send_queued() {
  if (forget_statements_) {
    forget_statements_ = false;
    statements_.clear();
    if (PQsendQueryParams(handle_, "DEALLOCATE ALL", 0, nullptr, nullptr, nullptr, nullptr, 0) !=
            1 ||
        PQpipelineSync(handle_) != 1)
      return false;
    // A transaction of its own: a BEGIN behind it in the same one couldn't choose its isolation.
    owed_.push_back({Owed::Kind::Ignored, "", nullptr});
    owed_.push_back({Owed::Kind::Sync, "", nullptr});
  }
  for (Command& command : queued_) {
    if (!send(command.sql, command.bound, command.kind, std::move(command.ahead))) return false;
  }
  queued_.clear();
  return true;
}

PostgresConnection::Answer PostgresConnection::exchange(const std::string& sql,
                                                        std::span<const Value> bound) {
  return synchronise(!lost_ && send_queued() && send(sql, bound, Owed::Kind::Wanted));
}

PostgresConnection::Answer PostgresConnection::exchange_queued() {
  return synchronise(!lost_ && send_queued());
}

PostgresConnection::Answer PostgresConnection::synchronise(bool sent) {
  if (!sent || PQpipelineSync(handle_) != 1) {
    Answer answer;
    answer.error = lose(lost_ ? "the connection was lost before" : PQerrorMessage(handle_));
    return answer;
  }
  owed_.push_back({Owed::Kind::Sync, "", nullptr});
  put_off_ = 0;
  must_change_ = false;
  Answer received = receive();
  answered_ = !received.error.has_value();
  return received;
}

// Up to the last synchronisation; earlier ones end what was rolled back without waiting.
PostgresConnection::Answer PostgresConnection::receive() {
  Answer answer;
  while (!owed_.empty() && !lost_) {
    const Owed owed = std::move(owed_.front());
    owed_.pop_front();
    receive_one(owed, answer);
    if (owed.kind == Owed::Kind::Sync && !owed_.empty() && !lost_) answer = Answer();
  }
  return answer;
}

void PostgresConnection::receive_one(const Owed& owed, Answer& answer) {
  const Deadline deadline = platform::deadline_in(answer_timeout_);
  for (;;) {
    const ResultPointer result(next_result(deadline));
    if (lost_) {
      if (!answer.error.has_value()) answer.error = lose("no answer came in time");
      return;
    }
    if (result == nullptr) {
      if (owed.kind != Owed::Kind::Sync) return;  // the end of this statement's results
      answer.error = lose(PQerrorMessage(handle_));
      return;
    }
    switch (PQresultStatus(result.get())) {
      case PGRES_PIPELINE_SYNC: return;
      case PGRES_PIPELINE_ABORTED:
        if (owed.kind == Owed::Kind::Prepared) statements_.erase(owed.sql);
        break;
      case PGRES_COMMAND_OK:
      case PGRES_TUPLES_OK: take(owed, *result, answer); break;
      default:
        if (owed.kind == Owed::Kind::Prepared) statements_.erase(owed.sql);
        note_error(result.get(), answer);
        if (lost_) return;
    }
  }
}

void PostgresConnection::take(const Owed& owed, const PGresult& result, Answer& answer) {
  switch (owed.kind) {
    case Owed::Kind::Wanted:
      answer.outcome = outcome_of(result);
      answer.tag = PQcmdStatus(const_cast<PGresult*>(&result));  // libpq's signature; it only reads
      return;
    case Owed::Kind::Ahead: owed.ahead->outcome = outcome_of(result); return;
    case Owed::Kind::Effective:
      if (outcome_of(result).changes > 0 || answer.error.has_value()) return;
      answer.error = Error(ErrorCode::NotFound, "a change that was put off found no record");
      answer.state = kNoData;
      return;
    default: return;
  }
}

void PostgresConnection::note_error(const PGresult* result, Answer& answer) {
  const std::string state = state_of(result);
  if (PQstatus(handle_) == CONNECTION_BAD || ends_session(result, state)) {
    answer.error = lose(PQresultErrorMessage(result));
    answer.state = state;
    return;
  }
  if (answer.error.has_value()) return;
  answer.error = error_of(result, state);
  answer.state = state;
}

PGresult* PostgresConnection::next_result(Deadline deadline) {
  while (PQisBusy(handle_) == 1) {
    if (!platform::wait_until_readable(PQsocket(handle_), deadline)) {
      static_cast<void>(lose("no answer came in time"));
      return nullptr;
    }
    if (PQconsumeInput(handle_) != 1) break;  // the next result tells why
  }
  return PQgetResult(handle_);
}

Error PostgresConnection::lose(const std::string& why) {
  lost_ = true;
  owed_.clear();
  queued_.clear();
  std::string words = place_.without_secrets(why);
  while (!words.empty() && (words.back() == '\n' || words.back() == ' ')) words.pop_back();
  return Error(ErrorCode::Unavailable,
               fmt::format("the metadata store {} can't be reached ({}); see that the server runs "
                           "and lets this user in, then try again",
                           place_.name, words));
}

Error PostgresConnection::error_of(const PGresult* result, const std::string& state) const {
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  return postgres_error(state, place_.without_secrets(primary == nullptr ? "" : primary),
                        place_.name, busy_timeout_);
}

}  // namespace martlet::metadata::internal

#include "lifecycle/openlineage.h"

#include "lifecycle/internal/lineage_events.h"
#include "lifecycle/run.h"
#include "lifecycle/track.h"
#include "metadata/database.h"
#include "net/http_client.h"
#include "tracking/openlineage_outbox.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

namespace martlet::lifecycle {

namespace {

using tracking::EventState;
using tracking::LineageEventRecord;
using tracking::OpenLineageConfig;

constexpr std::chrono::seconds kTimeout{5};
constexpr std::chrono::seconds kFirstPause{2};
constexpr std::chrono::hours kLongestPause{1};
constexpr std::chrono::seconds kLastChance{5};  // what stop() waits for at most

Duration pause_after(std::int64_t attempts) {
  Duration pause = kFirstPause;
  for (std::int64_t i = 1; i < attempts && pause < kLongestPause; ++i) pause *= 4;
  return std::min<Duration>(pause, kLongestPause);
}

Result<workflow::RunOutcome> records_of(const Store& store, const RunId& run) {
  const workflow::ComponentTable none;
  return runner_of(store, none).look(run);
}

struct Attempt {
  bool sent = false;
  bool for_good = false;  // trying again would not help
  std::string answer;     // a status, or the error's kind: never its words, which may hold the URL
};

// The text itself, or the value of the process variable that it names.
std::optional<std::string> value_of_text(const std::string& text, const LineageOptions& options) {
  const auto variable = tracking::variable_named_by(text);
  if (!variable.has_value()) return text;
  return options.variable ? options.variable(*variable) : std::nullopt;
}

class Sender {
 public:
  Sender(const Store& store, const LineageReceiver& receiver, const LineageOptions& options)
      : store_(store), receiver_(receiver), options_(options) {}

  Attempt send(const Json& body, Deadline deadline, const CancelToken& cancel) {
    return receiver_.config.file.empty() ? post(body, deadline, cancel) : append(body);
  }

 private:
  // A line of the file, durable when it returns.
  Attempt append(const Json& body) const {
    FileSystem& files = store_.host().files;
    const std::string& file = receiver_.config.file;
    const std::string path = file.starts_with('/') ? file : join_path(receiver_.directory, file);
    const auto write = [&]() -> Result<void> {
      const bool is_new = !files.exists(path);
      MARTLET_TRY_SET(const std::unique_ptr<File> open, files.open_for_appending(path));
      MARTLET_TRY_SET(const std::uint64_t size, open->size_bytes());
      std::string line;
      // A line that a power loss tore must not spoil this one.
      if (size > 0) {
        MARTLET_TRY_SET(const std::unique_ptr<File> before, files.open_for_reading(path));
        MARTLET_TRY_SET(const std::string last, before->read_at(size - 1, 1));
        if (last != "\n") line.push_back('\n');
      }
      line.append(to_text(body));
      line.push_back('\n');
      MARTLET_TRY(open->append(line));
      MARTLET_TRY(open->sync());
      MARTLET_TRY(open->close());
      const std::string folder = parent_path(path);
      return is_new ? files.sync_directory(folder.empty() ? "." : folder) : Result<void>();
    };
    const auto written = write();
    if (written.has_value()) return {true, false, "written"};
    return {false, false, std::string(name_of(written.error().code()))};
  }

  Attempt post(const Json& body, Deadline deadline, const CancelToken& cancel) {
    const auto url = value_of_text(receiver_.config.url, options_);
    if (!url.has_value() || url->empty())
      return {false, false, "the process variable of its url is not set"};
    if (!client_.has_value()) client_.emplace();
    net::HttpCall call;
    call.method = net::Method::Post;
    call.url = *url;
    call.headers = {{"content-type", "application/json"}};
    call.body = to_text(body);
    call.timeout = kTimeout;
    call.response_limit_bytes = std::size_t{64} << 10;
    call.policy = options_.policy;
    if (!receiver_.config.token.empty()) {
      const auto token = value_of_text(receiver_.config.token, options_);
      if (!token.has_value() || token->empty())
        return {false, false, "the process variable of its token is not set"};
      call.bearer = Secret(*token);
    }
    const auto response = client_->send(call, deadline, cancel);
    if (!response.has_value()) {
      const ErrorCode code = response.error().code();
      return {false, code == ErrorCode::InvalidArgument || code == ErrorCode::PermissionDenied,
              std::string(name_of(code))};
    }
    const int status = response->status;
    // A missing or wrong token is mended by the person, and so is a wrong path.
    const bool later = status == 401 || status == 403 || status == 404 || status == 408 ||
                       status == 425 || status == 429 || status >= 500;
    return {status >= 200 && status < 300, !later, std::to_string(status)};
  }

  const Store& store_;
  const LineageReceiver& receiver_;
  const LineageOptions& options_;
  std::optional<net::HttpClient> client_;  // its library is loaded only when there is a call
};

bool has_come(const Deadline& deadline) {
  return deadline.at.has_value() && std::chrono::steady_clock::now() >= *deadline.at;
}

}  // namespace

LineageReceiver receiver_of(const Project& project) {
  const Yaml* section = project.root.find("openlineage");
  if (section == nullptr) return {};
  std::vector<Finding> none;  // parse_project() has checked it
  return {tracking::read_openlineage(*section, none), project.directory};
}

Result<std::vector<Json>> openlineage_of(const Store& store, const std::string& run,
                                         const std::string& name_space) {
  std::vector<Json> documents;
  const auto pipeline = find_run(store, run);
  if (pipeline.has_value()) {
    MARTLET_TRY_SET(const workflow::RunOutcome outcome, records_of(store, *pipeline));
    MARTLET_TRY_SET(const std::vector<LineageEvent> events,
                    events_of_pipeline_run(store, outcome, name_space,
                                           [](const std::string&) { return Result<bool>(true); }));
    for (const LineageEvent& each : events) documents.push_back(to_json(each.event));
    return documents;
  }
  if (pipeline.error().code() != ErrorCode::NotFound) return fail(pipeline.error());
  MARTLET_TRY_SET(const tracking::Run tracked, find_tracked_run(store, run));
  MARTLET_TRY_SET(const tracking::Experiment experiment,
                  tracker_of(store).experiment(tracked.experiment));
  for (const LineageEvent& each :
       events_of_tracked_run(tracked, experiment.name, name_space, store.host().version))
    documents.push_back(to_json(each.event));
  return documents;
}

Result<void> owe_lineage(const Store& store, const RunId& run, const std::string& name_space,
                         RunEnd end) {
  MARTLET_TRY_SET(workflow::RunOutcome outcome, records_of(store, run));
  if (end == RunEnd::NotYet)
    outcome.run.status = static_cast<std::int64_t>(workflow::RunStatus::Running);
  metadata::Database& database = store.database();
  MARTLET_TRY_SET(const std::vector<LineageEvent> events,
                  events_of_pipeline_run(store, outcome, name_space, [&](const std::string& id) {
                    return database.read([&](const metadata::ReadTransaction& tx) -> Result<bool> {
                      MARTLET_TRY_SET(const bool known, tx.exists<LineageEventRecord>(id));
                      return !known;
                    });
                  }));
  if (events.empty()) return {};
  const Timestamp now = store.host().clock.now();
  return database.write([&](metadata::Transaction& tx) -> Result<void> {
    for (const LineageEvent& each : events)
      MARTLET_TRY(tracking::owe_event(tx, each.id, to_json(each.event), now));
    return {};
  });
}

Result<void> catch_up_on_lineage(const Store& store, const std::string& name_space) {
  constexpr std::int64_t kNewest = 20;
  MARTLET_TRY_SET(const auto runs, list_runs(store, kNewest));
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    if (run->run_status() == workflow::RunStatus::Running) continue;
    MARTLET_TRY_SET(const bool was_told,
                    store.database().read([&](const metadata::ReadTransaction& tx) {
                      return tx.exists<LineageEventRecord>(run->id.text() + "/START");
                    }));
    if (was_told) MARTLET_TRY(owe_lineage(store, run->id, name_space));
  }
  return {};
}

Result<LineageTally> send_lineage(const Store& store, const LineageReceiver& receiver,
                                  const LineageOptions& options, Deadline deadline,
                                  const CancelToken& cancel) {
  LineageTally tally;
  if (!receiver.config.declared) return tally;
  metadata::Database& database = store.database();
  Sender sender(store, receiver, options);
  while (!has_come(deadline)) {
    if (cancel.cancelled()) return fail(ErrorCode::Cancelled, "sending events was interrupted");
    MARTLET_TRY_SET(auto event, database.read(&tracking::next_event));
    const Timestamp now = store.host().clock.now();
    // Events of a run are told in their order, so one that can't be sent holds up the others.
    if (!event.has_value() || event->next_at > now) break;
    const Attempt attempt = sender.send(event->body, deadline, cancel);
    if (cancel.cancelled()) return fail(ErrorCode::Cancelled, "sending events was interrupted");
    ++event->attempts;
    event->answer = attempt.answer;
    if (attempt.sent) {
      event->state = EventState::Sent;
      ++tally.sent;
    } else if (attempt.for_good || event->attempts >= kLineageAttempts) {
      event->state = EventState::GivenUp;
      ++tally.given_up;
    } else {
      event->next_at = now + pause_after(event->attempts);
    }
    if (!attempt.sent) {
      store.host().log.warn("openlineage.not_sent",
                            {{"event", event->id},
                             {"answer", event->answer},
                             {"attempts", event->attempts},
                             {"state", std::string(tracking::name_of(event->state))}});
    }
    MARTLET_TRY(database.write(
        [&](metadata::Transaction& tx) { return tracking::settle_event(tx, *event); }));
  }
  MARTLET_TRY_SET(tally.waiting, database.read([](const metadata::ReadTransaction& tx) {
    return tx.count<LineageEventRecord>(metadata::equal("state", EventState::Waiting));
  }));
  return tally;
}

struct LineageReporter::State {
  State(const Store& store_of, LineageReceiver receiver_of_it, LineageOptions options_of)
      : store(store_of), receiver(std::move(receiver_of_it)), options(std::move(options_of)) {}

  const Store& store;
  LineageReceiver receiver;
  LineageOptions options;
  CancelToken cancel;
  std::thread thread;
  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::map<RunId, RunEnd> told;  // and not looked at yet
  bool stopping = false;

  void warn(std::string_view what, const Error& error) const {
    store.host().log.warn("openlineage.failed", {{"doing", std::string(what)},
                                                 {"code", std::string(name_of(error.code()))},
                                                 {"error", error.message()}});
  }

  void add(const RunId& run, RunEnd end) {
    {
      const std::unique_lock lock(mutex);
      RunEnd& known = told.try_emplace(run, end).first->second;
      if (end == RunEnd::Tell) known = end;
    }
    changed.notify_one();
  }

  void work(const std::map<RunId, RunEnd>& runs, Deadline deadline) {
    for (const auto& [run, end] : runs) {
      const auto owed = owe_lineage(store, run, receiver.config.name_space, end);
      if (!owed.has_value()) warn("recording events of run " + run.text(), owed.error());
    }
    const auto sent = send_lineage(store, receiver, options, deadline, cancel);
    if (!sent.has_value() && sent.error().code() != ErrorCode::Cancelled)
      warn("sending events", sent.error());
  }

  void loop() {
    const auto caught_up = catch_up_on_lineage(store, receiver.config.name_space);
    if (!caught_up.has_value()) warn("catching up on earlier runs", caught_up.error());
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [&] { return stopping || !told.empty(); });
      const bool last = stopping;
      const std::map<RunId, RunEnd> runs = std::exchange(told, {});
      lock.unlock();
      Deadline deadline = Deadline::none();
      if (last) deadline.at = std::chrono::steady_clock::now() + kLastChance;
      work(runs, deadline);
      if (last) return;
      lock.lock();
    }
  }
};

LineageReporter::LineageReporter(const Store& store, LineageReceiver receiver,
                                 LineageOptions options) {
  if (!receiver.config.declared) return;
  state_ = std::make_unique<State>(store, std::move(receiver), std::move(options));
  state_->thread = std::thread([state = state_.get()] { state->loop(); });
}

LineageReporter::~LineageReporter() { stop(); }

void LineageReporter::tell(const RunId& run) {
  if (state_ != nullptr) state_->add(run, RunEnd::NotYet);
}

void LineageReporter::tell_end(const RunId& run) {
  if (state_ != nullptr) state_->add(run, RunEnd::Tell);
}

void LineageReporter::stop() {
  if (state_ == nullptr || !state_->thread.joinable()) return;
  {
    const std::unique_lock lock(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_one();
  state_->thread.join();
}

}  // namespace martlet::lifecycle

#include "lifecycle/loop.h"

#include "metadata/database.h"
#include "monitoring/retraining.h"
#include "registry/model_registry.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::lifecycle {

using monitoring::RetrainRecord;

Json to_json(const LoopEvent& event) {
  return Json{
      {"at", to_text(event.at)}, {"kind", event.kind}, {"why", event.why}, {"model", event.model}};
}

std::string deployment_of(const Project& project, registry::Environment environment) {
  return std::string(registry::name_of(environment)) + "/" + project.name;
}

Result<platform::FileLock> loop_lock(const Store& store, const std::string& deployment) {
  const std::string directory = store.predictions_directory(deployment);
  MARTLET_TRY(store.host().files.create_directories(directory));
  auto lock = platform::FileLock::acquire(join_path(directory, "loop.lock"));
  if (!lock.has_value())
    return fail(std::move(lock).error().with_context("driving the loop of " + deployment));
  return lock;
}

Loop::Loop(Parts parts)
    : parts_(std::move(parts)),
      watch_(parts_.store, parts_.project, parts_.deployment, parts_.settle) {}

std::unique_ptr<Loop> Loop::create(Parts parts) {
  return std::unique_ptr<Loop>(new Loop(std::move(parts)));  // the constructor is private
}

void Loop::tell(const std::string& kind, const std::string& why, const std::string& model) const {
  if (parts_.on_event) parts_.on_event({parts_.store.host().clock.now(), kind, why, model});
}

std::string Loop::live_text() const { return live_.has_value() ? live_->text() : ""; }

Result<std::optional<registry::ModelVersion>> Loop::live_version() const {
  return registry_of(parts_.store).target_of(name_, parts_.environment, registry::live_alias());
}

Result<void> Loop::take_over(const registry::ModelVersion& version) {
  MARTLET_TRY_SET(std::shared_ptr<const models::Package> package,
                  open_package(parts_.store, version.package));
  MARTLET_TRY_SET(monitoring::ReferenceProfile reference, reference_of(*package));
  live_ = LoopModel{version.model, version.version, version.created, std::move(package),
                    std::move(reference)};
  MARTLET_TRY(watch_.fit(*live_));
  return parts_.on_live ? parts_.on_live(*live_) : Result<void>();
}

Result<void> Loop::adopt() {
  MARTLET_TRY_SET(name_, registry::ModelName::parse(parts_.project.name));
  MARTLET_TRY_SET(const auto version, live_version());
  if (!version.has_value()) {
    return not_found("no version of " + parts_.project.name + " is live in " +
                     std::string(registry::name_of(parts_.environment)) +
                     "; `martlet run` makes one live when its gates pass");
  }
  MARTLET_TRY(watch_.begin(parts_.store.host().clock.now()));
  return take_over(*version);
}

Result<void> Loop::begin(const Lessons& lessons) {
  MARTLET_TRY_SET(name_, registry::ModelName::parse(parts_.project.name));
  const Host& host = parts_.store.host();
  const Timestamp now = host.clock.now();
  MARTLET_TRY_SET(
      const TurnResult first,
      take_turn({parts_.store, parts_.project, lessons, parts_.project.models.candidates, nullptr,
                 now, parts_.cancel, parts_.log ? parts_.log : [](std::string_view) {}}));
  RetrainRecord turn;
  turn.id = new_id(host.clock, host.random);
  turn.deployment = parts_.deployment;
  turn.at = now;
  turn.trigger = monitoring::kFirstModel;
  turn.decision = "running";
  turn.details = Json::object();
  MARTLET_TRY(
      parts_.store.database().write([&](metadata::Transaction& tx) { return tx.insert(turn); }));
  MARTLET_TRY_SET(const registry::ModelVersion version,
                  make_live(first, "the first model", std::move(turn)));
  MARTLET_TRY(watch_.begin(now));
  MARTLET_TRY(take_over(version));
  tell("trained",
       fmt::format("{} on {} rows; threshold {:.4g}", first.trainer, first.training_rows,
                   first.threshold),
       live_text());
  return {};
}

Result<Timestamp> Loop::schedule_base() const {
  MARTLET_TRY_SET(const std::vector<Timestamp> trainings,
                  parts_.store.database().read([&](const metadata::ReadTransaction& tx) {
                    return monitoring::trainings_of(tx, parts_.deployment);
                  }));
  return trainings.empty() ? live_->trained_at : std::max(trainings.back(), live_->trained_at);
}

Result<Timestamp> Loop::next_due() const {
  MARTLET_TRY_SET(Timestamp next, watch_.next_due());
  const auto& policy = parts_.project.monitoring.retrain;
  if (!policy.has_value() || !policy->every.has_value()) return next;
  MARTLET_TRY_SET(const Timestamp base, schedule_base());
  const Timestamp now = parts_.store.host().clock.now();
  Timestamp due = base + *policy->every;
  // It was asked for and refused: cooldown and budget give way with time, an hour is soon enough.
  if (due <= now) due = std::max(base + policy->cooldown, now + std::chrono::hours(1));
  return std::min(next, due);
}

Result<std::unordered_set<std::string>> Loop::due_keys() const {
  return watch_.due_keys(parts_.store.host().clock.now());
}

monitoring::TurnRequest Loop::request_of(const std::string& trigger, Timestamp now) const {
  const Host& host = parts_.store.host();
  monitoring::TurnRequest request;
  request.id = new_id(host.clock, host.random);
  request.deployment = parts_.deployment;
  request.trigger = trigger;
  request.champion = live_text();
  request.now = now;
  return request;
}

Result<void> Loop::judge_due(Timestamp now, bool& asked) {
  const auto& policy = parts_.project.monitoring.retrain;
  MARTLET_TRY_SET(const std::vector<DueWindow> windows, watch_.due(now));
  for (const DueWindow& window : windows) {
    if (parts_.cancel.cancelled())
      return fail(ErrorCode::Cancelled, "judging windows was interrupted");
    std::optional<std::pair<std::string, monitoring::TurnAnswer>> answer;
    MARTLET_TRY_SET(
        const std::vector<AlertNews> news,
        watch_.judge(
            window, *live_,
            [&](metadata::Transaction& tx, const std::vector<AskingAlert>& asking) -> Result<void> {
              answer.reset();
              if (asking.empty() || !policy.has_value()) return {};
              monitoring::TurnRequest request = request_of("alert " + asking.front().name, now);
              request.asking_since = asking.front().since;
              MARTLET_TRY_SET(monitoring::TurnAnswer given, monitoring::ask(tx, *policy, request));
              answer.emplace(request.trigger, std::move(given));
              return {};
            }));
    for (const AlertNews& item : news) {
      if (item.change == monitoring::AlertChange::Fired)
        tell("alert", item.alert + ": " + item.condition, live_text());
      else
        tell("cleared", item.alert, live_text());
    }
    if (!answer.has_value()) continue;
    asked = true;
    if (!answer->second.granted && answer->second.news)
      tell("refused", answer->first + ": " + answer->second.why, live_text());
  }
  return {};
}

Result<void> Loop::ask_by_schedule(Timestamp now) {
  const auto& policy = parts_.project.monitoring.retrain;
  MARTLET_TRY_SET(const Timestamp base, schedule_base());
  if (!monitoring::is_due(*policy, base, now)) return {};
  monitoring::TurnRequest request = request_of("schedule", now);
  request.asking_since = base;
  MARTLET_TRY_SET(const monitoring::TurnAnswer answer,
                  parts_.store.database().write([&](metadata::Transaction& tx) {
                    return monitoring::ask(tx, *policy, request);
                  }));
  if (!answer.granted && answer.news) tell("refused", "schedule: " + answer.why, live_text());
  return {};
}

Result<monitoring::TurnAnswer> Loop::ask(const std::string& reason, monitoring::PolicyUse use) {
  monitoring::TurnRequest request =
      request_of("person: " + reason, parts_.store.host().clock.now());
  request.use = use;
  const monitoring::RetrainPolicy policy =
      parts_.project.monitoring.retrain.value_or(monitoring::RetrainPolicy{});
  return parts_.store.database().write(
      [&](metadata::Transaction& tx) { return monitoring::ask(tx, policy, request); });
}

Result<void> Loop::judge() {
  const Timestamp now = parts_.store.host().clock.now();
  bool asked = false;
  MARTLET_TRY(judge_due(now, asked));
  if (parts_.project.monitoring.retrain.has_value() && !asked) return ask_by_schedule(now);
  return {};
}

Result<void> Loop::tick(const Teacher& teacher) {
  MARTLET_TRY(judge());
  MARTLET_TRY(take_pending(teacher));
  return {};
}

Result<std::optional<RetrainRecord>> Loop::take_pending(const Teacher& teacher) {
  metadata::Database& database = parts_.store.database();
  const Timestamp now = parts_.store.host().clock.now();
  MARTLET_TRY_SET(const auto waiting, database.read([&](const metadata::ReadTransaction& tx) {
    return monitoring::turn_under_way(tx, parts_.deployment);
  }));
  if (!waiting.has_value()) return std::optional<RetrainRecord>();
  MARTLET_TRY_SET(auto turn, database.write([&](metadata::Transaction& tx) {
    return monitoring::take_up(tx, waiting->id, now);
  }));
  if (!turn.has_value()) {
    tell("failed", waiting->trigger + ": its process ended again and again", live_text());
  } else if (auto result = train(teacher, now); result.has_value()) {
    turn->details.update(result->details);
    if (result->promote) {
      MARTLET_TRY(promote(std::move(*turn), *result));
    } else {
      MARTLET_TRY(finish(std::move(*turn), "rejected", result->why));
    }
  } else if (result.error().code() == ErrorCode::Cancelled || parts_.cancel.cancelled()) {
    MARTLET_TRY(
        database.write([&](metadata::Transaction& tx) { return monitoring::put_down(tx, *turn); }));
    return fail(ErrorCode::Cancelled, "the training was interrupted; the turn waits");
  } else {
    MARTLET_TRY(finish(std::move(*turn), "failed", result.error().message()));
  }
  return database.read(
      [&](const metadata::ReadTransaction& tx) { return tx.get<RetrainRecord>(waiting->id); });
}

Result<TurnResult> Loop::train(const Teacher& teacher, Timestamp now) const {
  MARTLET_TRY_SET(const Lessons lessons, teacher());
  const std::vector<models::Candidate> recipe{live_->recipe(parts_.project)};
  return take_turn({parts_.store, parts_.project, lessons, recipe, &*live_, now, parts_.cancel,
                    parts_.log ? parts_.log : [](std::string_view) {}});
}

Result<void> Loop::finish(RetrainRecord turn, const std::string& decision, const std::string& why) {
  const std::string trigger = turn.trigger;
  const Timestamp now = parts_.store.host().clock.now();
  MARTLET_TRY(parts_.store.database().write([&](metadata::Transaction& tx) {
    return monitoring::end_turn(tx, turn, decision, why, now);
  }));
  tell(decision, trigger + ": " + why, live_text());
  return {};
}

Result<registry::ModelVersion> Loop::make_live(const TurnResult& result, const std::string& reason,
                                               RetrainRecord turn) {
  registry::ModelRegistry models = registry_of(parts_.store);
  const registry::Actor actor{parts_.deployment};
  const bool is_first = !live_.has_value();
  const Timestamp now = parts_.store.host().clock.now();
  return parts_.store.database().write(
      [&](metadata::Transaction& tx) -> Result<registry::ModelVersion> {
        MARTLET_TRY_SET(const registry::ModelVersion version,
                        models.add_version(tx, {name_, result.package->tree, RunId()}, actor));
        registry::AliasMove move{name_,        parts_.environment, registry::live_alias(),
                                 std::nullopt, version.version,    reason};
        if (!is_first) {
          move.expected = live_->version;
          registry::Attestation gates;
          gates.environment = parts_.environment;
          gates.statement = Json{{"gates", Json::array({Json{{"name", "better_than_champion"},
                                                             {"passed", true},
                                                             {"why", result.why}}})},
                                 {"all_passed", true},
                                 {"turn", turn.id}};
          MARTLET_TRY(models.attest(tx, name_, version.version, gates, actor));
        }
        MARTLET_TRY(models.move_alias(tx, move, actor));
        RetrainRecord ended = turn;
        ended.challenger = registry::to_text(name_, version.version);
        MARTLET_TRY(monitoring::end_turn(tx, ended, "promoted", result.why, now));
        return version;
      });
}

Result<void> Loop::promote(RetrainRecord turn, const TurnResult& result) {
  const std::string trigger = turn.trigger;
  auto version = make_live(result, trigger, turn);
  if (!version.has_value()) {
    // The champion that it was tested against may have been replaced while it trained.
    MARTLET_TRY_SET(const auto now_live, live_version());
    if (!now_live.has_value() || now_live->version == live_->version)
      return fail(std::move(version).error());
    return finish(std::move(turn), "rejected",
                  registry::to_text(name_, now_live->version) +
                      " went live while it trained, and " + live_text() +
                      " is what it was tested against");
  }
  MARTLET_TRY(take_over(*version));
  tell("promoted", trigger + ": " + result.why, live_text());
  return {};
}

}  // namespace martlet::lifecycle

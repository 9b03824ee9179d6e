#include "lifecycle/loop.h"

#include "artifacts/blob_store.h"
#include "deployment/served_model.h"
#include "lifecycle/logged_prediction.h"
#include "metadata/database.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace martlet::lifecycle {

// Carries what deployment reports to the prediction log of monitoring.
class Loop::LogSink : public deployment::PredictionSink {
 public:
  explicit LogSink(monitoring::PredictionLog& log) : log_(log) {}
  bool record(const deployment::PredictionEvent& event) override {
    return log_.append(logged(event));
  }

 private:
  monitoring::PredictionLog& log_;
};

namespace {

constexpr double kDayMicros = static_cast<double>(kMicrosPerDay);

Timestamp floor_to(Timestamp at, Duration length) {
  const std::int64_t remainder = at.micros % length.count();
  return {at.micros - (remainder < 0 ? remainder + length.count() : remainder)};
}

}  // namespace

Loop::Loop(Parts parts, std::string deployment)
    : parts_(std::move(parts)), deployment_(std::move(deployment)),
      truth_(parts_.store.database(), deployment_) {}

Loop::~Loop() = default;

deployment::PredictionSink& Loop::sink() { return *sink_; }

std::unique_ptr<Loop> Loop::create(Parts parts, std::string deployment) {
  return std::unique_ptr<Loop>(
      new Loop(std::move(parts), std::move(deployment)));  // the constructor is private
}

Result<void> Loop::prepare(const columns::Schema& row_schema) {
  row_schema_ = row_schema;
  const problem::Problem& problem = parts_.problem;
  kpis_.clear();
  for (const problem::KpiSpec& spec : problem::kpis_of(problem.contract(), problem.task())) {
    auto kpi = problem::Kpi::create(spec, problem.task(), row_schema, problem.zone());
    if (!kpi.has_value()) {
      return fail(std::move(kpi).error().with_context("monitoring KPI " + spec.name +
                                                      " on the rows that the model is asked with"));
    }
    kpis_.push_back(std::move(*kpi));
  }
  std::vector<std::string> names;
  for (const problem::Kpi& kpi : kpis_) names.push_back(kpi.name());
  std::vector<Finding> findings;
  alerts_ = monitoring::compile_alerts(
      parts_.project.monitoring.alerts,
      monitoring::alert_scope(names, row_schema.names(), problem.zone()), findings);
  if (!findings.empty()) return invalid("checking the alerts", std::move(findings));
  for (const monitoring::CompiledAlert& alert : alerts_) {
    MARTLET_TRY_SET(const auto stored,
                    parts_.store.database().read([&](const metadata::ReadTransaction& tx) {
                      return tx.get<monitoring::AlertRecord>(deployment_, alert.rule.name);
                    }));
    monitoring::AlertRecord fresh;
    fresh.deployment = deployment_;
    fresh.alert = alert.rule.name;
    states_[alert.rule.name] = stored.value_or(fresh);
  }
  MARTLET_TRY_SET(log_,
                  monitoring::PredictionLog::open(
                      parts_.store.host().files, parts_.store.predictions_directory(deployment_),
                      row_schema, new_id(parts_.store.host().clock, parts_.store.host().random),
                      {.queue_limit = 1'000'000}));
  sink_ = std::make_unique<LogSink>(*log_);
  return {};
}

void Loop::tell(const std::string& kind, const std::string& why, const std::string& model) const {
  if (parts_.on_event) parts_.on_event({parts_.store.host().clock.now(), kind, why, model});
}

std::string Loop::live_text() const {
  return live_.version == 0 ? "" : live_.name + "/" + std::to_string(live_.version);
}

Result<void> Loop::record(const std::string& trigger, const std::string& decision,
                          const std::string& why, const std::string& challenger, Json details) {
  const lifecycle::Host& host = parts_.store.host();
  const monitoring::RetrainRecord record{new_id(host.clock, host.random),
                                         deployment_,
                                         host.clock.now(),
                                         trigger,
                                         decision,
                                         why,
                                         live_text(),
                                         challenger,
                                         std::move(details)};
  return parts_.store.database().write(
      [&](metadata::Transaction& tx) { return tx.insert(record); });
}

Result<void> Loop::deploy(const Challenger& challenger, const History& history,
                          const std::string& reason) {
  const lifecycle::Host& host = parts_.store.host();
  const problem::Contract& contract = parts_.problem.contract();
  models::Provenance provenance;
  provenance.dataset = parts_.project.main_dataset().name;
  provenance.code_version = host.code_version;
  provenance.created_by = "retraining";
  provenance.more["candidate"] = trainer_;
  provenance.more["tested_model"] = challenger.tested_model.text();
  provenance.more["refitted"] = challenger.refitted;
  MARTLET_TRY_SET(const problem::FittedBaselines rules,
                  problem::fit_baselines(parts_.problem.baselines(), parts_.problem.task(),
                                         parts_.problem.zone(), parts_.problem.primary(),
                                         take(*history.frame, challenger.training),
                                         actual_of(*history.frame, challenger.training)));
  MARTLET_TRY_SET(
      const StoredPackage stored,
      store_package(parts_.store, parts_.project,
                    {parts_.problem, *history.frame, challenger.training, challenger.holdout,
                     challenger.model.program, challenger.model.model, challenger.model.threshold,
                     parts_.lookups, parts_.lookup_rows, challenger.kpis,
                     rules.all[rules.best].to_json(), std::move(provenance)}));
  MARTLET_TRY_SET(const registry::ModelName name, registry::ModelName::parse(parts_.project.name));
  registry::ModelRegistry models = registry_of(parts_.store);
  const registry::Actor actor{deployment_};
  MARTLET_TRY_SET(const registry::ModelVersion version,
                  models.add_version({name, stored.tree, RunId()}, actor));
  registry::AliasMove move{name,         parts_.environment, registry::live_alias(),
                           std::nullopt, version.version,    reason};
  if (live_.version != 0) move.expected = registry::Version{live_.version};
  MARTLET_TRY(models.move_alias(move, actor));

  MARTLET_TRY_SET(const std::shared_ptr<const models::Package> package,
                  open_package(parts_.store, stored.tree));
  std::vector<columns::Field> key;
  for (const std::string& column : contract.key) {
    MARTLET_TRY_SET(const columns::Column* found, history.frame->rows.column(column));
    key.push_back({column, found->type()});
  }
  MARTLET_TRY_SET(
      std::shared_ptr<const deployment::ServedModel> served,
      deployment::ServedModel::create({package, parts_.lookups, name, version.version,
                                       columns::Schema(std::move(key)), parts_.problem.zone()}));
  if (log_ == nullptr) {
    MARTLET_TRY(prepare(schema_of(served->inputs())));
  } else if (schema_of(served->inputs()) != row_schema_) {
    return conflict("the retrained model asks for other columns than the live one; deploy it with "
                    "a run of its own");
  }
  MARTLET_TRY_SET(live_.reference, reference_of(*package));
  live_.name = name.text();
  live_.version = version.version.number;
  live_.trained_at = host.clock.now();
  live_.package = package;
  baseline_ = rules.all[rules.best];
  (void)parts_.slot.swap(std::move(served));
  return {};
}

Result<void> Loop::begin(const History& history, const std::string& trainer,
                         const Json& parameters) {
  trainer_ = trainer;
  parameters_ = parameters;
  const monitoring::RetrainPolicy policy =
      parts_.project.monitoring.retrain.value_or(monitoring::RetrainPolicy{});
  const Recipe recipe{parts_.problem,
                      parts_.project.features,
                      travelling_steps(parts_.project.main_dataset()),
                      trainer_,
                      parameters_,
                      parts_.project.models.seed};
  const Timestamp now = parts_.store.host().clock.now();
  Workshop workshop(parts_.store, parts_.project);
  MARTLET_TRY_SET(const FitHost host, workshop.fit_host(parts_.cancel, [](std::string_view) {}));
  MARTLET_TRY_SET(const Challenger first,
                  train_challenger({recipe, *history.frame, history.known, now, policy,
                                    parts_.lookups, std::nullopt, parts_.store.host().pool},
                                   host));
  MARTLET_TRY(deploy(first, history, "the first model"));
  MARTLET_TRY(record("begin", "promoted", "the first model", live_text(),
                     Json{{"training_rows", first.training.size()}}));
  tell("trained",
       fmt::format("{} on {} rows; threshold {:.4g}", trainer_, first.training.size(),
                   first.model.threshold),
       live_text());
  for (const Duration length : parts_.project.monitoring.windows)
    judged_until_[length.count()] = floor_to(now, length);
  return {};
}

Result<void> Loop::judge_window(Duration length, Timestamp begin, Timestamp end,
                                std::vector<std::string>& triggers) {
  std::vector<monitoring::Prediction> predictions;
  std::vector<std::string> keys;
  MARTLET_TRY(monitoring::read_predictions(
      parts_.store.host().files, parts_.store.predictions_directory(deployment_), begin, end,
      [&](const columns::Schema&, monitoring::Prediction prediction) -> Result<void> {
        keys.push_back(prediction.key);
        predictions.push_back(std::move(prediction));
        return {};
      }));
  MARTLET_TRY_SET(const auto truth, truth_.find(keys));
  MARTLET_TRY_SET(const monitoring::WindowRows rows,
                  monitoring::gather(row_schema_, std::move(predictions), truth));
  const monitoring::WindowContext context{kpis_,
                                          parts_.problem.task(),
                                          parts_.problem.zone(),
                                          parts_.project.monitoring.drift,
                                          &live_.reference,
                                          200,
                                          parts_.project.models.seed};
  MARTLET_TRY_SET(const monitoring::WindowReport report,
                  monitoring::judge(context, rows, begin, end));

  monitoring::Surroundings surroundings;
  surroundings.model_age_days = static_cast<double>((end - live_.trained_at).count()) / kDayMicros;
  surroundings.reference = live_.reference.kpis;
  if (baseline_.has_value() && report.truth_rows > 0) {
    // A rule that reads a column which the model isn't asked with has no figure here.
    if (auto rule = problem::outcomes_of(*baseline_, rows.outcomes.rows, rows.outcomes.actual);
        rule.has_value()) {
      for (const problem::Kpi& kpi : kpis_) {
        if (const auto value = kpi.estimate(*rule); value.has_value())
          surroundings.baseline[kpi.name()] = *value;
      }
    }
  }
  const auto values = monitoring::alert_values(report, surroundings);
  std::vector<monitoring::AlertRecord> changed;
  for (const monitoring::CompiledAlert& alert : alerts_) {
    if (alert.rule.window != length) continue;
    MARTLET_TRY_SET(const std::optional<bool> holds, monitoring::holds(alert, values));
    monitoring::AlertRecord& state = states_[alert.rule.name];
    const monitoring::AlertChange change = monitoring::advance(alert.rule, state, holds, end);
    changed.push_back(state);
    if (change == monitoring::AlertChange::Fired)
      tell("alert", alert.rule.name + ": " + alert.rule.when, live_text());
    if (change == monitoring::AlertChange::Cleared) tell("cleared", alert.rule.name, live_text());
    // A firing alert keeps asking: the policy decides when it is heard.
    if (!state.firing) continue;
    for (const monitoring::Action& action : alert.rule.then) {
      if (action.kind == monitoring::Action::Kind::Retrain)
        triggers.push_back("alert " + alert.rule.name);
    }
  }
  const monitoring::WindowRecord record{deployment_, length.count(), begin, end,
                                        monitoring::to_json(report)};
  return parts_.store.database().write([&](metadata::Transaction& tx) -> Result<void> {
    for (const monitoring::AlertRecord& state : changed) MARTLET_TRY(tx.put(state));
    return tx.put(record);
  });
}

Result<void> Loop::judge_due(Timestamp now, std::vector<std::string>& triggers) {
  for (const Duration length : parts_.project.monitoring.windows) {
    Timestamp& judged = judged_until_[length.count()];
    while (judged + length + parts_.project.monitoring.truth_delay <= now) {
      MARTLET_TRY(judge_window(length, judged, judged + length, triggers));
      judged = judged + length;
    }
  }
  return {};
}

Result<void> Loop::tick(const std::function<Result<History>()>& history) {
  MARTLET_TRY(flush());
  const Timestamp now = parts_.store.host().clock.now();
  std::vector<std::string> triggers;
  MARTLET_TRY(judge_due(now, triggers));
  const auto& policy = parts_.project.monitoring.retrain;
  if (!policy.has_value()) return {};
  if (monitoring::is_due(*policy, trainings_.empty() ? live_.trained_at : trainings_.back(), now))
    triggers.emplace_back("schedule");
  if (triggers.empty()) return {};
  const monitoring::Permission permission = monitoring::may_retrain(*policy, trainings_, now);
  if (!permission.granted) {
    // Refusals of an alert that keeps firing are worth one line a reason, not one a window.
    tell("refused", triggers.front() + ": " + permission.why, live_text());
    return {};
  }
  return retrain(triggers.front(), history);
}

Result<void> Loop::retrain(const std::string& trigger,
                           const std::function<Result<History>()>& history) {
  const monitoring::RetrainPolicy& policy = *parts_.project.monitoring.retrain;
  const Timestamp now = parts_.store.host().clock.now();
  trainings_.push_back(now);
  const Recipe recipe{parts_.problem,
                      parts_.project.features,
                      travelling_steps(parts_.project.main_dataset()),
                      trainer_,
                      parameters_,
                      parts_.project.models.seed};
  const std::string before = live_text();
  const auto train = [&]() -> Result<std::pair<Challenger, History>> {
    MARTLET_TRY_SET(History known, history());
    Workshop workshop(parts_.store, parts_.project);
    MARTLET_TRY_SET(const FitHost host, workshop.fit_host(parts_.cancel, [](std::string_view) {}));
    const Champion champion{live_.package->feature_program(), *live_.package->predictor(),
                            live_.package->manifest().threshold.value_or(0.5)};
    MARTLET_TRY_SET(Challenger challenger,
                    train_challenger({recipe, *known.frame, known.known, now, policy,
                                      parts_.lookups, champion, parts_.store.host().pool},
                                     host));
    return std::pair<Challenger, History>(std::move(challenger), std::move(known));
  };
  auto trained = train();
  if (!trained.has_value()) {
    tell("failed", trigger + ": " + trained.error().message(), before);
    return record(trigger, "failed", trained.error().message(), "", Json::object());
  }
  const auto& [challenger, known] = *trained;
  Json details{{"training_rows", challenger.training.size()},
               {"holdout_rows", challenger.holdout.size()},
               {"tested_model", challenger.tested_model.text()},
               {"refitted", challenger.refitted},
               {"threshold", challenger.model.threshold}};
  if (challenger.comparison.has_value()) {
    details["champion_kpi"] = number_or_null(challenger.comparison->champion);
    details["challenger_kpi"] = number_or_null(challenger.comparison->challenger);
    details["difference"] = number_or_null(challenger.comparison->difference.value);
    details["low"] = number_or_null(challenger.comparison->difference.low);
    details["high"] = number_or_null(challenger.comparison->difference.high);
  }
  const std::string why = challenger.comparison.has_value() ? challenger.comparison->why : "";
  if (!challenger.promote) {
    tell("rejected", trigger + ": " + why, before);
    return record(trigger, "rejected", why, "", std::move(details));
  }
  const std::string champion_text = before;
  MARTLET_TRY(deploy(challenger, known, trigger));
  tell("promoted", trigger + ": " + why, live_text());
  details["champion_before"] = champion_text;
  return record(trigger, "promoted", why, live_text(), std::move(details));
}

}  // namespace martlet::lifecycle

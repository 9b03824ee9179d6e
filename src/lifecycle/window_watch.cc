#include "lifecycle/window_watch.h"

#include "lifecycle/logged_prediction.h"
#include "metadata/database.h"
#include "monitoring/prediction_log.h"

#include <algorithm>

namespace martlet::lifecycle {

namespace {

constexpr double kDayMicros = static_cast<double>(kMicrosPerDay);
constexpr int kResamples = 200;  // of a window's intervals

Timestamp floor_to(Timestamp at, Duration length) {
  const std::int64_t remainder = at.micros % length.count();
  return {at.micros - (remainder < 0 ? remainder + length.count() : remainder)};
}

// A row that was logged for a version with other inputs, in the columns of the live one; what that
// version wasn't asked with is missing.
columns::Row in_columns_of(const columns::Schema& wanted, const columns::Schema& given,
                           const columns::Row& row) {
  columns::Row mapped;
  for (const columns::Field& field : wanted.fields()) {
    const auto place = given.find(field.name);
    const bool same = place.has_value() && given[*place].type == field.type;
    mapped.push_back(same ? row[*place] : columns::Cell::none(field.type));
  }
  return mapped;
}

Json webhook_body(const std::string& id, const std::string& deployment,
                  const monitoring::AlertRule& rule, const monitoring::WindowReport& report,
                  const LoopModel& live) {
  return Json{{"id", id},
              {"type", "martlet.alert.fired"},
              {"deployment", deployment},
              {"model", live.text()},
              {"alert", rule.name},
              {"condition", rule.when},
              {"severity", std::string(monitoring::name_of(rule.severity))},
              {"at", to_text(report.end)},
              {"window", monitoring::to_json(report)}};
}

}  // namespace

WindowWatch::WindowWatch(const Store& store, const Project& project, std::string deployment,
                         Duration settle)
    : store_(store), project_(project), deployment_(std::move(deployment)), settle_(settle),
      truth_(store.database(), deployment_) {}

Result<void> WindowWatch::begin(Timestamp now) {
  return store_.database().write([&](metadata::Transaction& tx) -> Result<void> {
    MARTLET_TRY(tx.insert_if_absent(monitoring::MonitorRecord{deployment_, now}));
    return {};
  });
}

Result<void> WindowWatch::fit(const LoopModel& live) {
  const models::Manifest& manifest = live.package->manifest();
  row_schema_ = schema_of(manifest.inputs);
  task_ = manifest.task == "regression" ? problem::Task::Regression : problem::Task::Binary;
  const problem::Contract& contract = project_.problem;
  kpis_.clear();
  for (const problem::KpiSpec& spec : problem::kpis_of(contract, task_)) {
    auto kpi = problem::Kpi::create(spec, task_, row_schema_, contract.zone);
    if (!kpi.has_value()) {
      return fail(std::move(kpi).error().with_context(
          "monitoring KPI " + spec.name + " on the rows that " + live.text() + " is asked with"));
    }
    kpis_.push_back(std::move(*kpi));
  }
  std::vector<std::string> names;
  for (const problem::Kpi& kpi : kpis_) names.push_back(kpi.name());
  std::vector<Finding> findings;
  alerts_ = monitoring::compile_alerts(
      project_.monitoring.alerts,
      monitoring::alert_scope(names, row_schema_.names(), contract.zone), findings);
  if (!findings.empty()) return invalid("checking the alerts", std::move(findings));
  auto rule = baseline_of(*live.package, row_schema_, contract.zone);
  baseline_ = rule.has_value() ? std::optional(std::move(*rule)) : std::nullopt;
  return {};
}

Result<Timestamp> WindowWatch::judged_until(Duration length) const {
  return store_.database().read([&](const metadata::ReadTransaction& tx) -> Result<Timestamp> {
    MARTLET_TRY_SET(const auto monitor,
                    tx.require<monitoring::MonitorRecord>("monitor", deployment_));
    MARTLET_TRY_SET(const auto last,
                    tx.first<monitoring::WindowRecord>(
                        metadata::Query(metadata::equal("deployment", deployment_) &&
                                        metadata::equal("length_micros", length.count()))
                            .order_by("begin_at", metadata::Order::Descending)));
    const Timestamp first = floor_to(monitor.since, length);
    return last.has_value() ? std::max(first, last->end) : first;
  });
}

Result<std::vector<DueWindow>> WindowWatch::due(Timestamp now) const {
  std::vector<DueWindow> windows;
  for (const Duration length : project_.monitoring.windows) {
    MARTLET_TRY_SET(Timestamp begin, judged_until(length));
    const Timestamp ended = now - project_.monitoring.truth_delay - settle_;
    const std::int64_t waiting = (ended - begin).count() / length.count();
    if (waiting > kOverdue) {
      const Timestamp from = begin + length * (waiting - kOverdue);
      store_.host().log.warn("windows.left_out", {{"deployment", deployment_},
                                                  {"length", to_text(length)},
                                                  {"from", to_text(begin)},
                                                  {"to", to_text(from)}});
      begin = from;
    }
    for (; begin + length <= ended; begin = begin + length)
      windows.push_back({length, begin, begin + length});
  }
  return windows;
}

Result<std::unordered_set<std::string>> WindowWatch::due_keys(Timestamp now) const {
  MARTLET_TRY_SET(const std::vector<DueWindow> windows, due(now));
  std::unordered_set<std::string> keys;
  if (windows.empty()) return keys;
  DueWindow hull = windows.front();
  for (const DueWindow& window : windows) {
    hull.begin = std::min(hull.begin, window.begin);
    hull.end = std::max(hull.end, window.end);
  }
  const auto read = monitoring::read_predictions(
      store_.host().files, store_.predictions_directory(deployment_), hull.begin, hull.end,
      [&](const columns::Schema&, monitoring::Prediction prediction) -> Result<void> {
        if (!prediction.key.empty()) keys.insert(std::move(prediction.key));
        return {};
      });
  if (!read.has_value() && read.error().code() != ErrorCode::NotFound)
    return fail(Error(read.error()));
  return keys;
}

Result<Timestamp> WindowWatch::next_due() const {
  std::optional<Timestamp> next;
  for (const Duration length : project_.monitoring.windows) {
    MARTLET_TRY_SET(const Timestamp judged, judged_until(length));
    const Timestamp at = judged + length + project_.monitoring.truth_delay + settle_;
    next = next.has_value() ? std::min(*next, at) : at;
  }
  MARTLET_CHECK(next.has_value(), "monitoring keeps at least one window");
  return *next;
}

Result<monitoring::WindowRows> WindowWatch::rows_of(const DueWindow& window) const {
  std::vector<monitoring::Prediction> predictions;
  std::vector<std::string> keys;
  const auto read = monitoring::read_predictions(
      store_.host().files, store_.predictions_directory(deployment_), window.begin, window.end,
      [&](const columns::Schema& schema, monitoring::Prediction prediction) -> Result<void> {
        if (schema != row_schema_)
          prediction.row = in_columns_of(row_schema_, schema, prediction.row);
        keys.push_back(prediction.key);
        predictions.push_back(std::move(prediction));
        return {};
      });
  // Nothing was ever predicted: an empty window.
  if (!read.has_value() && read.error().code() != ErrorCode::NotFound)
    return fail(Error(read.error()));
  MARTLET_TRY_SET(const auto truth, truth_.find(keys));
  return monitoring::gather(row_schema_, std::move(predictions), truth);
}

Result<std::map<std::string, double>> WindowWatch::values_of(const monitoring::WindowReport& report,
                                                             const monitoring::WindowRows& rows,
                                                             const LoopModel& live) const {
  monitoring::Surroundings surroundings;
  surroundings.model_age_days =
      static_cast<double>((report.end - live.trained_at).count()) / kDayMicros;
  surroundings.reference = live.reference.kpis;
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
  return monitoring::alert_values(report, surroundings);
}

Result<std::vector<AlertNews>> WindowWatch::judge(const DueWindow& window, const LoopModel& live,
                                                  const Asked& asked) {
  MARTLET_TRY_SET(const monitoring::WindowRows rows, rows_of(window));
  const monitoring::WindowContext context{
      kpis_,           task_,      project_.problem.zone, project_.monitoring.drift,
      &live.reference, kResamples, project_.models.seed};
  MARTLET_TRY_SET(const monitoring::WindowReport report,
                  monitoring::judge(context, rows, window.begin, window.end));
  MARTLET_TRY_SET(const auto values, values_of(report, rows, live));
  std::vector<std::pair<const monitoring::AlertRule*, std::optional<bool>>> answers;
  for (const monitoring::CompiledAlert& alert : alerts_) {
    if (alert.rule.window != window.length) continue;
    MARTLET_TRY_SET(const std::optional<bool> holds, monitoring::holds(alert, values));
    answers.emplace_back(&alert.rule, holds);
  }
  const Host& host = store_.host();
  const Timestamp now = host.clock.now();
  const monitoring::WindowRecord record{deployment_, window.length.count(), window.begin,
                                        window.end, monitoring::to_json(report)};
  std::vector<AlertNews> news;
  MARTLET_TRY(store_.database().write([&](metadata::Transaction& tx) -> Result<void> {
    news.clear();
    MARTLET_TRY_SET(const bool first, tx.insert_if_absent(record));
    if (!first) return {};
    std::vector<AskingAlert> asking;
    for (const auto& [rule, holds] : answers) {
      monitoring::AlertRecord state;
      state.deployment = deployment_;
      state.alert = rule->name;
      MARTLET_TRY_SET(const auto stored, tx.get<monitoring::AlertRecord>(deployment_, rule->name));
      if (stored.has_value()) state = *stored;
      const monitoring::AlertChange change = monitoring::advance(*rule, state, holds, window.end);
      MARTLET_TRY(tx.put(state));
      if (change != monitoring::AlertChange::None) news.push_back({rule->name, rule->when, change});
      for (std::size_t place = 0; place < rule->then.size(); ++place) {
        const bool is_webhook = rule->then[place].kind == monitoring::Action::Kind::Webhook;
        // A firing alert keeps asking for its training: the policy decides when it is heard.
        if (!is_webhook && state.firing)
          asking.push_back({rule->name, state.since.value_or(window.end)});
        if (!is_webhook || change != monitoring::AlertChange::Fired) continue;
        const std::string id = new_id(host.clock, host.random);
        MARTLET_TRY(tx.insert(monitoring::WebhookRecord{
            id, deployment_, rule->name, static_cast<std::int64_t>(place),
            webhook_body(id, deployment_, *rule, report, live), now, "waiting", 0, now, ""}));
      }
    }
    return asked(tx, asking);
  }));
  return news;
}

}  // namespace martlet::lifecycle

#include "monitoring/alerts.h"

#include "base/caret.h"

#include <cmath>
#include <limits>

namespace martlet::monitoring {

namespace {
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::string_view kPlainNames[] = {"rows",          "truth_rows",    "truth_share",
                                            "error_rate",    "p50_ms",        "p99_ms",
                                            "share_drifted", "model_age_days"};
}  // namespace

expr::Scope alert_scope(const std::vector<std::string>& kpis,
                        const std::vector<std::string>& columns, const Zone& zone) {
  std::vector<columns::Field> fields;
  const auto add = [&fields](std::string name) {
    fields.push_back({std::move(name), columns::Type::Double});
  };
  for (const std::string_view name : kPlainNames) add(std::string(name));
  for (const std::string& kpi : kpis) {
    for (const char* prefix : {"kpi.", "total.", "reference.", "baseline."}) add(prefix + kpi);
    add("kpi." + kpi + ".low");
    add("kpi." + kpi + ".high");
  }
  for (const metrics::MetricInfo& info : metrics::all_metrics())
    add("metric." + std::string(info.name));
  for (const std::string& column : columns) add("psi." + column);
  return {columns::Schema(std::move(fields)), zone};
}

std::map<std::string, double> alert_values(const WindowReport& report,
                                           const Surroundings& surroundings) {
  std::map<std::string, double> values;
  const auto rows = static_cast<double>(report.rows);
  const double asked = rows + static_cast<double>(report.failed);
  values["rows"] = rows;
  values["truth_rows"] = static_cast<double>(report.truth_rows);
  values["truth_share"] = rows > 0 ? static_cast<double>(report.truth_rows) / rows : kNaN;
  values["error_rate"] = asked > 0 ? static_cast<double>(report.failed) / asked : kNaN;
  values["p50_ms"] = report.p50_ms;
  values["p99_ms"] = report.p99_ms;
  values["share_drifted"] = report.drift.share_drifted;
  values["model_age_days"] = surroundings.model_age_days;
  for (const KpiFigure& figure : report.kpis) {
    values["kpi." + figure.name] = figure.value;
    values["kpi." + figure.name + ".low"] = figure.low;
    values["kpi." + figure.name + ".high"] = figure.high;
    values["total." + figure.name] = figure.total;
  }
  for (const auto& [name, value] : surroundings.reference) values["reference." + name] = value;
  for (const auto& [name, value] : surroundings.baseline) values["baseline." + name] = value;
  for (const auto& [name, value] : report.metrics) values["metric." + name] = value;
  for (const ColumnDrift& drift : report.drift.columns) values["psi." + drift.name] = drift.psi;
  return values;
}

std::vector<CompiledAlert> compile_alerts(const std::vector<AlertRule>& rules,
                                          const expr::Scope& scope,
                                          std::vector<Finding>& findings) {
  std::vector<CompiledAlert> alerts;
  for (const AlertRule& rule : rules) {
    auto compiled = expr::Expression::compile(rule.when, scope);
    if (!compiled.has_value()) {
      add_findings_in("condition", rule.when, compiled.error(),
                      rule.where.finding("", "alert " + rule.name + ": "), findings);
      continue;
    }
    if (compiled->type() != columns::Type::Bool) {
      findings.push_back(
          rule.where.finding("wrong_type", "alert " + rule.name + ": \"" + rule.when +
                                               "\" is no condition; compare something"));
      continue;
    }
    alerts.push_back({rule, std::move(*compiled)});
  }
  return alerts;
}

Result<std::optional<bool>> holds(const CompiledAlert& alert,
                                  const std::map<std::string, double>& values) {
  std::vector<columns::Cell> cells;
  for (const std::string& name : alert.condition.names_used()) {
    const auto found = values.find(name);
    const bool known = found != values.end() && !std::isnan(found->second);
    cells.push_back(known ? columns::Cell::of_double(found->second)
                          : columns::Cell::none(columns::Type::Double));
  }
  expr::Scratch scratch;
  auto answer = alert.condition.evaluate_row(cells, scratch);
  if (!answer.has_value())
    return fail(std::move(answer).error().with_context("judging alert " + alert.rule.name));
  return answer->missing ? std::nullopt : std::optional(answer->boolean);
}

AlertChange advance(const AlertRule& rule, AlertRecord& state, std::optional<bool> holds,
                    Timestamp window_end) {
  if (window_end <= state.last_window) return AlertChange::None;
  state.last_window = window_end;
  if (!holds.has_value()) return AlertChange::None;
  state.holding = *holds ? state.holding + 1 : 0;
  state.clear = *holds ? 0 : state.clear + 1;
  if (!state.firing && state.holding >= rule.for_windows) {
    state.firing = true;
    state.since = window_end;
    return AlertChange::Fired;
  }
  if (state.firing && state.clear >= rule.clear_windows) {
    state.firing = false;
    state.since.reset();
    return AlertChange::Cleared;
  }
  return AlertChange::None;
}

}  // namespace martlet::monitoring

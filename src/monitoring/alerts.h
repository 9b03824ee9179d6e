// monitoring/alerts.h: conditions over a window, and the state that makes them alerts: so many
// windows in a row, with hysteresis.
//
// What is unknown (no truth yet) neither fires nor clears (DESIGN §12.5). States survive restarts
// as AlertRecords; advance() is pure.
#pragma once
#include "base/finding.h"
#include "base/result.h"
#include "expr/expression.h"
#include "monitoring/config.h"
#include "monitoring/records.h"
#include "monitoring/window.h"
#include "problem/kpi.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace martlet::monitoring {

// The names that a condition may use, all numbers: rows, truth_rows, truth_share, error_rate,
// p50_ms, p99_ms, share_drifted, model_age_days; for each KPI kpi.NAME, kpi.NAME.low,
// kpi.NAME.high, total.NAME, reference.NAME, baseline.NAME; metric.NAME; psi.COLUMN.
expr::Scope alert_scope(const std::vector<std::string>& kpis,
                        const std::vector<std::string>& columns, const Zone& zone);

// Figures that the window itself doesn't know; NaN: unknown.
struct Surroundings {
  double model_age_days = 0;
  std::map<std::string, double> reference;  // KPI → at the gate
  std::map<std::string, double> baseline;   // KPI → of the best rule on the same rows
};
std::map<std::string, double> alert_values(const WindowReport& report,
                                           const Surroundings& surroundings);

struct CompiledAlert {
  AlertRule rule;
  expr::Expression condition;
};
// Every condition that doesn't compile, or is no condition, becomes a finding.
std::vector<CompiledAlert> compile_alerts(const std::vector<AlertRule>& rules,
                                          const expr::Scope& scope, std::vector<Finding>& findings);

// Whether the condition holds; nullopt: unknown.
Result<std::optional<bool>> holds(const CompiledAlert& alert,
                                  const std::map<std::string, double>& values);

enum class AlertChange : std::uint8_t { None, Fired, Cleared };
// The state after one more window. A window that isn't newer than the last one changes nothing.
AlertChange advance(const AlertRule& rule, AlertRecord& state, std::optional<bool> holds,
                    Timestamp window_end);

}  // namespace martlet::monitoring

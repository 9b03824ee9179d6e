#include "cli/simulation_view.h"

#include "cli/run_view.h"

#include <fmt/format.h>

#include <cmath>

namespace martlet::cli {

namespace {

std::vector<PeriodSum> sums(const lifecycle::SimulateReport& report, const Zone& zone,
                            const std::function<std::string(const CivilDate&)>& period_of) {
  std::vector<PeriodSum> periods;
  for (const lifecycle::SimulatedWindow& window : report.windows) {
    const std::string period = period_of(zone.local(window.begin).date);
    if (periods.empty() || periods.back().period != period)
      periods.push_back({period, 0, 0, 0, 0, {}});
    PeriodSum& sum = periods.back();
    const auto add = [](double& to, double value) { to += std::isnan(value) ? 0 : value; };
    sum.rows += window.rows;
    add(sum.live, window.live);
    add(sum.frozen, window.frozen);
    add(sum.rule, window.rule);
    for (const auto& [name, value] : window.rules) add(sum.rules[name], value);
  }
  return periods;
}

std::string share_text(double live, double frozen) {
  return frozen > 0 ? fmt::format("{:+.1f} %", 100 * (live - frozen) / frozen) : "-";
}

}  // namespace

void watch_simulation(Session& session, lifecycle::SimulateRequest& request) {
  watch(session, request.ingest);
  request.on_event = [&session](const lifecycle::LoopEvent& event) {
    session.console.note(
        fmt::format("{} {} {}: {}", to_text(event.at), event.kind, event.model, event.why));
  };
}

std::vector<PeriodSum> sums_by_quarter(const lifecycle::SimulateReport& report, const Zone& zone) {
  return sums(report, zone, [](const CivilDate& date) {
    return fmt::format("{} Q{}", date.year, (date.month - 1) / 3 + 1);
  });
}

void show_simulation(Session& session, const lifecycle::Project& project,
                     const lifecycle::SimulateReport& report, SimulationDetail detail) {
  Console& console = session.console;
  console.end_steps();
  console.print_json(report.to_json());
  if (console.json) return;
  const Zone& zone = project.problem.zone;
  std::vector<PeriodSum> periods;
  if (detail == SimulationDetail::Windows || !report.sums) {
    for (const lifecycle::SimulatedWindow& window : report.windows) {
      periods.push_back({to_text(window.begin), window.rows, window.live, window.frozen,
                         window.rule, window.rules});
    }
  } else {
    periods = sums(report, zone, [](const CivilDate& date) {
      return fmt::format("{}-{:02}", date.year, date.month);
    });
  }
  const auto figure = [&](double value) {
    return report.sums ? fmt::format("{:.0f}", value) : number_text(value);
  };
  std::vector<std::vector<std::string>> rows;
  for (const PeriodSum& sum : periods) {
    rows.push_back({sum.period, std::to_string(sum.rows), figure(sum.live), figure(sum.frozen),
                    figure(sum.rule), share_text(sum.live, sum.frozen)});
  }
  rows.push_back({"total", "", figure(report.live), figure(report.frozen),
                  figure(report.rule_total), share_text(report.live, report.frozen)});
  console.table({detail == SimulationDetail::Windows ? "from" : "month", "rows", "live", "frozen",
                 "rule", "live over frozen"},
                rows);
  console.print(fmt::format("{} in {}; frozen: the model of the beginning; rule: {}; {} trainings",
                            report.kpi, report.unit.empty() ? "its unit" : report.unit, report.rule,
                            report.trainings));
}

}  // namespace martlet::cli

#include "features/leakage.h"
#include "lifecycle/steps.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::lifecycle {

Result<Json> leakage_step(Workshop& workshop, const workflow::StepContext& context) {
  MARTLET_TRY_SET(const Digest version, digest_input(context, "dataset"));
  MARTLET_TRY_SET(const std::shared_ptr<const Frame> frame, workshop.frame(version));
  MARTLET_TRY_SET(const std::shared_ptr<const problem::Problem> problem, workshop.problem(version));
  const problem::Contract& contract = problem->contract();
  features::LeakageRequest request;
  request.rows = frame->rows;
  request.target = frame->actual;
  request.task = problem->task() == problem::Task::Binary ? features::Task::Binary
                                                          : features::Task::Regression;
  if (!frame->decided.empty()) {
    MARTLET_TRY_SET(request.decided_at, problem->decided_at(frame->rows));
    request.time = contract.time;
  }
  request.zone = contract.zone;
  request.ignore = contract.key;
  request.ignore.push_back(contract.target);
  if (!contract.time.empty()) request.ignore.push_back(contract.time);
  for (const features::ColumnConfig& column : workshop.project().features.columns) {
    if (!column.known_at.empty()) request.known_at[column.name] = column.known_at;
  }
  MARTLET_TRY_SET(const features::LeakageReport report, features::find_leakage(request));

  const std::vector<std::string>& dropped = workshop.project().features.drop;
  Json leaks = Json::array();
  Json powers = Json::array();
  for (const features::Leak& leak : report.leaks) {
    const bool harmless = std::find(dropped.begin(), dropped.end(), leak.column) != dropped.end();
    leaks.push_back(Json{{"column", leak.column},
                         {"kind", std::string(features::name_of(leak.kind))},
                         {"figure", number_or_null(leak.figure)},
                         {"why", leak.why},
                         {"dropped", harmless}});
    context.log(fmt::format("{} leaks by {}: {}{}", leak.column, features::name_of(leak.kind),
                            leak.why, harmless ? " (dropped)" : ""));
  }
  for (const features::ColumnPower& power : report.powers) {
    powers.push_back(Json{{"column", power.column}, {"figure", number_or_null(power.figure)}});
  }
  return Json{{"leaks", std::move(leaks)}, {"powers", std::move(powers)}};
}

}  // namespace martlet::lifecycle

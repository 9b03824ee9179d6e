// cli/simulation_view.h: a simulation shown to people; shared by simulate and demo.
#pragma once
#include "cli/session.h"
#include "lifecycle/simulate.h"

namespace martlet::cli {

enum class SimulationDetail : std::uint8_t { Months, Windows };

// Events on stderr as they happen.
void watch_simulation(Session& session, lifecycle::SimulateRequest& request);
void show_simulation(Session& session, const lifecycle::Project& project,
                     const lifecycle::SimulateReport& report, SimulationDetail detail);

// The windows of each local calendar quarter, added up (value KPIs only): "2013 Q2" → live, frozen,
// rule.
struct PeriodSum {
  std::string period;
  std::int64_t rows = 0;
  double live = 0, frozen = 0, rule = 0;
  std::map<std::string, double> rules;
};
std::vector<PeriodSum> sums_by_quarter(const lifecycle::SimulateReport& report, const Zone& zone);

}  // namespace martlet::cli

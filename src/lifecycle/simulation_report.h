// lifecycle/simulation_report.h: the report of a simulation: what the loop earned over time beside
// the frozen model and the rules, and why it did what it did. Pure.
#pragma once
#include "lifecycle/project.h"
#include "lifecycle/simulate.h"
#include "report/document.h"

namespace martlet::lifecycle {

report::Document report_of_simulation(const Project& project, const SimulateReport& simulation);

}  // namespace martlet::lifecycle

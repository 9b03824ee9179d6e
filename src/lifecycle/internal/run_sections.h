// lifecycle/internal/run_sections.h: the parts of a run's report. Each is left out (no blocks) when
// the run recorded nothing for it.
#pragma once
#include "lifecycle/dossier.h"
#include "report/document.h"
#include "report/plots.h"

namespace martlet::lifecycle::internal {

// Colours mean the same in all plots.
inline constexpr std::size_t kModelColour = 0;
inline constexpr std::size_t kRuleColour = 1;
inline constexpr std::size_t kOtherColour = 2;  // the champion, the frozen model

// run_report_result.cc
report::Section result_section(const Dossier& dossier);
report::Section contract_section(const Dossier& dossier);
report::Section kpi_section(const Dossier& dossier);
report::Section gate_section(const Dossier& dossier);
// run_report_model.cc
report::Section answers_section(const Dossier& dossier);
report::Section feature_section(const Dossier& dossier);
report::Section slice_section(const Dossier& dossier);
report::Section fairness_section(const Dossier& dossier);
// run_report_data.cc
report::Section drift_section(const Dossier& dossier);
report::Section leakage_section(const Dossier& dossier);
report::Section data_section(const Dossier& dossier);
// run_report_trace.cc
report::Section lineage_section(const Dossier& dossier);
report::Section step_section(const Dossier& dossier);
report::Section reproduction_section(const Dossier& dossier);

// The ROC, precision–recall, calibration, score and threshold plots of one run's diagnostics, or
// those of several runs over each other.
struct DrawnRun {
  std::string name;  // "" when it is the only one
  const Json& diagnostics;
};
std::vector<report::Plot> answer_plots(const std::vector<DrawnRun>& runs, const std::string& kpi,
                                       const std::string& unit);

// "0.85 [0.83, 0.87]"
std::string with_interval(double value, double low, double high);
// The primary KPI's entry of the recorded ones: the first with a value expression, else the first.
// Null when there is none.
const Json& primary_kpi(const Dossier& dossier);
// "2026-11-26T12:27:50Z": what people want to know of a moment.
std::string second_text(Timestamp at);
// A value's name with its unit: "saving (USD per row)".
std::string with_unit(const std::string& name, const std::string& unit);

}  // namespace martlet::lifecycle::internal

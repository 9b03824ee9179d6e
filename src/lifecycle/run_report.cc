#include "lifecycle/run_report.h"

#include "lifecycle/internal/run_sections.h"

#include <fmt/format.h>

namespace martlet::lifecycle {

namespace {

using report::Tone;

Tone tone_of(workflow::RunStatus status) {
  switch (status) {
    case workflow::RunStatus::Succeeded: return Tone::Good;
    case workflow::RunStatus::Failed: return Tone::Bad;
    case workflow::RunStatus::Cancelled: return Tone::Unsure;
    case workflow::RunStatus::Running: break;
  }
  return Tone::Plain;
}

std::vector<report::Cell> badges_of(const Dossier& dossier) {
  const workflow::RunStatus status = dossier.run().run_status();
  std::vector<report::Cell> badges{
      report::badge_cell("run " + std::string(workflow::name_of(status)), tone_of(status))};
  const std::string& verdict = dossier.report.verdict;
  if (verdict == "required")
    badges.push_back(report::badge_cell("machine learning is required", Tone::Good));
  if (verdict == "not_required")
    badges.push_back(report::badge_cell("machine learning is not required", Tone::Bad));
  if (verdict == "undecided")
    badges.push_back(
        report::badge_cell("undecided whether machine learning is required", Tone::Unsure));
  if (const Json& evaluated = dossier.outputs("evaluate"); !evaluated.empty()) {
    badges.push_back(dossier.report.gates_passed
                         ? report::badge_cell("every gate lets it pass", Tone::Good)
                         : report::badge_cell("not every gate lets it pass", Tone::Bad));
  }
  if (const Json& model = dossier.outputs("register"); !model.empty()) {
    const std::string live = text_or(model, "live");
    badges.push_back(
        report::badge_cell(fmt::format("{}/{} {}", text_or(model, "name"),
                                       report::json_cell(member_or_null(model, "version")).text,
                                       live.empty() ? "is not live" : "went live in " + live),
                           live.empty() ? Tone::Unsure : Tone::Good));
  }
  return badges;
}

}  // namespace

report::Document report_of_run(const Dossier& dossier) {
  report::Document document;
  const std::string project = text_or(dossier.run().parameters, "project", "a run");
  document.title = project;
  document.subtitle = dossier.project.has_value() && !dossier.project->problem.question.empty()
                          ? dossier.project->problem.question
                          : "run " + dossier.run().id.text();
  document.badges = badges_of(dossier);
  for (const auto& section :
       {internal::result_section, internal::contract_section, internal::kpi_section,
        internal::gate_section, internal::answers_section, internal::feature_section,
        internal::slice_section, internal::fairness_section, internal::drift_section,
        internal::leakage_section, internal::data_section, internal::lineage_section,
        internal::step_section, internal::reproduction_section}) {
    report::Section made = section(dossier);
    if (!made.blocks.empty()) document.sections.push_back(std::move(made));
  }
  document.footer =
      fmt::format("Run {} of {}, begun {}. Made by martlet from what the run recorded.",
                  dossier.run().id.text(), project, internal::second_text(dossier.run().created));
  return document;
}

}  // namespace martlet::lifecycle

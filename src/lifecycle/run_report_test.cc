#include "lifecycle/run_report.h"
#include "report/html.h"
#include "report/markdown.h"

#include <gtest/gtest.h>

namespace martlet::lifecycle {
namespace {

using workflow::StepStatus;

workflow::StepRecord step(const std::string& name, StepStatus status, Json outputs,
                          const std::string& error = "") {
  workflow::StepRecord record;
  record.name = name;
  record.component = "martlet/" + name.substr(0, name.find(':'));
  record.status = static_cast<std::int64_t>(status);
  record.outputs = std::move(outputs);
  record.error = error;
  return record;
}

Dossier dossier_of(workflow::RunStatus status, std::vector<workflow::StepRecord> steps) {
  Dossier dossier;
  dossier.report.outcome.run.id = RunId("0190");
  dossier.report.outcome.run.status = static_cast<std::int64_t>(status);
  dossier.report.outcome.run.parameters = Json{{"project", "shop"}};
  dossier.report.outcome.steps = std::move(steps);
  return dossier;
}

bool has_section(const report::Document& document, const std::string& title) {
  for (const report::Section& section : document.sections) {
    if (section.title == title) return true;
  }
  return false;
}

TEST(RunReport, a_run_that_has_just_begun_has_a_report) {
  const report::Document document = report_of_run(
      dossier_of(workflow::RunStatus::Running, {step("ingest:a", StepStatus::Running, nullptr)}));
  EXPECT_EQ(document.title, "shop");
  EXPECT_TRUE(has_section(document, "Steps"));
  EXPECT_FALSE(has_section(document, "Gates"));
  EXPECT_NE(report::to_markdown(document).find("hasn't ended"), std::string::npos);
}

TEST(RunReport, a_failed_step_is_told_first_with_its_error) {
  const report::Document document = report_of_run(
      dossier_of(workflow::RunStatus::Failed,
                 {step("ingest:a", StepStatus::Failed, nullptr, "no such file: a.csv"),
                  step("split", StepStatus::Skipped, nullptr)}));
  ASSERT_EQ(document.sections.front().title, "Result");
  const auto* note = std::get_if<report::Note>(&document.sections.front().blocks.front());
  ASSERT_NE(note, nullptr);
  EXPECT_EQ(note->tone, report::Tone::Bad);
  EXPECT_EQ(note->text, "The step ingest:a failed: no such file: a.csv");
}

// What an older or newer program may have left: members that are missing, null, or of another type.
TEST(RunReport, outputs_of_any_shape_make_a_report) {
  const std::vector<Json> shapes{
      Json::object(),
      Json{{"kpis", nullptr}, {"gates", nullptr}, {"metrics", nullptr}, {"verdict", nullptr}},
      Json{
          {"kpis", Json::array({Json::object(), Json{{"name", 7}, {"value", "x"}}})},
          {"gates", Json::array({Json{{"passed", "yes"}}})},
          {"metrics", Json{{"auc", nullptr}, {"f1", Json{{"value", nullptr}}}}},
          {"verdict", Json{{"verdict", 3}}},
          {"slices", Json::array({Json::object()})},
          {"fairness", Json{{"a", nullptr}, {"b", Json{{"groups", Json{{"x", Json::object()}}}}}}}},
      Json{{"ledger", Json::array({Json::object(), Json{{"step", nullptr}}})},
           {"expectations", Json::array({nullptr, 1})},
           {"quarantine_reasons", Json::array({nullptr})},
           {"leaks", Json::array({nullptr})},
           {"powers", 3},
           {"importance", Json::array({nullptr})},
           {"left_out", nullptr},
           {"info", 4}}};
  for (const Json& shape : shapes) {
    std::vector<workflow::StepRecord> steps;
    for (const char* name : {"ingest:a", "leakage", "split", "baselines", "train:lightgbm",
                             "select", "evaluate", "package", "register"})
      steps.push_back(step(name, StepStatus::Succeeded, shape));
    Dossier dossier = dossier_of(workflow::RunStatus::Succeeded, std::move(steps));
    dossier.profiles["a"] = shape;
    dossier.diagnostics = Json{{"roc", Json::array({shape})},
                               {"calibration", Json::array({Json::object()})},
                               {"scores", Json::object()},
                               {"threshold", Json{{"points", Json::array({Json::array({1})})}}},
                               {"predicted", Json::array({Json::object()})},
                               {"residuals", Json::object()},
                               {"drift", Json{{"columns", Json::array({Json::object()})}}}};
    const report::Document document = report_of_run(dossier);
    EXPECT_FALSE(report::to_html(document).empty());
    EXPECT_FALSE(report::to_markdown(document).empty());
  }
}

}  // namespace
}  // namespace martlet::lifecycle

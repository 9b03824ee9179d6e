#include "lifecycle/compile.h"
#include "lifecycle/fitting.h"
#include "lifecycle/process_identity.h"
#include "lifecycle/project.h"
#include "workflow/pipeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace martlet::lifecycle {
namespace {

constexpr const char* kSmall = R"(version: 1
project: small
problem:
  target: late
  time: at
  zone: America/New_York
data:
  sources:
    rows: {files: rows.csv}
    weather: {files: weather.csv}
features:
  lookups:
    then: {dataset: weather, key: origin, at: at, features: [wind]}
models:
  candidates: [logistic, lightgbm]
)";

// Appended, since GCC 12 warns wrongly of a sum of texts.
std::string with(const char* more) {
  std::string text = kSmall;
  text.append(more);
  return text;
}

TEST(Project, a_small_file_gets_every_default) {
  const Project project = parse_project(kSmall, "martlet.yaml", ".").value();
  EXPECT_EQ(project.main_dataset().name, "rows");
  EXPECT_EQ(project.models.candidates.size(), 2u);
  EXPECT_EQ(project.monitoring.windows.size(), 1u);
  EXPECT_FALSE(project.monitoring.retrain.has_value());
  EXPECT_TRUE(project.warnings.empty());
}

TEST(Project, all_problems_of_all_sections_are_reported_at_once) {
  const std::string text =
      with("modles: {}\ndeployment: {staging: {}}\nmonitoring: {truth: {source: "
           "rowz}}\nsplit: {by: tme}\n");
  const auto project = parse_project(text, "martlet.yaml", ".");
  ASSERT_FALSE(project.has_value());
  std::set<std::string> rules;
  for (const Finding& finding : project.error().findings()) rules.insert(finding.rule);
  EXPECT_TRUE(rules.contains("unknown_key"));
  EXPECT_TRUE(rules.contains("not_supported"));
  EXPECT_TRUE(rules.contains("unknown_dataset"));
  EXPECT_TRUE(rules.contains("unknown_value"));
  EXPECT_NE(project.error().message().find("did you mean \"models\""), std::string::npos);
  EXPECT_NE(project.error().message().find("martlet.yaml:16:"), std::string::npos)
      << project.error().message();
}

// The findings of a file whose only KPI is this one, of rows with the key größe and without id.
std::vector<Finding> findings_of_kpi(const std::string& value) {
  std::string text = with("monitoring: {windows: [1d]}\n");
  const std::string target = "  target: late\n";
  text.replace(text.find(target), target.size(),
               target +
                   "  key: [größe, id]\n  kpis:\n    - name: saved\n      unit: EUR\n"
                   "      goal: \"> 0\"\n      value: " +
                   value + "\n");
  const auto project = parse_project(text, "martlet.yaml", ".");
  return project.has_value() ? std::vector<Finding>() : project.error().findings();
}

TEST(Project, a_kpi_that_can_not_be_monitored_is_found_behind_characters_of_several_bytes) {
  for (const char* value : {"id + 1", "length('größer 数据') + id", "'\"größe\" + 1'",
                            "length('é') + größe * 2", "|\n        length('é')\n          + id"}) {
    const std::vector<Finding> findings = findings_of_kpi(value);
    ASSERT_EQ(findings.size(), 1U) << value;
    EXPECT_EQ(findings[0].rule, "not_monitored") << value;
  }
}

TEST(Project, a_name_that_goes_on_is_another_one) {
  for (const char* value : {"length('é') + größenmaß", "identity + 1", "id_2 + 1", "größeß + 1",
                            "length('é, id') + 1"}) {
    EXPECT_TRUE(findings_of_kpi(value).empty()) << value;
  }
}

TEST(Project, a_time_without_a_zone_is_a_warning) {
  std::string text = kSmall;
  text.replace(text.find("  zone: America/New_York\n"), 25, "");
  const Project project = parse_project(text, "martlet.yaml", ".").value();
  ASSERT_EQ(project.warnings.size(), 1u);
  EXPECT_EQ(project.warnings[0].path, "problem.zone");
}

TEST(Compile, the_pipeline_is_sound_and_names_every_candidate_and_dataset) {
  const Project project = parse_project(kSmall, "martlet.yaml", ".").value();
  const workflow::Pipeline pipeline = sketch_lifecycle(project, {});
  EXPECT_TRUE(workflow::check(pipeline).empty());
  std::set<std::string> names;
  for (const workflow::Step& step : pipeline.steps) names.insert(step.name);
  for (const char* name : {"ingest:rows", "ingest:weather", "train:logistic", "train:lightgbm",
                           "select", "evaluate", "package", "register"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(Compile, a_changed_section_changes_only_the_steps_that_read_it) {
  const Project before = parse_project(kSmall, "martlet.yaml", ".").value();
  const Project after =
      parse_project(with("evaluation: {slices: [origin]}\n"), "martlet.yaml", ".").value();
  const workflow::Pipeline first = sketch_lifecycle(before, {});
  const workflow::Pipeline second = sketch_lifecycle(after, {});
  ASSERT_EQ(first.steps.size(), second.steps.size());
  for (std::size_t i = 0; i < first.steps.size(); ++i) {
    EXPECT_EQ(first.steps[i].parameters == second.steps[i].parameters,
              first.steps[i].name != "evaluate")
        << first.steps[i].name;
  }
}

TEST(Fitting, dividing_rows_is_seeded_and_loses_none) {
  std::vector<std::uint32_t> rows(1000);
  for (std::uint32_t i = 0; i < rows.size(); ++i) rows[i] = i;
  const Halves halves = divide(rows, 0.2, 7);
  EXPECT_EQ(halves.training.size() + halves.validation.size(), rows.size());
  EXPECT_NEAR(static_cast<double>(halves.validation.size()), 200, 40);
  EXPECT_EQ(divide(rows, 0.2, 7).validation, halves.validation);
  EXPECT_NE(divide(rows, 0.2, 8).validation, halves.validation);
  EXPECT_TRUE(std::is_sorted(halves.training.begin(), halves.training.end()));
}

TEST(ProcessIdentity, this_process_lives_and_one_that_began_at_another_time_does_not) {
  const std::string self = this_process();
  EXPECT_TRUE(is_alive(self));
  EXPECT_FALSE(is_alive(self + "0"));
  EXPECT_FALSE(is_alive("rubbish"));
  EXPECT_TRUE(is_alive("another-host:boot:1:1"));
}

}  // namespace
}  // namespace martlet::lifecycle

#include "lifecycle/comparison.h"
#include "lifecycle/simulation_report.h"
#include "report/html.h"
#include "report/markdown.h"

#include <gtest/gtest.h>

#include <cmath>

namespace martlet::lifecycle {
namespace {

constexpr std::int64_t kDay = kMicrosPerDay;

Project project() {
  return parse_project(R"(version: 1
project: shop
problem: {question: "Is it good?", target: good, time: at, key: [id], kpis: [{name: gain, value: "case when predicted then 1 else 0 end", unit: EUR}]}
data: {sources: {orders: {files: orders.csv}}, datasets: {orders: {sql: select * from orders}}}
)",
                       "martlet.yaml", "")
      .value();
}

SimulateReport two_windows() {
  SimulateReport report;
  report.kpi = "gain";
  report.unit = "EUR";
  report.rule = "always";
  report.windows = {{{0}, {kDay}, 10, 9, 5, 4, 3, {}},
                    {{kDay}, {2 * kDay}, 12, 12, 7, std::nan(""), 3, {}}};
  report.events = {{{kDay}, "promoted", "alert gain-falls: +1 [0.5, 1.5]", "shop/2"}};
  report.live = 12;
  report.frozen = 4;
  report.rule_total = 6;
  report.trainings = 1;
  return report;
}

const report::Plot* find_plot(const report::Document& document, const std::string& title) {
  for (const report::Section& section : document.sections) {
    for (const report::Block& block : section.blocks) {
      const auto* plots = std::get_if<report::Plots>(&block);
      if (plots == nullptr) continue;
      for (const report::Plot& plot : plots->plots) {
        if (plot.title == title) return &plot;
      }
    }
  }
  return nullptr;
}

TEST(SimulationReport, sums_windows_and_counts_unknown_ones_as_nothing) {
  const report::Document document = report_of_simulation(project(), two_windows());
  const report::Plot* sums = find_plot(document, "Value so far");
  ASSERT_NE(sums, nullptr);
  // Three voices of two windows each: the loop, the frozen model, the rule.
  ASSERT_EQ(sums->table.rows.size(), 6U);
  EXPECT_EQ(sums->table.rows[1][2].text, "12");
  EXPECT_EQ(sums->table.rows[3][2].text, "4");
  EXPECT_EQ(sums->table.rows[5][2].text, "6");
  const std::string text = report::to_markdown(document);
  EXPECT_NE(text.find("promoted"), std::string::npos);
  EXPECT_NE(text.find("+200.0 % over it"), std::string::npos);
}

TEST(SimulationReport, a_metric_is_not_summed) {
  SimulateReport simulation = two_windows();
  simulation.sums = false;
  const report::Document document = report_of_simulation(project(), simulation);
  EXPECT_EQ(find_plot(document, "Value so far"), nullptr);
  EXPECT_NE(find_plot(document, "Value per window"), nullptr);
}

TEST(SimulationReport, nothing_replayed_is_a_report_all_the_same) {
  EXPECT_FALSE(report::to_html(report_of_simulation(project(), SimulateReport())).empty());
}

Comparison two_runs() {
  Comparison comparison;
  comparison.first.id = RunId("1");
  comparison.second.id = RunId("2");
  comparison.lines = {{"metric", "kpi.gain", 1.5, 2.0, 0.5, false},
                      {"param", "seed", "7", "7", std::nullopt, true},
                      {"input", "training: orders", "sha256:a", nullptr, std::nullopt, false}};
  return comparison;
}

TEST(Comparison, tells_differences_in_json_and_in_words) {
  const Json json = to_json(two_runs());
  EXPECT_EQ(json["differences"][0]["difference"], 0.5);
  EXPECT_TRUE(json["differences"][1]["difference"].is_null());
  EXPECT_TRUE(json["differences"][2]["second"].is_null());
  const std::string text = report::to_markdown(report_of(two_runs()));
  EXPECT_NE(text.find(R"(| kpi.gain | 1.5 | 2 | \+0.5 |)"), std::string::npos) << text;
  EXPECT_EQ(text.find("alike"), std::string::npos);
}

TEST(Comparison, runs_that_differ_in_nothing_are_alike) {
  Comparison comparison = two_runs();
  comparison.lines = {{"param", "seed", "7", "7", std::nullopt, true}};
  EXPECT_NE(report::to_markdown(report_of(comparison)).find("The runs are alike"),
            std::string::npos);
}

}  // namespace
}  // namespace martlet::lifecycle

#include "problem/contract.h"
#include "problem/memo.h"
#include "problem/problem.h"

#include <gtest/gtest.h>

namespace martlet::problem {
namespace {

constexpr std::string_view kFlights = R"(question: Will this departure be more than 30 minutes late?
decision: The gate is kept free.
owner: ops
task: binary
target: late
time: scheduled_at
zone: America/New_York
decided_at: "scheduled_at - interval 1 hour"
key: [flight_id]
baselines:
  - {name: evening flights, rule: "hour(scheduled_at) >= 17"}
  - {name: carrier average, group_mean: [carrier]}
kpis:
  - {name: pr_auc, metric: average_precision, goal: ">= 0.45"}
  - name: saving
    value: "case when predicted and actual then 900 when predicted then -250 else 0 end"
    unit: USD
    goal: ">= baseline + 3"
    confidence: 0.95
)";

struct Read {
  Contract contract;
  std::vector<Finding> findings;
  bool has(std::string_view rule, std::string_view part) const {
    for (const Finding& finding : findings) {
      if (finding.rule == rule &&
          (finding.path + " " + finding.message).find(part) != std::string::npos)
        return true;
    }
    return false;
  }
};

Read read(std::string_view text) {
  Read result;
  const Yaml node = Yaml::parse(text, "martlet.yaml").value();
  result.contract = read_contract(node, result.findings);
  return result;
}

columns::Schema flights() {
  return columns::Schema({{"flight_id", columns::Type::Int64},
                          {"scheduled_at", columns::Type::Timestamp},
                          {"carrier", columns::Type::Text},
                          {"late", columns::Type::Bool}});
}

TEST(Contract, the_flights_are_read_as_written) {
  const Read r = read(kFlights);
  ASSERT_TRUE(r.findings.empty()) << to_text(r.findings[0]);
  EXPECT_EQ(r.contract.task, Task::Binary);
  EXPECT_EQ(r.contract.zone.name(), "America/New_York");
  ASSERT_EQ(r.contract.baselines.size(), 2U);
  EXPECT_EQ(r.contract.baselines[1].group_mean, std::vector<std::string>{"carrier"});
  ASSERT_EQ(r.contract.kpis.size(), 2U);
  EXPECT_EQ(r.contract.kpis[0].metric, metrics::Metric::AveragePrecision);
  EXPECT_EQ(r.contract.kpis[1].unit, "USD");
  EXPECT_EQ(r.contract.kpis[1].confidence, 0.95);
  EXPECT_EQ(to_json(r.contract)["kpis"][1]["goal"], ">= baseline + 3");
}

TEST(Contract, a_target_is_enough) {
  const Read r = read("target: late\n");
  ASSERT_TRUE(r.findings.empty());
  EXPECT_EQ(kpis_of(r.contract, Task::Binary).at(0).name, "auc");
  EXPECT_EQ(kpis_of(r.contract, Task::Regression).at(0).name, "rmse");
  EXPECT_EQ(baselines_of(r.contract, Task::Binary).size(), 2U);
  EXPECT_EQ(baselines_of(r.contract, Task::Regression).at(0).name, "mean");
}

TEST(Contract, all_problems_are_found_at_once) {
  const Read r = read(R"(task: binery
zone: America/New_Yrok
decided_at: "scheduled_at -"
targt: late
baselines:
  - {name: a, rule: "hour(", group_mean: [b]}
  - {rule: "hour(x"}
kpis:
  - {name: k, metric: average_precison}
  - {name: "my kpi", value: "1 +", goal: "about 3", confidence: 1.0}
  - {name: both, metric: auc, value: "1"}
)");
  EXPECT_TRUE(r.has("unknown_name", "binary"));
  EXPECT_TRUE(r.has("unknown_name", "America/New_York"));
  EXPECT_TRUE(r.has("unknown_key", "targt"));
  EXPECT_TRUE(r.has("one_of", "either a rule or a group_mean"));
  EXPECT_TRUE(r.has("unknown_name", "average_precision"));
  EXPECT_TRUE(r.has("wrong_name", "my kpi"));
  EXPECT_TRUE(r.has("out_of_range", "confidence"));
  EXPECT_TRUE(r.has("one_of", "either a metric or a value"));
  EXPECT_TRUE(r.has("syntax", "decided_at"));
  EXPECT_TRUE(r.has("syntax", "kpis[1].goal"));
  EXPECT_GE(r.findings.size(), 12U);
  for (const Finding& finding : r.findings) EXPECT_GT(finding.line, 0) << finding.message;
}

TEST(Contract, tasks_of_later_versions_are_refused_clearly) {
  EXPECT_TRUE(read("target: t\ntask: forecast\n").has("not_supported", "not supported yet"));
}

TEST(Contract, a_metric_of_another_task_is_refused) {
  EXPECT_TRUE(read("target: t\ntask: regression\nkpis: [{name: k, metric: auc}]\n")
                  .has("wrong_metric", "auc"));
}

TEST(Contract, names_of_the_data_are_left_to_binding) {
  EXPECT_TRUE(
      read("target: t\nbaselines: [{name: b, rule: \"no_such_column > 3\"}]\n").findings.empty());
}

TEST(Contract, products_in_goals_are_warned_of) {
  const Read r = read("target: t\nkpis: [{name: k, metric: auc, goal: \">= baseline * 1.1\"}]\n");
  EXPECT_TRUE(r.findings.empty());
  EXPECT_EQ(warnings_of(r.contract).size(), 1U);
  EXPECT_TRUE(warnings_of(read(kFlights).contract).empty());
}

TEST(Problem, binds_the_flights_to_their_schema) {
  const auto problem = Problem::bind(read(kFlights).contract, Task::Binary, flights());
  ASSERT_TRUE(problem.has_value()) << problem.error().message();
  EXPECT_EQ(problem->primary().name(), "saving");
}

TEST(Problem, everything_that_does_not_fit_the_schema_is_found_at_once) {
  const columns::Schema schema(
      {{"scheduled_at", columns::Type::Text}, {"carrier", columns::Type::Text}});
  const auto problem = Problem::bind(read(kFlights).contract, Task::Binary, schema);
  ASSERT_FALSE(problem.has_value());
  const std::string message = problem.error().message();
  EXPECT_NE(message.find("late"), std::string::npos);
  EXPECT_NE(message.find("flight_id"), std::string::npos);
  EXPECT_NE(message.find("scheduled_at"), std::string::npos);
  EXPECT_GE(problem.error().findings().size(), 4U);
}

TEST(Problem, a_day_of_the_zone_is_one_block) {
  const Contract contract = read(kFlights).contract;
  const auto problem = Problem::bind(contract, Task::Binary, flights()).value();
  const auto at = [](std::string_view text) { return parse_timestamp_utc(text).value().micros; };
  // 03:59 and 04:00 UTC are two days in New York in July; the last is missing.
  const columns::Batch rows(
      columns::Schema({{"scheduled_at", columns::Type::Timestamp}}),
      {columns::Column::of_timestamps(
          {at("2013-07-02T03:59:00Z"), at("2013-07-02T04:00:00Z"), at("2013-07-02T23:00:00Z"), 0},
          {1, 1, 1, 0})});
  const auto blocks = problem.blocks_of(rows).value();
  EXPECT_EQ(blocks.count(), 3U);
  EXPECT_EQ(blocks.of_row()[1], blocks.of_row()[2]);
  EXPECT_NE(blocks.of_row()[0], blocks.of_row()[1]);
  const auto decided = problem.decided_at(rows).value();
  EXPECT_EQ(decided.int64s()[0], at("2013-07-02T02:59:00Z"));
}

TEST(Memo, tells_the_contract_and_the_verdict) {
  const Contract contract = read(kFlights).contract;
  Verdict verdict;
  verdict.kind = VerdictKind::NotRequired;
  verdict.best_baseline = "evening flights";
  verdict.gain = -1;
  verdict.low = -2;
  verdict.high = -0.5;
  verdict.kpi = "saving";
  const std::string text = memo(contract, verdict);
  for (const char* part : {"more than 30 minutes late", "America/New_York", "evening flights",
                           "goal >= baseline + 3", "not required"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
}

}  // namespace
}  // namespace martlet::problem

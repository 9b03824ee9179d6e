#include "base/random.h"
#include "evaluation/gates.h"

#include <gtest/gtest.h>

#include <cmath>

namespace martlet::evaluation {
namespace {

using columns::Column;
using columns::Type;
using problem::Outcomes;

// 400 flights over 40 days; a decision right with the given chance.
Outcomes flights(double right, std::uint64_t seed) {
  SeededRandom truth(1);
  SeededRandom skill(seed);
  Outcomes outcomes;
  std::vector<std::int64_t> day;
  std::vector<std::string> origin;
  for (int i = 0; i < 400; ++i) {
    outcomes.actual.push_back(truth.uniform() < 0.3 ? 1.0 : 0.0);
    outcomes.predicted.push_back(skill.uniform() < right ? outcomes.actual.back()
                                                         : 1.0 - outcomes.actual.back());
    outcomes.score.push_back(outcomes.predicted.back());
    day.push_back(i / 10);
    origin.emplace_back(i % 2 == 0 ? "JFK" : "LGA");
  }
  outcomes.rows = columns::Batch(
      columns::Schema({{"day", Type::Date}, {"origin", Type::Text}, {"late", Type::Bool}}),
      {Column::of_dates(day), Column::of_texts(origin), Column::missing(Type::Bool, 400)});
  return outcomes;
}

problem::Problem problem_of(const std::string& kpis) {
  std::vector<Finding> findings;
  const Yaml node =
      Yaml::parse("target: late\ntask: binary\ntime: day\nkpis:\n" + kpis, "martlet.yaml").value();
  const problem::Contract contract = problem::read_contract(node, findings);
  EXPECT_TRUE(findings.empty());
  return problem::Problem::bind(contract, problem::Task::Binary, flights(1, 1).rows.schema())
      .value();
}

const char* const kSaving = "  - {name: saving, value: \"case when predicted and actual then 900 "
                            "when predicted then -250 else 0 end\", unit: USD, "
                            "goal: \">= baseline + 3\", confidence: 0.95}\n";

EvaluationConfig config_of(const std::string& text) {
  std::vector<Finding> findings;
  const Yaml node = Yaml::parse(text, "martlet.yaml").value();
  const EvaluationConfig config = read_evaluation(node, findings);
  EXPECT_TRUE(findings.empty());
  return config;
}

struct Case {
  problem::Problem problem;
  EvaluationConfig config;
  Outcomes model, baseline;
  std::optional<Outcomes> champion;
  bool model_is_champion = false;
  std::string champion_is_mute{};

  Result<GateReport> check() const {
    const metrics::Blocks blocks = problem.blocks_of(model.rows).value();
    return check_gates({.problem = problem,
                        .config = config,
                        .model = model,
                        .baseline = baseline,
                        .baseline_name = "rule",
                        .champion = champion ? &*champion : nullptr,
                        .model_is_champion = model_is_champion,
                        .champion_is_mute = champion_is_mute,
                        .blocks = blocks,
                        .bootstrap = {.resamples = 400}});
  }
};

const GateResult& gate(const GateReport& report, std::string_view name) {
  for (const GateResult& one : report.gates) {
    if (one.name == name) return one;
  }
  static const GateResult kNone{
      .name = "none", .passed = false, .why = "there is no such gate", .waived = ""};
  return kNone;
}

TEST(Gates, a_better_model_passes_its_goal_and_the_baseline) {
  const Case c{problem_of(kSaving), {}, flights(0.95, 5), flights(0.7, 6), {}};
  const GateReport report = c.check().value();
  EXPECT_TRUE(report.all_passed());
  EXPECT_EQ(gate(report, "kpi.saving").passed, true);
  EXPECT_EQ(gate(report, "better_than_baseline").passed, true);
  EXPECT_EQ(report.verdict.kind, problem::VerdictKind::Required);
  EXPECT_EQ(report.gates.size(), 2U);
  ASSERT_EQ(report.kpis.size(), 1U);
  const Json json = to_json(report.kpis[0]);
  for (const char* name : {"value", "low", "high", "baseline", "total"})
    EXPECT_TRUE(json[name].is_number()) << name;
  EXPECT_EQ(json["goal"], ">= baseline + 3");
  EXPECT_EQ(json["passed"], true);
}

TEST(Gates, a_gain_within_the_noise_is_not_passed) {
  const Case c{problem_of(kSaving), {}, flights(0.8, 5), flights(0.8, 6), {}};
  const GateReport report = c.check().value();
  EXPECT_FALSE(report.all_passed());
  EXPECT_EQ(gate(report, "better_than_baseline").passed, false);
}

TEST(Gates, without_confidence_the_point_estimate_decides) {
  const std::string goal = "  - {name: f1, metric: f1, goal: \">= 0.5\"}\n";
  const Case c{problem_of(goal), {}, flights(0.9, 5), flights(0.899, 5), {}};
  const GateReport report = c.check().value();
  EXPECT_EQ(gate(report, "kpi.f1").passed, true);
  EXPECT_TRUE(gate(report, "better_than_baseline").passed.has_value());
}

TEST(Gates, a_goal_against_a_champion_is_unknown_before_there_is_one) {
  const std::string goal = "  - {name: f1, metric: f1, goal: \">= champion\"}\n";
  Case c{problem_of(goal), {}, flights(0.9, 5), flights(0.6, 6), {}};
  const GateReport first = c.check().value();
  EXPECT_FALSE(gate(first, "kpi.f1").passed.has_value());
  EXPECT_TRUE(to_json(gate(first, "kpi.f1"))["passed"].is_null());
  EXPECT_NE(gate(first, "kpi.f1").why.find("no champion yet"), std::string::npos);
  EXPECT_FALSE(first.all_passed());
  c.champion = flights(0.7, 7);
  const GateReport second = c.check().value();
  EXPECT_EQ(gate(second, "kpi.f1").passed, true);
  EXPECT_EQ(gate(second, "better_than_champion").passed, true);
}

TEST(Gates, a_margin_lets_an_equal_model_follow_the_champion) {
  Case c{problem_of(kSaving), {}, flights(0.9, 5), flights(0.6, 6), flights(0.9, 5)};
  EXPECT_EQ(gate(c.check().value(), "better_than_champion").passed, false);
  c.config.champion_margin = 5;
  EXPECT_EQ(gate(c.check().value(), "better_than_champion").passed, true);
}

TEST(Gates, a_champion_that_cannot_answer_leaves_its_gate_unknown_until_it_is_waived) {
  Case c{problem_of(kSaving), {}, flights(0.9, 5), flights(0.6, 6), {}};
  c.champion_is_mute = "the champion needs a column that is gone";
  const GateReport report = c.check().value();
  EXPECT_FALSE(gate(report, "better_than_champion").passed.has_value());
  EXPECT_NE(gate(report, "better_than_champion").why.find("a column that is gone"),
            std::string::npos);
  EXPECT_FALSE(report.all_passed());
  c.config = config_of(
      "gates: [{waive: {gate: better_than_champion, reason: the source lost a column}}]\n");
  EXPECT_TRUE(c.check().value().all_passed());
}

TEST(Gates, the_champion_made_once_more_passes_as_the_champion) {
  Case c{problem_of(kSaving), {}, flights(0.9, 5), flights(0.6, 6), flights(0.9, 5)};
  c.model_is_champion = true;
  const GateReport report = c.check().value();
  EXPECT_EQ(gate(report, "better_than_champion").passed, true);
  EXPECT_NE(gate(report, "better_than_champion").why.find("it is the champion"), std::string::npos);
  EXPECT_TRUE(report.all_passed());
}

TEST(Gates, being_the_champion_excuses_no_other_gate) {
  Case c{problem_of(kSaving), {}, flights(0.6, 5), flights(0.9, 6), flights(0.6, 5)};
  c.model_is_champion = true;
  const GateReport report = c.check().value();
  EXPECT_EQ(gate(report, "better_than_champion").passed, true);
  EXPECT_EQ(gate(report, "better_than_baseline").passed, false);
  EXPECT_EQ(gate(report, "kpi.saving").passed, false);
}

TEST(Gates, a_goal_that_asks_to_beat_the_champion_is_not_asked_of_the_champion_itself) {
  Case c{problem_of("  - {name: f1, metric: f1, goal: \">= champion + 0.1\"}\n"),
         {},
         flights(0.9, 5),
         flights(0.6, 6),
         flights(0.9, 5)};
  EXPECT_EQ(gate(c.check().value(), "kpi.f1").passed, false);
  c.model_is_champion = true;
  EXPECT_EQ(gate(c.check().value(), "kpi.f1").passed, true);
}

TEST(Gates, fairness_limits_are_gates_per_column) {
  Case c{problem_of(kSaving),
         config_of("fairness: {groups: [origin], metrics: {demographic_parity_difference: \"<= "
                   "0.5\", equalized_odds_difference: \"<= 0.0001\"}}\n"),
         flights(0.95, 5),
         flights(0.7, 6),
         {}};
  c.model.actual[3] = std::nan("");
  const GateReport report = c.check().value();
  EXPECT_EQ(gate(report, "fairness.origin.demographic_parity_difference").passed, true);
  EXPECT_EQ(gate(report, "fairness.origin.equalized_odds_difference").passed, false);
}

TEST(Gates, a_waived_gate_keeps_its_result_and_its_reason) {
  const Case c{problem_of(kSaving),
               config_of("gates: [{waive: {gate: kpi.saving, reason: pilot}}, {waive: {gate: "
                         "better_than_baseline, reason: pilot}}]\n"),
               flights(0.6, 5),
               flights(0.9, 6),
               {}};
  const GateReport report = c.check().value();
  EXPECT_TRUE(report.all_passed());
  const Json json = to_json(gate(report, "kpi.saving"));
  EXPECT_EQ(json["passed"], false);
  EXPECT_EQ(json["waived"], "pilot");
}

TEST(Gates, a_waiver_of_a_gate_that_does_not_exist_is_refused) {
  const Case c{problem_of(kSaving),
               config_of("gates: [{waive: {gate: kpi.savings, reason: pilot}}]\n"),
               flights(0.9, 5),
               flights(0.6, 6),
               {}};
  const auto report = c.check();
  ASSERT_FALSE(report.has_value());
  EXPECT_NE(report.error().message().find("kpi.saving"), std::string::npos);
}

TEST(Gates, truth_that_has_not_come_leaves_everything_unknown) {
  Case c{problem_of(kSaving), {}, flights(0.9, 5), flights(0.6, 6), {}};
  std::fill(c.model.actual.begin(), c.model.actual.end(), std::nan(""));
  c.baseline.actual = c.model.actual;
  const GateReport report = c.check().value();
  for (const GateResult& one : report.gates) EXPECT_FALSE(one.passed.has_value()) << one.name;
  EXPECT_EQ(report.verdict.kind, problem::VerdictKind::Undecided);
}

}  // namespace
}  // namespace martlet::evaluation

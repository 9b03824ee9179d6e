#include "evaluation/config.h"

#include <gtest/gtest.h>

namespace martlet::evaluation {
namespace {

template <class Parse>
auto parse(std::string_view text, std::vector<Finding>& findings, Parse read) {
  const Yaml node = Yaml::parse(text, "martlet.yaml").value();
  return read(node, findings);
}

bool has(const std::vector<Finding>& findings, std::string_view rule, std::string_view part) {
  for (const Finding& finding : findings) {
    if (finding.rule == rule &&
        (finding.path + " " + finding.message).find(part) != std::string::npos)
      return true;
  }
  return false;
}

TEST(SplitConfig, is_read_as_written) {
  std::vector<Finding> findings;
  const SplitConfig config =
      parse("{by: time, train: 60%, validation: 0.2, test: 20%, seed: 9}", findings, read_split);
  EXPECT_TRUE(findings.empty());
  EXPECT_EQ(config.by, SplitKind::Time);
  EXPECT_DOUBLE_EQ(config.train, 0.6);
  EXPECT_EQ(config.seed, 9U);
}

TEST(SplitConfig, the_kind_follows_from_the_problem_when_it_is_left_out) {
  problem::Contract contract;
  EXPECT_EQ(split_kind({}, contract, problem::Task::Binary), SplitKind::Stratified);
  EXPECT_EQ(split_kind({}, contract, problem::Task::Regression), SplitKind::Random);
  contract.time = "at";
  EXPECT_EQ(split_kind({}, contract, problem::Task::Binary), SplitKind::Time);
}

TEST(SplitConfig, all_problems_are_found_at_once) {
  std::vector<Finding> findings;
  parse("{by: tiem, train: 70%, validation: 20%, test: 20%, sed: 1}", findings, read_split);
  EXPECT_TRUE(has(findings, "unknown_value", "time"));
  EXPECT_TRUE(has(findings, "out_of_range", "110%"));
  EXPECT_TRUE(has(findings, "unknown_key", "sed"));
  findings.clear();
  parse("{by: group}", findings, read_split);
  EXPECT_TRUE(has(findings, "missing", "column"));
  findings.clear();
  parse("{by: random, train: 100%}", findings, read_split);
  EXPECT_TRUE(has(findings, "missing", "all three"));
}

TEST(EvaluationConfig, the_designs_example_is_read) {
  std::vector<Finding> findings;
  const EvaluationConfig config = parse(R"(slices: [origin, carrier]
fairness: {groups: [origin], metrics: {demographic_parity_difference: "<= 0.1", equalized_odds_difference: "<= 0.1"}}
gates: [kpis, fairness, {better_than: champion}, {waive: {gate: kpi.pr_auc, reason: the saving counts}}]
)",
                                        findings, read_evaluation);
  ASSERT_TRUE(findings.empty()) << to_text(findings[0]);
  EXPECT_EQ(config.slices.size(), 2U);
  ASSERT_EQ(config.fairness->limits.size(), 2U);
  EXPECT_EQ(config.fairness->limits[1].metric, metrics::FairnessMetric::EqualizedOddsDifference);
  ASSERT_EQ(config.waivers.size(), 1U);
  EXPECT_EQ(config.waivers[0].reason, "the saving counts");
}

TEST(EvaluationConfig, what_is_not_there_yet_is_said_clearly) {
  std::vector<Finding> findings;
  parse("{slices: [{auto: 20}], stress: [{unseen_categories: true}], gates: [stress], "
        "cross_validation: {folds: 5}}",
        findings, read_evaluation);
  EXPECT_EQ(findings.size(), 4U);
  for (const Finding& finding : findings) EXPECT_EQ(finding.rule, "not_supported");
}

TEST(EvaluationConfig, all_problems_are_found_at_once) {
  std::vector<Finding> findings;
  parse(
      R"(fairness: {groups: [], metrics: {demografic_parity_difference: "<= 0.1", equalized_odds_ratio: "about right"}}
gates: [kpi, {better_than: champion, non_inferior: -1}, {waive: {gate: x}}, {}]
slyces: [a]
)",
      findings, read_evaluation);
  EXPECT_TRUE(has(findings, "missing", "groups"));
  EXPECT_TRUE(has(findings, "unknown_name", "demographic_parity_difference"));
  EXPECT_TRUE(has(findings, "syntax", "about right"));
  EXPECT_TRUE(has(findings, "unknown_value", "kpis"));
  EXPECT_TRUE(has(findings, "out_of_range", "margin"));
  EXPECT_TRUE(has(findings, "missing", "reason"));
  EXPECT_TRUE(has(findings, "missing", "better_than"));
  EXPECT_TRUE(has(findings, "unknown_key", "slices"));
}

}  // namespace
}  // namespace martlet::evaluation

#include "models/config.h"

#include <gtest/gtest.h>

namespace martlet::models {
namespace {

struct Read {
  ModelsConfig config;
  std::vector<Finding> findings;
};

Read read(std::string_view text) {
  auto yaml = Yaml::parse(text, "martlet.yaml");
  EXPECT_TRUE(yaml.has_value());
  Read result;
  result.config = parse_models(*yaml, result.findings);
  return result;
}

TEST(ModelsConfig, nothing_said_means_lightgbm) {
  std::vector<Finding> findings;
  const ModelsConfig config = parse_models(Yaml(), findings);
  EXPECT_TRUE(findings.empty());
  ASSERT_EQ(config.candidates.size(), 1u);
  EXPECT_EQ(config.candidates[0].trainer, "lightgbm");
  EXPECT_EQ(config.seed, 0u);
}

TEST(ModelsConfig, candidates_come_with_or_without_parameters) {
  const Read r = read("candidates: [logistic, {lightgbm: {num_leaves: 31, learning_rate: 0.05, "
                      "extra_trees: true, objective: binary}}]\nseed: 7\n");
  EXPECT_TRUE(r.findings.empty()) << r.findings[0].message;
  ASSERT_EQ(r.config.candidates.size(), 2u);
  EXPECT_EQ(r.config.candidates[0].parameters, Json::object());
  EXPECT_EQ(r.config.candidates[1].parameters, (Json{{"num_leaves", 31},
                                                     {"learning_rate", 0.05},
                                                     {"extra_trees", true},
                                                     {"objective", "binary"}}));
  EXPECT_EQ(r.config.seed, 7u);
}

TEST(ModelsConfig, all_problems_are_reported_at_once_with_their_place) {
  const Read r = read("candidates:\n  - ligthgbm\n  - xgboost\n  - {lightgbm: {num_leafs: 3, "
                      "rounds: 0, bagging_freq: often}}\n"
                      "  - {command: python train.py}\n  - [1]\nsearch: {trials: 3}\nsede: 1\n");
  std::vector<std::string> rules;
  for (const Finding& finding : r.findings) rules.push_back(finding.rule);
  EXPECT_EQ(rules, (std::vector<std::string>{"unknown_trainer", "not_supported", "unknown_key",
                                             "wrong_value", "wrong_value", "not_supported",
                                             "wrong_type", "not_supported", "unknown_key"}));
  EXPECT_NE(r.findings[0].message.find("did you mean \"lightgbm\""), std::string::npos);
  EXPECT_EQ(r.findings[0].line, 2);
  EXPECT_NE(r.findings[2].message.find("did you mean \"num_leaves\""), std::string::npos);
  EXPECT_EQ(r.findings[2].line, 4);
}

}  // namespace
}  // namespace martlet::models

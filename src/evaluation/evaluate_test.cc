#include "evaluation/evaluate.h"

#include <gtest/gtest.h>

#include <cmath>

namespace martlet::evaluation {
namespace {

using columns::Batch;
using columns::Column;
using columns::Schema;
using columns::Type;

// The sixty rows of metrics/classification_test.cc; expected values: scikit-learn 1.9.1 and
// Fairlearn 0.15.0.
Batch sixty() {
  std::vector<std::string> target;
  std::vector<double> score;
  std::vector<std::string> group;
  for (int i = 0; i < 60; ++i) {
    const bool positive = (i * i * 7 + i * 3) % 11 < 4;
    target.emplace_back(positive ? "UP" : "DOWN");
    score.push_back(std::round(((i * 37 % 23) / 22.0 * 0.8 + (positive ? 0.1 : 0.0)) * 1000) /
                    1000);
    group.push_back(std::string(1, static_cast<char>('a' + i * 5 % 3)));
  }
  return Batch(Schema({{"class", Type::Text}, {"score", Type::Double}, {"group", Type::Text}}),
               {Column::of_texts(target), Column::of_doubles(score), Column::of_texts(group)});
}

EvaluateOptions by_score() {
  EvaluateOptions options;
  options.target = "class";
  options.score = "score";
  return options;
}

TEST(Evaluate, scores_against_a_text_target_equal_scikit_learn) {
  const Evaluation e = evaluate(sixty(), by_score()).value();
  EXPECT_EQ(e.positive, "UP");
  EXPECT_EQ(e.rows, 60);
  EXPECT_NEAR(e.metric("auc"), 0.5622895622895623, 1e-12);
  EXPECT_NEAR(e.metric("average_precision"), 0.6638847168202926, 1e-12);
  EXPECT_NEAR(e.metric("log_loss"), 0.7837495422413717, 1e-12);
  EXPECT_NEAR(e.metric("brier"), 0.2852294999999999, 1e-12);
  EXPECT_NEAR(e.metric("f1"), 0.5245901639344263, 1e-12);
}

TEST(Evaluate, groups_equal_fairlearn_and_carry_their_sizes) {
  EvaluateOptions options = by_score();
  options.groups = {"group"};
  const Json json = to_json(evaluate(sixty(), options).value());
  const Json& fairness = json["fairness"]["group"];
  EXPECT_NEAR(fairness["demographic_parity_difference"].get<double>(), 0.15, 1e-12);
  EXPECT_NEAR(fairness["equalized_odds_difference"].get<double>(), 0.3333333333333333, 1e-12);
  EXPECT_EQ(fairness["groups"].size(), 3U);
  EXPECT_EQ(fairness["groups"]["a"]["n"], 20);
  for (const char* name :
       {"base_rate", "selection_rate", "tpr", "fpr", "precision", "accuracy", "auc"}) {
    EXPECT_TRUE(fairness["groups"]["a"][name].is_number()) << name;
  }
}

TEST(Evaluate, the_positive_value_turns_the_question_around) {
  EvaluateOptions options = by_score();
  options.positive = "DOWN";
  EXPECT_NEAR(evaluate(sixty(), options)->metric("auc"), 1 - 0.5622895622895623, 1e-12);
}

TEST(Evaluate, confidence_puts_low_and_high_beside_each_value) {
  EvaluateOptions options = by_score();
  options.groups = {"group"};
  options.confidence = 0.9;
  options.resamples = 100;
  const Json json = to_json(evaluate(sixty(), options).value());
  const Json& auc = json["metrics"]["auc"];
  EXPECT_LT(auc["low"].get<double>(), auc["value"].get<double>());
  EXPECT_GT(auc["high"].get<double>(), auc["value"].get<double>());
  EXPECT_TRUE(json["fairness"]["group"]["equalized_odds_difference"]["high"].is_number());
  EXPECT_TRUE(json["fairness"]["group"]["groups"]["b"]["selection_rate"]["low"].is_number());
  EXPECT_EQ(to_json(evaluate(sixty(), options).value()), json);
}

TEST(Evaluate, numbers_are_a_regression) {
  const Batch rows(Schema({{"y", Type::Int64}, {"p", Type::Double}}),
                   {Column::of_int64s({1, 2, 3}), Column::of_doubles({1, 2, 5})});
  EvaluateOptions options;
  options.target = "y";
  options.prediction = "p";
  const Json json = to_json(evaluate(rows, options).value());
  EXPECT_NEAR(json["metrics"]["rmse"].get<double>(), std::sqrt(4.0 / 3), 1e-12);
  EXPECT_NEAR(json["metrics"]["mae"].get<double>(), 2.0 / 3, 1e-12);
  EXPECT_NEAR(json["metrics"]["r2"].get<double>(), -1.0, 1e-12);
  EXPECT_FALSE(json.contains("fairness"));
  options.groups = {"p"};
  EXPECT_FALSE(evaluate(rows, options).has_value());
}

TEST(Evaluate, decisions_have_no_rank_metrics) {
  const Batch rows(Schema({{"y", Type::Text}, {"p", Type::Text}}),
                   {Column::of_texts(std::vector<std::string>{"yes", "no", "yes"}),
                    Column::of_texts(std::vector<std::string>{"yes", "yes", "yes"})});
  EvaluateOptions options;
  options.target = "y";
  options.prediction = "p";
  const Json json = to_json(evaluate(rows, options).value());
  EXPECT_NEAR(json["metrics"]["accuracy"].get<double>(), 2.0 / 3, 1e-12);
  EXPECT_EQ(json["metrics"]["recall"], 1.0);
  EXPECT_TRUE(json["metrics"]["auc"].is_null());
}

TEST(Evaluate, zero_and_one_against_booleans_are_decisions) {
  const Batch rows(Schema({{"y", Type::Int64}, {"p", Type::Bool}}),
                   {Column::of_int64s({1, 0, 1}), Column::of_bools({1, 0, 0})});
  EvaluateOptions options;
  options.target = "y";
  options.prediction = "p";
  EXPECT_EQ(evaluate(rows, options)->metric("recall"), 0.5);
}

TEST(Evaluate, a_prediction_that_is_no_value_of_the_target_is_refused) {
  const Batch rows(
      Schema({{"y", Type::Int64}, {"p", Type::Text}}),
      {Column::of_int64s({1, 2}), Column::of_texts(std::vector<std::string>{"1", "0"})});
  EvaluateOptions options;
  options.target = "y";
  options.prediction = "p";
  const auto refused = evaluate(rows, options);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message().find("row 2"), std::string::npos);
}

TEST(Evaluate, rows_without_target_or_score_are_left_out_and_counted) {
  const Batch rows(Schema({{"y", Type::Int64}, {"s", Type::Double}, {"g", Type::Text}}),
                   {Column::of_int64s({1, 0, 1, 0}, {1, 1, 0, 1}),
                    Column::of_doubles({0.9, 0.1, 0.5, 0.5}, {1, 1, 1, 0}),
                    Column::of_texts(std::vector<std::string>{"a", "", "a", "a"}, {1, 0, 1, 1})});
  EvaluateOptions options;
  options.target = "y";
  options.score = "s";
  options.groups = {"g"};
  const Json json = to_json(evaluate(rows, options).value());
  EXPECT_EQ(json["rows"], 2);
  EXPECT_EQ(json["left_out"], 2);
  EXPECT_EQ(json["fairness"]["g"]["groups"]["missing"]["n"], 1);
  EXPECT_TRUE(json["fairness"]["g"]["groups"]["missing"]["auc"].is_null());
}

TEST(Evaluate, raw_margins_leave_losses_unknown) {
  const Batch rows(Schema({{"y", Type::Int64}, {"s", Type::Double}}),
                   {Column::of_int64s({1, 0}), Column::of_doubles({3.0, -2.0})});
  EvaluateOptions options;
  options.target = "y";
  options.score = "s";
  const Evaluation e = evaluate(rows, options).value();
  EXPECT_EQ(e.metric("auc"), 1.0);
  EXPECT_TRUE(std::isnan(e.metric("log_loss")));
  EXPECT_TRUE(std::isnan(e.metric("brier")));
}

TEST(Evaluate, what_cannot_be_judged_is_refused) {
  EvaluateOptions options = by_score();
  options.score = "scor";
  const auto unknown = evaluate(sixty(), options);
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code(), ErrorCode::NotFound);
  EXPECT_NE(unknown.error().message().find("score"), std::string::npos);
  options = by_score();
  options.prediction = "score";
  EXPECT_FALSE(evaluate(sixty(), options).has_value());
  options = by_score();
  options.score = "group";
  EXPECT_FALSE(evaluate(sixty(), options).has_value());
  options = by_score();
  options.confidence = 1.5;
  EXPECT_FALSE(evaluate(sixty(), options).has_value());
  options = by_score();
  options.target = "group";
  EXPECT_FALSE(evaluate(sixty(), options).has_value());
  EXPECT_FALSE(evaluate(sixty().slice(0, 0), by_score()).has_value());
}

}  // namespace
}  // namespace martlet::evaluation

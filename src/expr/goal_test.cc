#include "expr/goal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace martlet::expr {
namespace {

TEST(Goal, a_margin_over_the_baseline_is_met_from_its_limit_on) {
  const Result<Goal> goal = parse_goal(">= baseline + 3");
  ASSERT_TRUE(goal.has_value()) << goal.error().message();
  EXPECT_EQ(goal->comparator, Comparator::AtLeast);
  EXPECT_EQ(goal->text, ">= baseline + 3");
  const NamedNumber values[] = {{"champion", 1}, {"baseline", 2}};
  const double limit = *goal->limit_value(values);
  EXPECT_EQ(limit, 5);
  EXPECT_TRUE(goal->met(5, limit));
  EXPECT_FALSE(goal->met(4.999, limit));
  EXPECT_FALSE(goal->smaller_is_better());
}

TEST(Goal, every_comparator_is_read) {
  struct Row {
    std::string_view text;
    Comparator comparator;
    bool below, equal, above;
  };
  const Row rows[] = {{"< 1", Comparator::Less, true, false, false},
                      {"<= 1", Comparator::AtMost, true, true, false},
                      {"> 1", Comparator::Greater, false, false, true},
                      {">= 1", Comparator::AtLeast, false, true, true},
                      {"= 1", Comparator::Equal, false, true, false},
                      {"==1", Comparator::Equal, false, true, false},
                      {"<> 1", Comparator::NotEqual, true, false, true},
                      {" != 1 ", Comparator::NotEqual, true, false, true}};
  for (const Row& row : rows) {
    const Result<Goal> goal = parse_goal(row.text);
    ASSERT_TRUE(goal.has_value()) << row.text;
    EXPECT_EQ(goal->comparator, row.comparator) << row.text;
    EXPECT_EQ(goal->met(0.5, 1), row.below) << row.text;
    EXPECT_EQ(goal->met(1, 1), row.equal) << row.text;
    EXPECT_EQ(goal->met(2, 1), row.above) << row.text;
  }
}

TEST(Goal, what_is_unknown_is_not_met_and_shows_as_nan) {
  const Goal goal = *parse_goal("> champion");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const NamedNumber values[] = {{"champion", nan}};
  EXPECT_TRUE(std::isnan(*goal.limit_value(values)));
  EXPECT_FALSE(goal.met(1, nan));
  EXPECT_FALSE(goal.met(nan, 1));
}

TEST(Goal, a_value_that_is_not_given_is_named) {
  const auto limit = parse_goal("> champion")->limit_value({});
  ASSERT_FALSE(limit.has_value());
  EXPECT_EQ(limit.error().code(), ErrorCode::NotFound);
  EXPECT_NE(limit.error().message().find("champion"), std::string::npos);
}

TEST(Goal, integer_limits_are_numbers) {
  EXPECT_EQ(*parse_goal("<= 1000")->limit_value({}), 1000);
  EXPECT_EQ(*parse_goal("<= 0.1")->limit_value({}), 0.1);
}

TEST(Goal, what_is_wrong_is_found_at_its_place) {
  struct Row {
    std::string_view text;
    int column;
    std::string_view rule;
  };
  const Row rows[] = {{"baseline + 3", 1, "syntax"},
                      {"", 1, "syntax"},
                      {">=", 3, "syntax"},
                      {">= basline + 3", 4, "unknown_name"},
                      {"  > 'much'", 4, "wrong_type"},
                      {">= baseline +", 14, "syntax"},
                      {">= baseline > 3", 3, "wrong_type"}};
  for (const Row& row : rows) {
    const Result<Goal> goal = parse_goal(row.text);
    ASSERT_FALSE(goal.has_value()) << row.text;
    EXPECT_EQ(goal.error().code(), ErrorCode::InvalidArgument) << row.text;
    ASSERT_EQ(goal.error().findings().size(), 1U) << row.text;
    EXPECT_EQ(goal.error().findings()[0].column, row.column) << row.text;
    EXPECT_EQ(goal.error().findings()[0].rule, row.rule) << row.text;
  }
}

TEST(Goal, a_place_may_offer_its_own_names) {
  const Scope scope{columns::Schema({{"train.kpi.saving", columns::Type::Double}})};
  const Goal goal = *parse_goal("> train.kpi.saving * 1.1", scope);
  const NamedNumber values[] = {{"train.kpi.saving", 10}};
  EXPECT_DOUBLE_EQ(*goal.limit_value(values), 11);
}

}  // namespace
}  // namespace martlet::expr

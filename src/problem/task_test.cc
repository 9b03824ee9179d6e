#include "problem/task.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace martlet::problem {
namespace {

using columns::Column;

TEST(Task, is_inferred_from_the_target) {
  EXPECT_EQ(infer_task(Column::of_bools({1, 0})).value(), Task::Binary);
  EXPECT_EQ(infer_task(Column::of_int64s({1, 0, 1})).value(), Task::Binary);
  EXPECT_EQ(infer_task(Column::of_int64s({1, -1})).value(), Task::Binary);
  EXPECT_EQ(infer_task(Column::of_doubles({0.0, 1.0})).value(), Task::Binary);
  EXPECT_EQ(infer_task(Column::of_int64s({1, 2})).value(), Task::Regression);
  EXPECT_EQ(infer_task(Column::of_doubles({0.5, 1.0, 7.0})).value(), Task::Regression);
  EXPECT_EQ(infer_task(Column::of_texts(std::vector<std::string>{"UP", "DOWN", "UP"})).value(),
            Task::Binary);
  EXPECT_EQ(infer_task(Column::of_texts(std::vector<std::string>{"a", "b", "c"})).value(),
            Task::Multiclass);
}

TEST(Task, cannot_be_inferred_from_a_column_that_teaches_nothing) {
  EXPECT_FALSE(infer_task(Column::missing(columns::Type::Int64, 3)).has_value());
  EXPECT_FALSE(infer_task(Column::of_texts(std::vector<std::string>{"a", "a"})).has_value());
  EXPECT_FALSE(infer_task(Column::of_dates({1, 2})).has_value());
}

TEST(Task, text_targets_take_the_greater_value_as_positive) {
  const Target target =
      read_target(Column::of_texts(std::vector<std::string>{"UP", "DOWN", "", "UP"}, {1, 1, 0, 1}),
                  Task::Binary)
          .value();
  EXPECT_EQ(target.positive, "UP");
  EXPECT_EQ(target.negative, "DOWN");
  EXPECT_EQ(target.values[0], 1.0);
  EXPECT_EQ(target.values[1], 0.0);
  EXPECT_TRUE(std::isnan(target.values[2]));
  EXPECT_EQ(read_target(Column::of_texts(std::vector<std::string>{"<=50K", ">50K"}), Task::Binary)
                ->positive,
            ">50K");
}

TEST(Task, the_positive_value_can_be_named) {
  const Target target =
      read_target(Column::of_texts(std::vector<std::string>{"UP", "DOWN"}), Task::Binary, "DOWN")
          .value();
  EXPECT_EQ(target.values, (std::vector<double>{0.0, 1.0}));
  EXPECT_EQ(read_target(Column::of_int64s({1, 2, 2}), Task::Binary, "1")->values,
            (std::vector<double>{1, 0, 0}));
  EXPECT_FALSE(read_target(Column::of_texts(std::vector<std::string>{"UP", "DOWN"}), Task::Binary,
                           "SIDEWAYS")
                   .has_value());
}

TEST(Task, a_binary_target_of_three_values_is_refused) {
  const auto read = read_target(Column::of_int64s({0, 1, 2}), Task::Binary);
  ASSERT_FALSE(read.has_value());
  EXPECT_NE(read.error().message().find("0, 1, 2"), std::string::npos);
}

TEST(Task, only_negatives_stay_negatives) {
  EXPECT_EQ(read_target(Column::of_int64s({0, 0}), Task::Binary)->values,
            (std::vector<double>{0, 0}));
  EXPECT_EQ(read_target(Column::of_bools({1, 1}), Task::Binary)->values,
            (std::vector<double>{1, 1}));
}

TEST(Task, regression_targets_are_finite_numbers) {
  EXPECT_EQ(read_target(Column::of_int64s({3, 4}), Task::Regression)->values,
            (std::vector<double>{3, 4}));
  EXPECT_FALSE(
      read_target(Column::of_texts(std::vector<std::string>{"3"}), Task::Regression).has_value());
  EXPECT_FALSE(
      read_target(Column::of_doubles({std::numeric_limits<double>::infinity()}), Task::Regression)
          .has_value());
  EXPECT_FALSE(read_target(Column::of_int64s({1}), Task::Ranking).has_value());
}

}  // namespace
}  // namespace martlet::problem

#include "models/model_difference.h"
#include "models/testdata.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace martlet::models {
namespace {

TEST(ModelDifference, the_same_bytes_have_none) {
  const std::string model = testdata::read_text("binary_nan.model.txt");
  ASSERT_FALSE(model.empty());
  EXPECT_FALSE(first_difference(model, model).has_value());
}

TEST(ModelDifference, a_changed_leaf_is_named_by_line_and_tree) {
  const std::string model = testdata::read_text("binary_nan.model.txt");
  const std::size_t tree = model.find("Tree=2\n");
  ASSERT_NE(tree, std::string::npos);
  const std::size_t leaf = model.find("leaf_value=", tree) + std::string("leaf_value=").size();
  std::string other = model;
  other[leaf + 4] = other[leaf + 4] == '1' ? '2' : '1';
  const auto found = first_difference(model, other);
  ASSERT_TRUE(found.has_value());
  const auto line = 1 + std::count(model.begin(), model.begin() + static_cast<long>(leaf), '\n');
  EXPECT_EQ(found->where, "line " + std::to_string(line) + ", tree 2");
  EXPECT_NE(found->expected, found->actual);
  EXPECT_LE(found->expected.get<std::string>().size(), 130u);
}

TEST(ModelDifference, a_difference_outside_the_trees_names_none) {
  const std::string model = testdata::read_text("binary_nan.model.txt");
  std::string other = model;
  other.replace(other.find("num_class=1"), 11, "num_class=2");
  EXPECT_EQ(first_difference(model, other)->where.find("tree"), std::string::npos);
  const auto cut = first_difference(model, model.substr(0, model.size() - 1));
  ASSERT_TRUE(cut.has_value());
  EXPECT_EQ(cut->where.find("tree"), std::string::npos);
}

TEST(ModelDifference, a_linear_model_is_compared_by_path) {
  const auto found = first_difference(R"({"coefficients": [1, 2.5], "intercept": 0})",
                                      R"({"coefficients": [1, 2.25], "intercept": 0})");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->where, "coefficients[1]");
  EXPECT_EQ(found->expected, Json(2.5));
  EXPECT_EQ(found->actual, Json(2.25));
}

}  // namespace
}  // namespace martlet::models

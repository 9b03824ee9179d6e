#include "base/first_difference.h"

#include <gtest/gtest.h>

namespace martlet {
namespace {

Json json(std::string_view text) { return parse_json(text).value(); }

TEST(JsonDifferences, equal_documents_have_none_whatever_the_order_of_their_keys) {
  EXPECT_TRUE(json_differences(json(R"({"a": 1, "b": [1, {"c": null}]})"),
                               json(R"({"b": [1, {"c": null}], "a": 1.0})"), 5)
                  .empty());
}

TEST(JsonDifferences, the_path_leads_through_objects_and_arrays) {
  const auto found = json_differences(json(R"({"columns": [{"mean": 1}, {"mean": 2}]})"),
                                      json(R"({"columns": [{"mean": 1}, {"mean": 2.5}]})"), 5);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].path, "columns[1].mean");
  EXPECT_EQ(found[0].expected, Json(2));
  EXPECT_EQ(found[0].actual, Json(2.5));
}

TEST(JsonDifferences, what_only_one_has_is_absent_in_the_other) {
  const auto found =
      json_differences(json(R"({"a": 1, "list": [1]})"), json(R"({"b": 2, "list": [1, null]})"), 5);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].path, "a");
  EXPECT_FALSE(found[0].actual.has_value());
  EXPECT_EQ(found[1].path, "list[1]");
  EXPECT_FALSE(found[1].expected.has_value());
  EXPECT_TRUE(found[1].actual->is_null());
  EXPECT_EQ(found[2].path, "b");
}

TEST(JsonDifferences, another_type_is_one_difference_and_the_limit_holds) {
  const auto found = json_differences(json("[1, 2, 3, 4]"), json("[[], 3, 4, 5]"), 2);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].path, "[0]");
  EXPECT_EQ(found[1].path, "[1]");
  const auto root = json_differences(json("1"), json("\"1\""), 2);
  ASSERT_EQ(root.size(), 1u);
  EXPECT_EQ(root[0].path, "");
}

TEST(LineDifference, the_first_differing_line_is_counted_from_one) {
  const auto found = first_line_difference("a\nb\nc\n", "a\nb\nd\n");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->line, 3u);
  EXPECT_EQ(found->expected, "c");
  EXPECT_EQ(found->actual, "d");
}

TEST(LineDifference, a_text_that_ends_early_lacks_the_line) {
  const auto found = first_line_difference("a\nb", "a");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->line, 2u);
  EXPECT_EQ(found->expected, "b");
  EXPECT_FALSE(found->actual.has_value());
}

TEST(LineDifference, a_missing_line_end_is_found_and_equal_texts_have_none) {
  EXPECT_FALSE(first_line_difference("", "").has_value());
  EXPECT_FALSE(first_line_difference("a\n", "a\n").has_value());
  const auto found = first_line_difference("a\n", "a");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->line, 2u);
  EXPECT_EQ(found->expected, "");
  EXPECT_FALSE(found->actual.has_value());
}

}  // namespace
}  // namespace martlet

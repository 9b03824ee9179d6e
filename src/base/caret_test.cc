#include "base/caret.h"

#include <gtest/gtest.h>

namespace martlet {
namespace {

TEST(Caret, stands_below_the_character) {
  EXPECT_EQ(with_caret("hour(x) > 17", 1, 1), "hour(x) > 17\n^");
  EXPECT_EQ(with_caret("hour(x) > 17", 1, 6), "hour(x) > 17\n     ^");
}

TEST(Caret, stands_at_the_end_for_a_place_after_it) {
  EXPECT_EQ(with_caret("a +", 1, 4), "a +\n   ^");
  EXPECT_EQ(with_caret("a +", 1, 400), "a +\n   ^");
  EXPECT_EQ(with_caret("", 1, 1), "\n^");
}

TEST(Caret, survives_positions_that_are_none) {
  EXPECT_EQ(with_caret("ab", 0, 0), "ab\n^");
  EXPECT_EQ(with_caret("ab", -3, -3), "ab\n^");
  EXPECT_EQ(with_caret("ab\ncd", 9, 2), "cd\n ^");
}

TEST(Caret, counts_cells_and_not_bytes) {
  EXPECT_EQ(with_caret("'Zürich' = q", 1, 12), "'Zürich' = q\n           ^");
  EXPECT_EQ(with_caret("'日本' = q", 1, 8), "'日本' = q\n         ^");     // two cells each
  EXPECT_EQ(with_caret("'e\u0301' = q", 1, 8), "'e\u0301' = q\n      ^");  // none for the accent
}

TEST(Caret, shows_the_line_that_holds_the_place) {
  EXPECT_EQ(with_caret("a\n  + bb\n  + c", 2, 5), "  + bb\n    ^");
}

TEST(Caret, shows_control_characters_as_a_space) {
  EXPECT_EQ(with_caret("\ta\x1b[31m = b\r", 1, 9), " a [31m = b \n        ^");
  EXPECT_EQ(with_caret("a\xff = b", 1, 6), "a  = b\n     ^");
}

TEST(Caret, shows_a_window_of_a_long_line) {
  const std::string before(200, 'a');
  const std::string after(200, 'b');
  EXPECT_EQ(with_caret(before + "!" + after, 1, 201), "…" + std::string(37, 'a') + "!" +
                                                          std::string(36, 'b') + "…\n" +
                                                          std::string(38, ' ') + "^");
  EXPECT_EQ(with_caret("!" + after, 1, 1), "!" + std::string(73, 'b') + "…\n^");
  EXPECT_EQ(with_caret(before + "!", 1, 201),
            "…" + std::string(73, 'a') + "!\n" + std::string(74, ' ') + "^");
  EXPECT_EQ(with_caret(before, 1, 201),
            "…" + std::string(74, 'a') + "\n" + std::string(75, ' ') + "^");
}

TEST(Caret, shows_whole_what_just_fits) {
  const std::string fits(76, 'a');
  EXPECT_EQ(with_caret(fits, 1, 40), fits + "\n" + std::string(39, ' ') + "^");
}

TEST(Caret, keeps_a_window_of_wide_characters_within_its_cells) {
  std::string wide;
  for (int i = 0; i < 100; ++i) wide += "日";
  std::string expected = "…";
  for (int i = 0; i < 37; ++i) expected += "日";
  EXPECT_EQ(with_caret(wide, 1, 51), expected + "…\n" + std::string(37, ' ') + "^");
}

TEST(MessageIn, says_the_place_and_shows_it) {
  Finding finding;
  finding.message = "there is no x";
  finding.line = 1;
  finding.column = 5;
  EXPECT_EQ(message_in("goal", ">=  x", finding),
            "there is no x (column 5 of the goal)\n    >=  x\n        ^");
  finding.line = 2;
  EXPECT_EQ(message_in("expression", "1\n  + x", finding),
            "there is no x (line 2, column 5 of the expression)\n      + x\n        ^");
}

TEST(MessageIn, shows_nothing_of_a_blank_text) {
  Finding finding;
  finding.message = "the goal is empty";
  finding.line = 1;
  finding.column = 1;
  EXPECT_EQ(message_in("goal", "  ", finding), "the goal is empty (column 1 of the goal)");
}

TEST(MessageIn, leaves_a_message_without_a_place_alone) {
  Finding finding;
  finding.message = "too long";
  EXPECT_EQ(message_in("goal", "> 1", finding), "too long");
}

}  // namespace
}  // namespace martlet

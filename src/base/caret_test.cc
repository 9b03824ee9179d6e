#include "base/caret.h"
#include "base/result.h"

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

TEST(OffsetOf, counts_characters_and_answers_bytes) {
  const std::string text = "größe > 1\n  and 数 < 2";
  EXPECT_EQ(offset_of(text, 1, 1), 0U);
  EXPECT_EQ(text.substr(offset_of(text, 1, 7)), "> 1\n  and 数 < 2");
  EXPECT_EQ(text.substr(offset_of(text, 2, 7)), "数 < 2");
  EXPECT_EQ(text.substr(offset_of(text, 2, 9)), "< 2");
}

TEST(OffsetOf, ends_with_the_line_or_the_text) {
  EXPECT_EQ(offset_of("ab\ncd", 1, 9), 2U);
  EXPECT_EQ(offset_of("ab\ncd", 2, 9), 5U);
  EXPECT_EQ(offset_of("ab\ncd", 9, 1), 3U);  // the last line
  EXPECT_EQ(offset_of("", 1, 3), 0U);
}

TEST(AddFindingsIn, makes_findings_of_the_file_and_keeps_those_before) {
  const Finding origin{"problem.kpis[0].value", "", "the KPI: ", "martlet.yaml", 4, 12};
  std::vector<Finding> findings(1);
  const Error error = invalid("compiling", {{"", "unknown_name", "there is no x", "", 1, 5},
                                            {"", "too_long", "too long", "", 0, 0}})
                          .value();
  add_findings_in("expression", "1 + x", error, origin, findings);
  ASSERT_EQ(findings.size(), 3U);
  EXPECT_EQ(findings[1], (Finding{"problem.kpis[0].value", "unknown_name",
                                  "the KPI: there is no x (column 5 of the expression)\n"
                                  "    1 + x\n        ^",
                                  "martlet.yaml", 4, 12}));
  EXPECT_EQ(findings[2], (Finding{"problem.kpis[0].value", "too_long", "the KPI: too long",
                                  "martlet.yaml", 4, 12}));
}

TEST(AddFindingsIn, an_error_without_findings_is_one_of_syntax) {
  std::vector<Finding> findings;
  add_findings_in("goal", "> 1", Error(ErrorCode::InvalidArgument, "no goal"),
                  {"goal", "", "", "f", 1, 2}, findings);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0], (Finding{"goal", "syntax", "no goal", "f", 1, 2}));
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

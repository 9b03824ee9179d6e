#include "report/document.h"

#include <gtest/gtest.h>

#include <cmath>

namespace martlet::report {
namespace {

TEST(Document, numbers_read_as_people_write_them) {
  EXPECT_EQ(number_text(0.83124), "0.8312");
  EXPECT_EQ(number_text(-0.5), "-0.5");
  EXPECT_EQ(number_text(12345.678), "12,345.7");
  EXPECT_EQ(number_text(1234567), "1,234,567");
  EXPECT_EQ(number_text(-1234), "-1,234");
  EXPECT_EQ(number_text(0), "0");
  EXPECT_EQ(number_text(0.00001234), "1.23e-05");
  EXPECT_EQ(number_text(1e20), "1.00e+20");
  EXPECT_EQ(number_text(std::nan("")), "–");
  EXPECT_EQ(number_text(INFINITY), "–");
  EXPECT_EQ(count_text(-1000), "-1,000");
  EXPECT_EQ(share_text(0.1234), "12.3 %");
  EXPECT_EQ(size_text(999), "999 B");
  EXPECT_EQ(size_text(1'234'567), "1.235 MB");
}

TEST(Document, unknown_is_its_own_answer) {
  EXPECT_EQ(passed_cell(std::nullopt), badge_cell("unknown", Tone::Unsure));
  EXPECT_EQ(passed_cell(true).tone, Tone::Good);
  EXPECT_EQ(passed_cell(false).text, "failed");
  EXPECT_EQ(json_cell(nullptr).text, "–");
  EXPECT_EQ(json_cell(Json(1234)).text, "1,234");
  EXPECT_EQ(json_cell(Json::array({1, "a"})).text, "[1,\"a\"]");
}

}  // namespace
}  // namespace martlet::report

#include "base/json.h"
#include "server/mlflow/json_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace martlet::server::mlflow {
namespace {

TEST(JsonWriter, writes_what_a_parser_reads_back) {
  JsonWriter json;
  json.begin_object().text("empty", "").text_always("kept", "");
  json.text("odd", "quote \" back \\ line \n tab \t \x01 ünï 😀");
  json.integer("most", std::numeric_limits<std::int64_t>::max());
  json.integer("absent", std::optional<std::int64_t>()).boolean("yes", true);
  json.key("list").begin_array();
  json.begin_object().end_object();
  json.value(std::int64_t{-1}).value(0.1).value(2.0).value(1e300);
  json.begin_array().end_array().end_array();
  json.number("nan", NAN).number("inf", -INFINITY);
  const std::string text = json.end_object().take();
  const auto read = parse_json(text);
  ASSERT_TRUE(read.has_value()) << text;
  EXPECT_EQ(*read,
            (Json{{"kept", ""},
                  {"odd", "quote \" back \\ line \n tab \t \x01 ünï 😀"},
                  {"most", std::numeric_limits<std::int64_t>::max()},
                  {"yes", true},
                  {"list", Json::array({Json::object(), -1, 0.1, 2.0, 1e300, Json::array()})},
                  {"nan", "NaN"},
                  {"inf", "-Infinity"}}))
      << text;
  EXPECT_NE(text.find("2.0"), std::string::npos);
}

TEST(JsonWriter, invalid_text_is_replaced_never_passed_on) {
  JsonWriter json;
  EXPECT_TRUE(
      parse_json(json.begin_object().text("a", "\xff\xfe").end_object().take()).has_value());
}

}  // namespace
}  // namespace martlet::server::mlflow

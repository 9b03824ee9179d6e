#include "server/mlflow/fields.h"

#include <gtest/gtest.h>

#include <cmath>

namespace martlet::server::mlflow {
namespace {

std::unique_ptr<Message> parsed(std::string_view json) {
  auto message = Message::parse(json);
  EXPECT_TRUE(message.has_value()) << json << ": " << message.error().message();
  return message.has_value() ? std::move(*message) : nullptr;
}

std::string problem_of(const Message& message) {
  const auto checked = message.check();
  return checked.has_value() ? std::string() : checked.error().message();
}

TEST(Fields, unset_null_and_unknown_fields_are_absent) {
  for (const char* json : {"", "  ", "{}", R"({"name": null, "other": [1, {"a": 2}]})"}) {
    const auto message = parsed(json);
    const Fields fields = message->fields();
    EXPECT_FALSE(fields.text("name").has_value()) << json;
    EXPECT_FALSE(fields.integer("name").has_value());
    EXPECT_TRUE(fields.texts("name").empty());
    EXPECT_TRUE(fields.objects("name").empty());
    EXPECT_EQ(problem_of(*message), "");
  }
}

TEST(Fields, sixty_four_bit_integers_are_exact_however_they_are_written) {
  struct Case {
    const char* written;
    std::optional<std::int64_t> read;
  };
  const Case cases[] = {{"9223372036854775807", 9223372036854775807},
                        {"\"9223372036854775807\"", 9223372036854775807},
                        {"-9223372036854775808", std::numeric_limits<std::int64_t>::min()},
                        {"1e3", 1000},
                        {"5.0", 5},
                        {"\"5.0\"", 5},
                        {"\"-7\"", -7},
                        {"5.5", std::nullopt},
                        {"9223372036854775808", std::nullopt},
                        {"1e300", std::nullopt},
                        {"\"\"", std::nullopt},
                        {"\"5 \"", std::nullopt},
                        {"true", std::nullopt},
                        {"[1]", std::nullopt}};
  for (const Case& one : cases) {
    const auto message = parsed(std::string("{\"step\": ") + one.written + "}");
    EXPECT_EQ(message->fields().integer("step"), one.read) << one.written;
    EXPECT_EQ(problem_of(*message).empty(), one.read.has_value()) << one.written;
  }
}

TEST(Fields, numbers_may_be_nan_and_infinite_by_name_or_bare) {
  const auto message =
      parsed(R"({"a": NaN, "b": -Infinity, "c": "Infinity", "d": "NaN", "e": "1.5", "f": 2,
                 "text": "NaN, -Infinity \" NaN"})");
  const Fields fields = message->fields();
  EXPECT_TRUE(std::isnan(fields.required_number("a")));
  EXPECT_EQ(fields.required_number("b"), -INFINITY);
  EXPECT_EQ(fields.required_number("c"), INFINITY);
  EXPECT_TRUE(std::isnan(fields.required_number("d")));
  EXPECT_EQ(fields.required_number("e"), 1.5);
  EXPECT_EQ(fields.required_number("f"), 2.0);
  EXPECT_EQ(fields.text("text"), "NaN, -Infinity \" NaN");
  EXPECT_EQ(problem_of(*message), "");
  EXPECT_FALSE(parsed(R"({"value": "abc"})")->fields().number("value").has_value());
}

// A bare NaN is what the fast parser doesn't know: the other one reads the whole body then.
TEST(Fields, both_parsers_read_alike) {
  const std::vector<std::string> values{"0",
                                        "-0",
                                        "1",
                                        "-1",
                                        "9223372036854775807",
                                        "-9223372036854775808",
                                        "9223372036854775808",
                                        "18446744073709551615",
                                        "18446744073709551616",
                                        "-9223372036854775809",
                                        "0.1",
                                        "-0.0",
                                        "1e3",
                                        "1E-7",
                                        "1.7976931348623157e308",
                                        "4.9e-324",
                                        "2.2250738585072011e-308",
                                        "1e400",
                                        "123456789012345678901234567890",
                                        "true",
                                        "false",
                                        "null",
                                        R"("")",
                                        R"("a")",
                                        R"("\u00e4\ud83d\ude00\n\t\"\\\/")",
                                        R"("\u0000")",
                                        R"("\ud800")",
                                        "\"\xc3\xa4\"",
                                        "\"\xff\"",
                                        "\"\t\"",
                                        R"([1, "x", 2.5])",
                                        "[]",
                                        "{}",
                                        "01",
                                        "+1",
                                        "1.",
                                        ".5",
                                        "'a'",
                                        "[1,]",
                                        "tru",
                                        R"("a)"};
  for (const std::string& value : values) {
    const auto fast = Message::parse(R"({"a": )" + value + R"(, "a": 7, "n": 1})");
    const auto slow = Message::parse(R"({"a": )" + value + R"(, "a": 7, "n": NaN})");
    ASSERT_EQ(fast.has_value(), slow.has_value()) << value;
    if (!fast.has_value()) {
      EXPECT_EQ(fast.error().message(), slow.error().message()) << value;
      continue;
    }
    const Fields one = (*fast)->fields();
    const Fields other = (*slow)->fields();
    EXPECT_EQ(one.text("a"), other.text("a")) << value;
    EXPECT_EQ(one.integer("a"), other.integer("a")) << value;
    EXPECT_EQ(one.number("a"), other.number("a")) << value;
    EXPECT_EQ(one.boolean("a"), other.boolean("a")) << value;
    EXPECT_EQ(one.texts("a"), other.texts("a")) << value;
    EXPECT_EQ(one.names(), other.names()) << value;
    const auto said = (*fast)->check();
    EXPECT_EQ(said.has_value() ? "" : said.error().message(),
              (*slow)->check().has_value() ? "" : (*slow)->check().error().message())
        << value;
  }
}

TEST(Fields, both_parsers_go_down_to_the_same_depth) {
  for (const int depth : {1, 30, 62, 63, 64, 65, 500, 2000}) {
    const std::string nested = std::string(static_cast<std::size_t>(depth), '[') +
                               std::string(static_cast<std::size_t>(depth), ']');
    EXPECT_EQ(Message::parse(R"({"a": )" + nested + "}").has_value(), depth < 64) << depth;
    EXPECT_EQ(Message::parse(R"({"n": NaN, "a": )" + nested + "}").has_value(), depth < 64)
        << depth;
  }
}

TEST(Fields, other_spellings_and_double_encoding_are_understood) {
  const auto camel = parsed(R"({"experimentId": "7", "runUuid": "old"})");
  EXPECT_EQ(camel->fields().required_name("experiment_id"), "7");
  EXPECT_EQ(camel->fields().required_name("run_id", "run_uuid"), "old");
  const auto twice = parsed(R"("{\"name\": \"x\"}")");
  EXPECT_EQ(twice->fields().required_name("name"), "x");
}

TEST(Fields, every_problem_is_told_at_once_with_its_place) {
  const auto message = parsed(
      R"({"metrics": [{"key": "a", "value": 1, "timestamp": 1}, {"value": "x", "timestamp": {}}, 5], "tags": "t"})");
  const Fields fields = message->fields();
  (void)fields.required_name("run_id");
  for (const Fields& metric : fields.objects("metrics")) {
    (void)metric.required_name("key");
    (void)metric.required_number("value");
    (void)metric.required_integer("timestamp");
  }
  (void)fields.pairs("tags");
  const std::string told = problem_of(*message);
  for (const char* expected :
       {"Missing value for required parameter 'run_id'.",
        "Missing value for required parameter 'metrics[1].key'.",
        "Invalid value \"x\" for parameter 'metrics[1].value' supplied", "'metrics[1].timestamp'",
        "Invalid value 5 for parameter 'metrics[2]'", "Invalid value \"t\" for parameter 'tags'"})
    EXPECT_NE(told.find(expected), std::string::npos) << expected << "\nin " << told;
}

TEST(Fields, a_query_is_read_like_a_body) {
  net::Request request;
  request.method = net::Method::Get;
  request.query = {{"run_id", "a"},
                   {"run_ids[]", "x"},
                   {"run_ids[]", "y"},
                   {"max_results", "5"},
                   {"flag", "True"}};
  const auto message = Message::read(request);
  ASSERT_TRUE(message.has_value());
  const Fields fields = (*message)->fields();
  EXPECT_EQ(fields.required_name("run_id"), "a");
  EXPECT_EQ(fields.texts("run_ids"), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(fields.integer("max_results"), 5);
  EXPECT_EQ(fields.boolean("flag"), true);
  EXPECT_TRUE((*message)->check().has_value());
}

TEST(Fields, bodies_that_are_no_json_object_are_refused) {
  net::Request request;
  request.method = net::Method::Post;
  request.body = "{}";
  EXPECT_FALSE(Message::read(request).has_value());  // no content type
  const std::vector<net::Header> json{{"content-type", "application/json; charset=utf-8"}};
  request.headers = json;
  EXPECT_TRUE(Message::read(request).has_value());
  for (const char* body :
       {"[1]", "5", "{", "{\"a\": }", "\"x\"", "\"[1]\"", "\xff", "{\"a\": \"\xff\"}"}) {
    request.body = body;
    const auto read = Message::read(request);
    ASSERT_FALSE(read.has_value()) << body;
    EXPECT_EQ(read.error().code(), ErrorCode::InvalidArgument) << body;
  }
  EXPECT_FALSE(Message::parse(std::string(100, '[') + std::string(100, ']')).has_value());
  EXPECT_FALSE(Message::parse(std::string(1'000'000, '[')).has_value());
}

}  // namespace
}  // namespace martlet::server::mlflow

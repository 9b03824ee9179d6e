#include "net/byte_range.h"

#include <gtest/gtest.h>

#include <array>

namespace martlet::net {
namespace {

using Kind = RangeRequest::Kind;

TEST(ByteRange, what_a_range_header_asks_for) {
  struct Case {
    std::string_view value;
    std::uint64_t size_bytes;
    Kind kind;
    ByteRange range;
  };
  const std::vector<Case> cases = {
      {"bytes=0-99", 1000, Kind::Part, {0, 100}},
      {"bytes=0-0", 1000, Kind::Part, {0, 1}},
      {"Bytes=5-5", 6, Kind::Part, {5, 1}},
      {"bytes=500-", 1000, Kind::Part, {500, 500}},
      {"bytes=999-", 1000, Kind::Part, {999, 1}},
      {"bytes=900-2000", 1000, Kind::Part, {900, 100}},
      {"bytes=0-18446744073709551616", 1000, Kind::Part, {0, 1000}},
      {"bytes=-1", 1000, Kind::Part, {999, 1}},
      {"bytes=-5000", 1000, Kind::Part, {0, 1000}},
      {"bytes= 1-2", 1000, Kind::Part, {1, 2}},
      {"bytes=1000-", 1000, Kind::Unsatisfiable, {}},
      {"bytes=1000-1001", 1000, Kind::Unsatisfiable, {}},
      {"bytes=99999999999999999999-", 1000, Kind::Unsatisfiable, {}},
      {"bytes=0-0", 0, Kind::Unsatisfiable, {}},
      {"bytes=-0", 1000, Kind::Unsatisfiable, {}},
      {"bytes=-5", 0, Kind::Whole, {}},
      {"", 1000, Kind::Whole, {}},
      {"bytes=", 1000, Kind::Whole, {}},
      {"bytes", 1000, Kind::Whole, {}},
      {"bytes=-", 1000, Kind::Whole, {}},
      {"bytes=5", 1000, Kind::Whole, {}},
      {"bytes=5-4", 1000, Kind::Whole, {}},
      {"bytes=a-b", 1000, Kind::Whole, {}},
      {"bytes=1-2-3", 1000, Kind::Whole, {}},
      {"bytes=+1-2", 1000, Kind::Whole, {}},
      {"bytes=1 - 2", 1000, Kind::Whole, {}},
      {"bytes=0-1,4-5", 1000, Kind::Whole, {}},
      {"lines=0-1", 1000, Kind::Whole, {}},
      {"bytes:0-1", 1000, Kind::Whole, {}},
  };
  for (const Case& c : cases) {
    const RangeRequest asked = parse_range(c.value, c.size_bytes);
    EXPECT_EQ(asked.kind, c.kind) << c.value;
    EXPECT_EQ(asked.range, c.range) << c.value;
  }
}

TEST(ByteRange, a_list_of_tags_is_compared_weakly) {
  EXPECT_TRUE(names_tag("*", ""));
  EXPECT_TRUE(names_tag("\"a\"", "\"a\""));
  EXPECT_TRUE(names_tag("\"x\", W/\"a\" ,\"y\"", "\"a\""));
  EXPECT_TRUE(names_tag("\"a,b\"", "\"a,b\""));
  EXPECT_FALSE(names_tag("\"a,b\"", "\"a\""));
  EXPECT_FALSE(names_tag("\"a", "\"a\""));
  EXPECT_FALSE(names_tag("a", "\"a\""));
  EXPECT_FALSE(names_tag("\"a\"", ""));
  EXPECT_FALSE(names_tag("", "\"a\""));
}

class ContentResponse : public testing::Test {
 protected:
  Response answer(std::vector<Header> headers, Method method = Method::Get) {
    Request request;
    request.method = method;
    request.headers = std::move(headers);
    request.id = "r1";
    return content_response(request, {.source = memory_source("0123456789"),
                                      .content_type = "text/plain",
                                      .etag = entity_tag("v1"),
                                      .headers = {{"Cache-Control", "no-cache"}}});
  }
  static std::string header(const Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers)
      if (key == name) return value;
    return "";
  }
  static std::string text(const Response& response) {
    if (response.source == nullptr) return "";
    std::string all(response.source->size_bytes(), ' ');
    EXPECT_EQ(response.source->read(0, all).value_or(0), all.size());
    return all;
  }
};

TEST_F(ContentResponse, without_conditions_is_all_of_it) {
  const Response whole = answer({});
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(text(whole), "0123456789");
  EXPECT_EQ(whole.content_type, "text/plain");
  EXPECT_EQ(header(whole, "ETag"), "\"v1\"");
  EXPECT_EQ(header(whole, "Accept-Ranges"), "bytes");
  EXPECT_EQ(header(whole, "Cache-Control"), "no-cache");
}

TEST_F(ContentResponse, a_part_says_which_part_it_is) {
  const Response part = answer({{"Range", "bytes=2-4"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(text(part), "234");
  EXPECT_EQ(header(part, "Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(header(part, "ETag"), "\"v1\"");
  EXPECT_EQ(text(answer({{"range", "bytes=-3"}})), "789");
}

TEST_F(ContentResponse, a_part_that_does_not_exist_is_416_with_the_size) {
  const Response refusal = answer({{"Range", "bytes=10-"}});
  EXPECT_EQ(refusal.status, 416);
  EXPECT_EQ(header(refusal, "Content-Range"), "bytes */10");
  EXPECT_EQ(refusal.source, nullptr);
  EXPECT_NE(refusal.body.find("range_not_satisfiable"), std::string::npos);
}

TEST_F(ContentResponse, several_ranges_and_head_get_the_whole) {
  EXPECT_EQ(answer({{"Range", "bytes=0-1,3-4"}}).status, 200);
  EXPECT_EQ(answer({{"Range", "bytes=0-1"}}, Method::Head).status, 200);
}

TEST_F(ContentResponse, a_range_of_an_older_version_gets_the_whole_new_one) {
  EXPECT_EQ(answer({{"Range", "bytes=0-1"}, {"If-Range", "\"v1\""}}).status, 206);
  EXPECT_EQ(answer({{"Range", "bytes=0-1"}, {"If-Range", "\"v0\""}}).status, 200);
  EXPECT_EQ(answer({{"Range", "bytes=0-1"}, {"If-Range", "W/\"v1\""}}).status, 200);
  EXPECT_EQ(answer({{"Range", "bytes=0-1"}, {"If-Range", "Thu, 01 Jan 1970 00:00:00 GMT"}}).status,
            200);
  // Not even an unsatisfiable one is refused then.
  EXPECT_EQ(answer({{"Range", "bytes=99-"}, {"If-Range", "\"v0\""}}).status, 200);
}

TEST_F(ContentResponse, what_the_client_has_is_not_sent_again) {
  for (const Method method : {Method::Get, Method::Head}) {
    const Response same = answer({{"If-None-Match", "W/\"v1\""}, {"Range", "bytes=0-1"}}, method);
    EXPECT_EQ(same.status, 304);
    EXPECT_EQ(same.source, nullptr);
    EXPECT_EQ(header(same, "ETag"), "\"v1\"");
    EXPECT_EQ(header(same, "Cache-Control"), "no-cache");
  }
  EXPECT_EQ(answer({{"If-None-Match", "\"v0\""}}).status, 200);
}

TEST(BodySource, a_slice_stays_within_itself) {
  const auto slice = slice_of(memory_source("0123456789"), 3, 4);
  EXPECT_EQ(slice->size_bytes(), 4u);
  std::array<char, 10> bytes{};
  EXPECT_EQ(slice->read(1, bytes).value_or(0), 3u);
  EXPECT_EQ(std::string_view(bytes.data(), 3), "456");
  EXPECT_EQ(slice->read(4, bytes).value_or(9), 0u);
  EXPECT_DEATH((void)slice_of(memory_source("0123"), 3, 2), "within its source");
}

}  // namespace
}  // namespace martlet::net

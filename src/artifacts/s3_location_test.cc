#include "artifacts/s3_location.h"

#include <gtest/gtest.h>

#include <set>

namespace martlet::artifacts {
namespace {

std::multiset<std::string> rules_of(std::string_view url) {
  std::multiset<std::string> rules;
  const auto parsed = parse_s3_location(url);
  if (parsed.has_value()) return rules;
  EXPECT_EQ(parsed.error().code(), ErrorCode::InvalidArgument);
  for (const Finding& finding : parsed.error().findings()) rules.insert(finding.rule);
  return rules;
}
using Rules = std::multiset<std::string>;

TEST(S3Location, a_bucket_of_aws_needs_a_region_only) {
  const auto location = parse_s3_location("s3://models/team/one?region=eu-central-1");
  ASSERT_TRUE(location.has_value()) << location.error().message();
  EXPECT_EQ(location->bucket, "models");
  EXPECT_EQ(location->prefix, "team/one/");
  EXPECT_EQ(location->endpoint, "https://s3.eu-central-1.amazonaws.com");
  EXPECT_EQ(location->style, S3Location::Style::Host);
  EXPECT_EQ(parse_s3_location("s3://models", "us-west-2")->region, "us-west-2");
  EXPECT_EQ(parse_s3_location("s3://models?region=r-1", "us-west-2")->region, "r-1");
  EXPECT_EQ(parse_s3_location("s3://with.dots?region=r")->style, S3Location::Style::Path);
}

TEST(S3Location, another_server_is_named_by_its_endpoint) {
  const auto location = parse_s3_location("s3://models/?endpoint=http%3A%2F%2F127.0.0.1:9000/");
  ASSERT_TRUE(location.has_value()) << location.error().message();
  EXPECT_EQ(location->prefix, "");
  EXPECT_EQ(location->endpoint, "http://127.0.0.1:9000");
  EXPECT_EQ(location->region, "us-east-1");
  EXPECT_EQ(location->style, S3Location::Style::Path);
  EXPECT_EQ(parse_s3_location("s3://models?endpoint=https://[::1]:9000&style=host")->style,
            S3Location::Style::Host);
}

TEST(S3Location, what_was_left_out_stands_in_the_text_and_reads_back) {
  const std::string text =
      to_text(*parse_s3_location("s3://models/a?endpoint=https://h:1&ca=/etc/my%20ca.pem"));
  EXPECT_EQ(text,
            "s3://models/a/?endpoint=https://h:1&region=us-east-1&style=path&ca=/etc/my%20ca.pem");
  EXPECT_EQ(to_text(*parse_s3_location(text)), text);
}

TEST(S3Location, everything_that_is_wrong_is_told_at_once) {
  EXPECT_EQ(
      rules_of("s3://B/a//b?endpoint=ftp://x&style=both&regoin=x&ca="),
      (Rules{"bad_bucket", "bad_prefix", "bad_endpoint", "bad_style", "unknown_key", "bad_value"}));
  EXPECT_EQ(rules_of("s3://bucket"), Rules{"missing"});
  EXPECT_EQ(rules_of("s3://bucket?region=a&region=b"), Rules{"duplicate_key"});
  EXPECT_EQ(rules_of("s3://bucket?region=A%0AB"), Rules{"bad_value"});
  EXPECT_EQ(rules_of("s3://bucket?region=A/B"), Rules{"bad_region"});
  EXPECT_EQ(rules_of("s3://bucket#x?region=a"), (Rules{"fragment", "bad_bucket"}));
  EXPECT_EQ(rules_of("s3://?region=a"), Rules{"bad_bucket"});
  for (const char* bucket : {"ab", "-abc", "abc-", "a..b", "1.2.3.4", "under_score"})
    EXPECT_EQ(rules_of(std::string("s3://") + bucket + "?region=a"), Rules{"bad_bucket"}) << bucket;
  for (const char* prefix : {"../x", "a/./b", "/a", "a//", "a%2Fb", "a b", "\xc3\xbc"})
    EXPECT_EQ(rules_of(std::string("s3://abc/") + prefix + "?region=a"), Rules{"bad_prefix"})
        << prefix;
  for (const char* endpoint :
       {"host", "https://", "https://a:0", "https://a:70000", "https://a:1x", "https://a/path",
        "https://[::1", "https://[::1]x9", "https://a?b", "https://u:p@host", "https://user@host"})
    EXPECT_EQ(rules_of(std::string("s3://abc?endpoint=") + endpoint), Rules{"bad_endpoint"})
        << endpoint;
  EXPECT_EQ(parse_s3_location("https://abc").error().code(), ErrorCode::InvalidArgument);
}

TEST(S3Location, a_secret_in_the_url_is_refused_and_never_repeated) {
  for (const char* url :
       {"s3://AKIAKEY:hunter2@bucket/?region=a", "s3://bucket?region=a&secret=hunter2",
        "s3://bucket?region=a&hunter2", "s3://bucket?endpoint=https://me:hunter2@host",
        "s3://bucket?region=hunter2/x", "s3://hunter2_/?region=a", "s3://bucket?style=hunter2"}) {
    const auto parsed = parse_s3_location(url);
    ASSERT_FALSE(parsed.has_value()) << url;
    EXPECT_EQ(parsed.error().message().find("hunter2"), std::string::npos)
        << parsed.error().message();
  }
}

}  // namespace
}  // namespace martlet::artifacts

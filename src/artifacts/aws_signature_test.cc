// The vectors are those of AWS: the signature version 4 test suite (service "service", 2015), and
// the examples of "Authenticating Requests: Using the Authorization Header" of Amazon S3's API
// reference (2013). Their keys are examples and open nothing.
#include "artifacts/aws_signature.h"

#include <gtest/gtest.h>

namespace martlet::artifacts {
namespace {

std::string signature_of(const NamesAndValues& added) {
  const std::string& text = added.back().second;
  return text.substr(text.rfind('=') + 1);
}

// Of the test suite: everything is fixed but the request.
NamesAndValues sign_suite(AwsRequest request) {
  const AwsCredentials credentials{"AKIDEXAMPLE",
                                   Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), Secret()};
  request.host = "example.amazonaws.com";
  request.payload = digest_of("");
  return sign(request, credentials, {"us-east-1", "service"},
              *parse_timestamp_utc("2015-08-30T12:36:00Z"));
}

NamesAndValues sign_s3(AwsRequest request, std::string_view body) {
  const AwsCredentials credentials{"AKIAIOSFODNN7EXAMPLE",
                                   Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), Secret()};
  request.host = "examplebucket.s3.amazonaws.com";
  request.payload = digest_of(body);
  request.headers.emplace_back("x-amz-content-sha256", request.payload.hex());
  return sign(request, credentials, {"us-east-1", "s3"},
              *parse_timestamp_utc("2013-05-24T00:00:00Z"));
}

TEST(AwsSignature, agrees_with_the_suite_on_the_plainest_request) {
  const NamesAndValues added = sign_suite({"GET", "", "/", {}, {}, {}});
  ASSERT_EQ(added.size(), 2U);
  EXPECT_EQ(added[0], (std::pair<std::string, std::string>("x-amz-date", "20150830T123600Z")));
  EXPECT_EQ(added[1].second,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date, "
            "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  EXPECT_EQ(signature_of(sign_suite({"POST", "", "/", {}, {}, {}})),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

TEST(AwsSignature, agrees_with_the_suite_on_the_order_of_a_query) {
  EXPECT_EQ(signature_of(
                sign_suite({"GET", "", "/", {{"Param2", "value2"}, {"Param1", "value1"}}, {}, {}})),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

TEST(AwsSignature, agrees_with_s3_on_a_range) {
  EXPECT_EQ(signature_of(sign_s3({"GET", "", "/test.txt", {}, {{"Range", "bytes=0-9"}}, {}}, "")),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(AwsSignature, agrees_with_s3_on_a_body_and_an_encoded_path) {
  EXPECT_EQ(signature_of(sign_s3({"PUT",
                                  "",
                                  "/test%24file.text",
                                  {},
                                  {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                                   {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                                  {}},
                                 "Welcome to Amazon S3.")),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(AwsSignature, agrees_with_s3_on_queries_with_and_without_values) {
  EXPECT_EQ(signature_of(sign_s3({"GET", "", "/", {{"lifecycle", ""}}, {}, {}}, "")),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  EXPECT_EQ(
      signature_of(sign_s3({"GET", "", "/", {{"prefix", "J"}, {"max-keys", "2"}}, {}, {}}, "")),
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(AwsSignature, white_space_order_and_case_of_headers_do_not_count) {
  const auto one = sign_suite({"GET", "", "/", {}, {{"My-Two", " a   b "}, {"my-one", "x"}}, {}});
  const auto other = sign_suite({"GET", "", "/", {}, {{"MY-ONE", "x"}, {"my-two", "a b"}}, {}});
  EXPECT_EQ(one, other);
}

TEST(AwsSignature, a_session_token_is_sent_and_signed) {
  const AwsCredentials credentials{"key", Secret("secret"), Secret("token")};
  const auto added =
      sign({"GET", "host", "/", {}, {}, digest_of("")}, credentials, {"r", "s3"}, {0});
  ASSERT_EQ(added.size(), 3U);
  EXPECT_EQ(added[1].first, "x-amz-security-token");
  EXPECT_EQ(added[1].second, "token");
  EXPECT_NE(added[2].second.find("SignedHeaders=host;x-amz-date;x-amz-security-token"),
            std::string::npos);
  EXPECT_EQ(added[2].second.find("secret,"), std::string::npos);
}

TEST(AwsSignature, what_is_not_unreserved_is_encoded_byte_by_byte) {
  EXPECT_EQ(encode_uri("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(encode_uri("a b/c+ü&="), "a%20b%2Fc%2B%C3%BC%26%3D");
  EXPECT_EQ(canonical_query({{"uploads", ""}, {"a", "1/2"}}), "a=1%2F2&uploads=");
}

}  // namespace
}  // namespace martlet::artifacts

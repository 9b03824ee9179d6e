#include "server/mlflow/page_token.h"

#include <gtest/gtest.h>

namespace martlet::server::mlflow {
namespace {

TEST(PageTokens, a_token_leads_back_to_its_place_in_the_same_search_only) {
  const PageTokens tokens("0123456789abcdef0123456789abcdef");
  const PagePlace place{2, 123'456'789'012};
  const std::string token = tokens.token_of(place, "runs\nmetrics.a > 1");
  EXPECT_EQ(tokens.place_of(token, "runs\nmetrics.a > 1").value(), place);
  const PagePlace at{0, 3, -7};
  EXPECT_EQ(tokens.place_of(tokens.token_of(at, "runs"), "runs").value(), at);
  EXPECT_EQ(tokens.place_of("", "anything").value(), PagePlace{});
  EXPECT_FALSE(tokens.place_of(token, "runs\nmetrics.a > 2").has_value());
  EXPECT_FALSE(PageTokens("another key").place_of(token, "runs\nmetrics.a > 1").has_value());
  EXPECT_EQ(
      token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
      std::string::npos);
}

TEST(PageTokens, no_changed_character_passes) {
  const PageTokens tokens("key");
  const std::string token = tokens.token_of({0, 50}, "search");
  for (std::size_t i = 0; i + 1 < token.size(); ++i) {  // the last one has spare bits
    std::string forged = token;
    forged[i] = forged[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(tokens.place_of(forged, "search").has_value()) << i;
  }
  for (const char* garbage : {"x", "!!!", "eyJvZmZzZXQiOiAxMH0=", "\xff",
                              "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}) {
    const auto refused = tokens.place_of(garbage, "search");
    ASSERT_FALSE(refused.has_value()) << garbage;
    EXPECT_EQ(refused.error().code(), ErrorCode::InvalidArgument);
    EXPECT_TRUE(refused.error().message().starts_with("Invalid page token"));
  }
}

}  // namespace
}  // namespace martlet::server::mlflow

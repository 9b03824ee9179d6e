#include "registry/names.h"

#include <gtest/gtest.h>

#include <string>

namespace martlet::registry {
namespace {

TEST(Names, refuse_what_could_be_read_as_something_else) {
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("a:b"),
        std::string("a@b"), std::string("a\nb"), std::string(" a"), std::string("\xff"),
        std::string(251, 'a')}) {
    EXPECT_EQ(ModelName::parse(bad).error().code(), ErrorCode::InvalidArgument) << bad;
  }
  EXPECT_TRUE(ModelName::parse("Abwanderung größer v2.1").has_value());
  for (const std::string& bad :
       {std::string(), std::string("latest"), std::string("Latest"), std::string("v1"),
        std::string("V22"), std::string("a b"), std::string("ä"), std::string(256, 'a')}) {
    EXPECT_EQ(Alias::parse(bad).error().code(), ErrorCode::InvalidArgument) << bad;
  }
  for (const char* good : {"v", "va", "live", "challenger-2", "v1x"})
    EXPECT_TRUE(Alias::parse(good).has_value()) << good;
  EXPECT_EQ(*parse_environment("staging"), Environment::Staging);
  EXPECT_NE(parse_environment("prodution").error().message().find("production"), std::string::npos);
}

}  // namespace
}  // namespace martlet::registry

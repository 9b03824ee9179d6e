#include "metadata/database.h"
#include "metadata/place.h"

#include <gtest/gtest.h>

namespace martlet::metadata {
namespace {

TEST(Place, a_postgres_url_is_told_from_a_path) {
  EXPECT_TRUE(is_postgres_url("postgres://h/d"));
  EXPECT_TRUE(is_postgres_url("postgresql://h/d"));
  EXPECT_FALSE(is_postgres_url("/postgres"));
  EXPECT_FALSE(is_postgres_url("sqlite:a.db"));
}

TEST(Place, a_name_has_server_database_and_schema_and_no_user) {
  EXPECT_EQ(*name_of_place("postgres://ann:pw@db:5433/ml?schema=team_a&sslmode=require"),
            "postgres://db:5433/ml?schema=team_a");
  EXPECT_EQ(*name_of_place("postgres://ann@db/ml?sslmode=require"),
            "postgres://db/ml?schema=martlet");
  EXPECT_EQ(*name_of_place("postgres://a,b/ml?target_session_attrs=any"),
            "postgres://a,b/ml?schema=martlet");
}

TEST(Place, what_cannot_be_read_is_refused_without_repeating_the_password) {
  for (const std::string rest :
       {"ann:sec@ret@db/ml", "ann:sec/ret@db/ml", "ann:sec#ret@db/ml", "ann:%zzsecret@db/ml",
        "ann:secret@db/ml?sslmode", "ann:secret@db/ml?nonsense=1", "ann:secret@db/ml?schema=A",
        "ann:secret@db/ml?schema=", "ann:secret@db/ml?schema=pg_x", "ann:secret@db/ml?schema=1a",
        "ann:secret@db/ml?schema=a%22b", "ann:secret@db/ml?password=a=b"}) {
    const auto refused = Database::open("postgres://" + rest);
    ASSERT_FALSE(refused.has_value()) << rest;
    EXPECT_EQ(refused.error().code(), ErrorCode::InvalidArgument) << rest;
    EXPECT_EQ(refused.error().message().find("ret"), std::string::npos)
        << refused.error().message();
  }
}

}  // namespace
}  // namespace martlet::metadata

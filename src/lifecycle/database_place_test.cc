#include "lifecycle/database_place.h"
#include "lifecycle/store.h"
#include "platform/real_file_system.h"

#include <gtest/gtest.h>

namespace martlet::lifecycle {
namespace {

constexpr const char* kUrl = "postgres://ann:secret@db.example/ml?schema=team";

class DatabasePlaceTest : public ::testing::Test {
 protected:
  platform::TemporaryDirectory folder_ = platform::TemporaryDirectory::create().value();
  platform::RealFileSystem files_;
  std::string path(const std::string& name) { return join_path(folder_.path(), name); }
  Result<void> refuse(const std::string& url) {
    return refuse_other_database(files_, {folder_.path(), url});
  }
};

TEST_F(DatabasePlaceTest, what_a_person_names_is_a_folder_or_a_server_with_the_projects_folder) {
  EXPECT_EQ(store_place("", "/p").directory, "/p/.martlet");
  EXPECT_EQ(store_place("/s", "/p").directory, "/s");
  EXPECT_EQ(store_place("/s", "/p").database, "");
  EXPECT_EQ(store_place(kUrl, "/p").directory, "/p/.martlet");
  EXPECT_EQ(store_place(kUrl, "/p").database, kUrl);
}

TEST_F(DatabasePlaceTest, a_folder_belongs_to_the_database_that_it_was_first_used_with) {
  EXPECT_TRUE(refuse("").has_value());
  ASSERT_TRUE(refuse(kUrl).has_value());
  ASSERT_TRUE(record_database(files_, {folder_.path(), kUrl}).has_value());
  EXPECT_EQ(*files_.read_file(path("metadata.place")), "postgres://db.example/ml?schema=team\n");
  EXPECT_TRUE(refuse(kUrl).has_value());
  EXPECT_TRUE(refuse("postgres://bob@db.example/ml?schema=team&sslmode=require").has_value());
  for (const std::string other :
       {"", "postgres://ann@db.example/ml", "postgres://ann@h/ml?schema=team"}) {
    const auto refused = refuse(other);
    ASSERT_FALSE(refused.has_value()) << other;
    EXPECT_EQ(refused.error().code(), ErrorCode::InvalidArgument);
    EXPECT_NE(refused.error().message().find("postgres://db.example/ml?schema=team"),
              std::string::npos);
  }
}

TEST_F(DatabasePlaceTest, a_folder_with_records_of_its_own_is_no_servers) {
  ASSERT_TRUE(files_.write_file_durably(path("metadata.db"), "records").has_value());
  const auto refused = refuse(kUrl);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(refused.error().message().find("secret"), std::string::npos);
  EXPECT_TRUE(record_database(files_, {folder_.path()}).has_value());
  EXPECT_FALSE(files_.exists(path("metadata.place")));
}

}  // namespace
}  // namespace martlet::lifecycle

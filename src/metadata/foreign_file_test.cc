#include "metadata/foreign_file.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <stdlib.h>

namespace martlet::metadata {
namespace {

// A table that some other program might have.
struct Bird {
  std::string name;
  std::optional<std::string> call;
  double wingspan = 0;
  std::int64_t seen = 0;
  static constexpr RecordInfo kRecord{"birds", "name"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("name", self.name);
    field("call", self.call);
    field("wingspan", self.wingspan);
    field("seen", self.seen);
  }
};
struct Ringed {
  std::string name;
  std::string ring;
  static constexpr RecordInfo kRecord{"birds", "name"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("name", self.name);
    field("ring", self.ring);
  }
};

class ForeignFileTest : public ::testing::Test {
 protected:
  ForeignFileTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "martlet-test-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    path_ = directory_ + "/other.db";
    sql("CREATE TABLE birds (name VARCHAR(20) PRIMARY KEY, call TEXT, wingspan FLOAT, seen BIGINT, "
        "extra BLOB)");
    sql("INSERT INTO birds VALUES ('martlet', NULL, 0.4, 3, x'00'), ('owl', 'hoo', 1, 9, NULL)");
  }
  ~ForeignFileTest() override { std::filesystem::remove_all(directory_); }

  // As the program that owns the file.
  void sql(const std::string& text) const {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &handle), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(handle, text.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(handle);
    sqlite3_close(handle);
  }

  std::string directory_, path_;
};

TEST_F(ForeignFileTest, its_tables_are_read_as_records) {
  const auto file = ForeignFile::open(path_);
  ASSERT_TRUE(file.has_value()) << file.error().message();
  const auto birds = (*file)->select<Bird>(Query().order_by("name"));
  ASSERT_TRUE(birds.has_value()) << birds.error().message();
  ASSERT_EQ(birds->size(), 2u);
  EXPECT_EQ((*birds)[0].name, "martlet");
  EXPECT_FALSE((*birds)[0].call.has_value());
  EXPECT_EQ((*birds)[1].call, "hoo");
  EXPECT_EQ((*birds)[1].wingspan, 1.0);
  EXPECT_EQ((*file)->select<Bird>(greater("seen", 5))->size(), 1u);
  EXPECT_EQ((*file)->rows_of("birds").value(), 2);
  EXPECT_EQ((*file)->rows_of("fish").value(), 0);
}

TEST_F(ForeignFileTest, columns_that_it_lacks_are_named) {
  const auto file = ForeignFile::open(path_);
  ASSERT_TRUE(file.has_value());
  EXPECT_TRUE((*file)->missing_columns<Bird>()->empty());
  EXPECT_EQ(*(*file)->missing_columns<Ringed>(), std::vector<std::string>{"ring"});
}

TEST_F(ForeignFileTest, a_visitor_ends_the_reading_and_the_next_reading_begins_anew) {
  const auto file = ForeignFile::open(path_);
  ASSERT_TRUE(file.has_value());
  int seen = 0;
  const auto ended =
      (*file)->for_each<Bird>(Query().order_by("name"), [&](const Bird&) -> Result<void> {
        ++seen;
        return fail(ErrorCode::Cancelled, "enough");
      });
  ASSERT_FALSE(ended.has_value());
  EXPECT_EQ(ended.error().code(), ErrorCode::Cancelled);
  EXPECT_EQ(seen, 1);
  EXPECT_EQ((*file)->select<Bird>(Query().order_by("name"))->size(), 2u);
}

TEST_F(ForeignFileTest, nothing_can_be_written_and_what_the_owner_adds_is_seen) {
  const auto file = ForeignFile::open(path_);
  ASSERT_TRUE(file.has_value());
  const auto before = std::filesystem::last_write_time(path_);
  EXPECT_EQ((*file)->select<Bird>()->size(), 2u);
  EXPECT_EQ(std::filesystem::last_write_time(path_), before);
  sql("INSERT INTO birds VALUES ('wren', 'tic', 0.15, 1, NULL)");
  EXPECT_EQ((*file)->select<Bird>()->size(), 3u);
}

TEST_F(ForeignFileTest, a_value_of_another_type_is_told) {
  sql("INSERT INTO birds VALUES ('moth', NULL, 'wide', 1, NULL)");
  const auto file = ForeignFile::open(path_);
  ASSERT_TRUE(file.has_value());
  const auto birds = (*file)->select<Bird>();
  ASSERT_FALSE(birds.has_value());
  EXPECT_EQ(birds.error().code(), ErrorCode::Corrupt);
}

TEST_F(ForeignFileTest, what_is_no_database_is_refused) {
  EXPECT_EQ(ForeignFile::open(directory_ + "/absent.db").error().code(), ErrorCode::NotFound);
  std::ofstream(directory_ + "/text.db") << std::string(5000, 'x');
  EXPECT_EQ(ForeignFile::open(directory_ + "/text.db").error().code(), ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace martlet::metadata

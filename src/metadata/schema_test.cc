// Opening stores: new, older, newer, damaged and foreign ones.
#include "metadata/database.h"
#include "metadata/schema.h"
#include "metadata/testing/live_postgres.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace martlet::metadata {
namespace {

// A record as an older release had it …
struct OldNoteRecord {
  std::int64_t number = 0;
  std::string body;
  static constexpr RecordInfo kRecord{"notes", "number"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("number", self.number);
    field("body", self.body);
  }
};
// … and as it is now: a field renamed, two added.
struct NoteRecord {
  std::int64_t number = 0;
  std::string text;
  std::string author;
  std::optional<double> score;
  static constexpr RecordInfo kRecord{"notes", "number"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("number", self.number);
    field("text", self.text);
    field("author", self.author);
    field("score", self.score);
  }
};

SchemaGroup old_schema() {
  return {"notes", {{1, "notes", [](SchemaEditor& schema) {
                       return schema.create_table<OldNoteRecord>();
                     }}}};
}
SchemaGroup new_schema() {
  return {"notes",
          {{1, "notes", [](SchemaEditor& schema) { return schema.create_table<NoteRecord>(); }},
           {2, "body becomes text, notes have authors",
            [](SchemaEditor& schema) -> Result<void> {
              MARTLET_TRY(schema.rename_column("notes", "body", "text"));
              MARTLET_TRY(schema.add_column<NoteRecord>("author", Value(std::string("o'nobody"))));
              return schema.add_column<NoteRecord>("score", Value());
            }},
           {3, "authors in upper case", [](SchemaEditor& schema) {
              return schema.with_records([](Transaction& tx) {
                return tx.set_where<NoteRecord>(equal("author", "o'nobody"), "author", "O'NOBODY")
                    .map([](std::int64_t) {});
              });
            }}}};
}

using testing::Driver;

class SchemaTest : public ::testing::TestWithParam<Driver> {
 protected:
  void SetUp() override {
    if (!scratch_.available()) GTEST_SKIP() << testing::kNoPostgres;
  }
  Result<std::unique_ptr<Database>> open(SchemaGroup group) {
    return Database::open(scratch_.place(), {.schema = {std::move(group)}});
  }
  testing::TestPlace scratch_{GetParam()};
};

class SqliteFileTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Database>> open(SchemaGroup group) {
    return Database::open(path_, {.schema = {std::move(group)}});
  }
  void run_sql(const std::string& sql) {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &handle), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(handle);
    sqlite3_close(handle);
  }
  std::string bytes() {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  testing::TestPlace scratch_{Driver::Sqlite};
  std::string directory_ = scratch_.directory();
  std::string path_ = scratch_.place();
};

TEST_P(SchemaTest, an_older_store_is_brought_up_to_date_with_its_records) {
  {
    auto old = open(old_schema());
    ASSERT_TRUE(old.has_value()) << old.error().message();
    ASSERT_TRUE((*old)
                    ->write([](Transaction& tx) { return tx.insert(OldNoteRecord{7, "kept"}); })
                    .has_value());
  }
  for (int i = 0; i < 2; ++i) {  // and a second time there is nothing to do
    auto now = open(new_schema());
    ASSERT_TRUE(now.has_value()) << now.error().message();
    const auto note = (*now)->read([](const ReadTransaction& tx) { return tx.get<NoteRecord>(7); });
    ASSERT_TRUE(note.has_value() && note->has_value());
    EXPECT_EQ((*note)->text, "kept");
    EXPECT_EQ((*note)->author, "O'NOBODY");
    EXPECT_FALSE((*note)->score.has_value());
  }
}

TEST_P(SchemaTest, a_new_store_ends_up_like_a_migrated_one) {
  auto opened = open(new_schema());
  ASSERT_TRUE(opened.has_value()) << opened.error().message();
  EXPECT_TRUE((*opened)
                  ->write([](Transaction& tx) { return tx.insert(NoteRecord{1, "a", "b", 0.5}); })
                  .has_value());
}

TEST_P(SchemaTest, a_store_of_a_newer_martlet_is_refused) {
  ASSERT_TRUE(open(new_schema()).has_value());
  const auto older = open(old_schema());
  ASSERT_FALSE(older.has_value());
  EXPECT_EQ(older.error().code(), ErrorCode::InvalidArgument);
  EXPECT_NE(older.error().message().find("newer martlet"), std::string::npos);
  EXPECT_EQ(Database::open(scratch_.place()).error().code(),
            ErrorCode::InvalidArgument);  // a group that is unknown altogether
}

TEST_P(SchemaTest, a_failed_migration_leaves_the_store_as_it_was) {
  ASSERT_TRUE(open(old_schema()).has_value());
  SchemaGroup failing = new_schema();
  failing.migrations.push_back(
      {4, "explodes", [](SchemaEditor&) -> Result<void> { return internal_error("boom"); }});
  const auto failed = open(failing);
  ASSERT_FALSE(failed.has_value());
  EXPECT_NE(failed.error().message().find("notes 4 (explodes): boom"), std::string::npos)
      << failed.error().message();
  EXPECT_TRUE(open(old_schema()).has_value());
  EXPECT_TRUE(open(new_schema()).has_value());
}

TEST_F(SqliteFileTest, another_programs_database_is_refused_and_untouched) {
  run_sql("CREATE TABLE theirs (a)");
  const std::string before = bytes();
  const auto refused = open(new_schema());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::InvalidArgument);
  EXPECT_NE(refused.error().message().find("not a martlet store"), std::string::npos);
  EXPECT_EQ(bytes(), before);
}

TEST_F(SqliteFileTest, a_file_that_is_no_database_is_refused) {
  std::ofstream(path_) << std::string(5000, 'x');
  EXPECT_EQ(open(new_schema()).error().code(), ErrorCode::InvalidArgument);
}

TEST_F(SqliteFileTest, a_missing_directory_is_a_clear_error) {
  const auto refused = Database::open(directory_ + "/nowhere/metadata.db");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::NotFound) << refused.error().message();
}

TEST_F(SqliteFileTest, a_value_that_cannot_be_the_field_is_corrupt_and_named) {
  Row row = to_row(NoteRecord{1, "a", "b", 0.5});
  row[0] = Value(std::string("one"));
  const auto bad = from_row<NoteRecord>(std::move(row));
  ASSERT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().code(), ErrorCode::Corrupt);
  EXPECT_NE(bad.error().message().find("field number"), std::string::npos);
}

TEST_F(SqliteFileTest, damaged_pages_are_found_not_crashed_upon) {
  {
    auto opened = open(new_schema());
    for (std::int64_t i = 0; i < 200; ++i) {
      ASSERT_TRUE((*opened)
                      ->write([&](Transaction& tx) {
                        return tx.insert(NoteRecord{i, std::string(500, 'x'), "a", 0.5});
                      })
                      .has_value());
    }
  }
  const std::string sound = bytes();
  ASSERT_GT(sound.size(), 10U * 4096U);
  int noticed = 0;
  for (std::size_t page = 0; page * 4096 < sound.size(); page += 3) {
    std::string damaged = sound;
    for (std::size_t i = 0; i < 64; ++i)
      damaged[page * 4096 + 100 * (page == 0 ? 1U : 0U) + i] = static_cast<char>(0xa5);
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << damaged;
    auto opened = open(new_schema());
    if (!opened.has_value()) {
      ++noticed;
      continue;
    }
    const auto findings = (*opened)->check_integrity();
    noticed += !findings.has_value() || !findings->empty() ? 1 : 0;
  }
  EXPECT_GE(noticed, 4);
}

TEST_P(SchemaTest, processes_that_open_a_new_store_at_once_all_succeed) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([this] {
      const auto opened = open(new_schema());
      EXPECT_TRUE(opened.has_value()) << opened.error().message();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(SchemaTest, an_index_is_dropped_by_the_columns_that_made_it) {
  SchemaGroup group{"notes",
                    {{1, "notes of one author each", [](SchemaEditor& schema) -> Result<void> {
                        MARTLET_TRY(schema.create_table<NoteRecord>());
                        return schema.create_index<NoteRecord>({"author"}, Uniqueness::Unique);
                      }}}};
  const auto insert = [](Database& database, std::int64_t number) {
    return database.write(
        [&](Transaction& tx) { return tx.insert(NoteRecord{number, "text", "ada", 0.5}); });
  };
  {
    auto opened = open(group);
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    ASSERT_TRUE(insert(**opened, 1).has_value());
    EXPECT_EQ(insert(**opened, 2).error().code(), ErrorCode::AlreadyExists);
  }
  group.migrations.push_back({2, "authors of many notes", [](SchemaEditor& schema) {
                                return schema.drop_index<NoteRecord>({"author"});
                              }});
  auto opened = open(group);
  ASSERT_TRUE(opened.has_value()) << opened.error().message();
  EXPECT_TRUE(insert(**opened, 2).has_value());
}

TEST_F(SqliteFileTest, a_path_may_say_that_it_is_sqlites) {
  ASSERT_TRUE(Database::open("sqlite:" + path_, {.schema = {new_schema()}}).has_value());
  EXPECT_TRUE(std::filesystem::exists(path_));
}

INSTANTIATE_TEST_SUITE_P(Drivers, SchemaTest, ::testing::Values(Driver::Sqlite, Driver::Postgres),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace martlet::metadata

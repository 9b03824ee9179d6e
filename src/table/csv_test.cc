#include "table/csv.h"
#include "table/files.h"
#include "table/json_lines.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <stdlib.h>

namespace martlet::table {
namespace {

using columns::Batch;
using columns::Column;
using columns::Schema;
using columns::Type;

class Csv : public testing::Test {
 protected:
  Csv() {
    std::string pattern = testing::TempDir() + "martlet_csv_XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~Csv() override { std::filesystem::remove_all(directory_); }

  std::string file(const std::string& name, std::string_view text) const {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  static Result<Batch> read(const std::string& path, const CsvOptions& options = {}) {
    return read_csv(std::span(&path, 1), options);
  }
  static std::string failure(const Result<Batch>& result) {
    return result.has_value() ? "it did not fail" : result.error().message();
  }
  std::string directory_;
};

TEST_F(Csv, types_are_found_from_every_value) {
  const auto batch = read(file(
      "t.csv",
      "b,i,d,day,at,t,none,big\r\n"
      "true,1,1,2013-01-01,2013-01-01T05:00:00Z,x,,1\r\n"
      "FALSE,-2,2.5e1,2013-12-31,2013-01-01 06:00,\"a, \"\"b\"\"\nc\",,99999999999999999999\r\n"
      ",,,,,,,\r\n"));
  ASSERT_TRUE(batch.has_value()) << batch.error().message();
  EXPECT_EQ(batch->schema(), Schema({{"b", Type::Bool},
                                     {"i", Type::Int64},
                                     {"d", Type::Double},
                                     {"day", Type::Date},
                                     {"at", Type::Timestamp},
                                     {"t", Type::Text},
                                     {"none", Type::Double},
                                     {"big", Type::Text}}));
  EXPECT_EQ(batch->rows(), 3U);
  EXPECT_EQ(batch->column(5).text(1), "a, \"b\"\nc");
  EXPECT_EQ(batch->column(2).doubles()[1], 25);
  for (const Column& column : batch->columns()) EXPECT_TRUE(column.is_missing(2));
}

TEST_F(Csv, only_the_empty_field_is_missing_unless_more_is_named) {
  const std::string path = file("t.csv", "a,b\n1, ?\nNA,x\n3,\n");
  auto plain = read(path);
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->schema()[0].type, Type::Text);
  EXPECT_EQ(plain->column(1).missing_count(), 1U);
  EXPECT_EQ(plain->column(1).text(0), " ?");
  auto named = read(path, {.nulls = {"?", "NA"}, .trim = true});
  ASSERT_TRUE(named.has_value());
  EXPECT_EQ(named->schema()[0].type, Type::Int64);
  EXPECT_EQ(named->column(1).missing_count(), 2U);
}

TEST_F(Csv, delimiter_comment_skip_decimal_and_names_are_obeyed) {
  const auto batch =
      read(file("t.csv", "exported by x\n# note\n1;1,5\n2;2\n"),
           {.header = false, .names = {"n", "v"}, .comment = '#', .skip_lines = 1, .decimal = ','});
  ASSERT_TRUE(batch.has_value()) << batch.error().message();
  EXPECT_EQ(batch->schema(), Schema({{"n", Type::Int64}, {"v", Type::Double}}));
  EXPECT_EQ(batch->column(1).doubles()[0], 1.5);
}

TEST_F(Csv, a_file_that_begins_with_a_byte_order_mark_has_clean_names) {
  const auto batch = read(file("t.csv", "\xef\xbb\xbf"
                                        "id\tname\n1\tx\n"));
  ASSERT_TRUE(batch.has_value()) << batch.error().message();
  EXPECT_EQ(batch->schema()[0].name, "id");
  EXPECT_EQ(batch->width(), 2U);
}

TEST_F(Csv, columns_that_share_a_name_are_told_apart) {
  const auto batch = read(file("t.csv", "a,a,,a\n1,2,3,4\n"));
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->schema().names(), (std::vector<std::string>{"a", "a_1", "column2", "a_2"}));
}

TEST_F(Csv, a_ragged_row_names_file_and_line) {
  const std::string path = file("ragged.csv", "a,b,c\n1,2,3\n4,5\n6,7,8\n");
  const auto batch = read(path);
  ASSERT_FALSE(batch.has_value());
  EXPECT_EQ(batch.error().code(), ErrorCode::InvalidArgument);
  EXPECT_NE(failure(batch).find("ragged.csv"), std::string::npos);
  EXPECT_NE(failure(batch).find("Line: 3"), std::string::npos) << failure(batch);
  EXPECT_NE(failure(batch).find("Expected Number of Columns: 3 Found: 2"), std::string::npos)
      << failure(batch);
  EXPECT_EQ(failure(batch).find("strict_mode"), std::string::npos)
      << "DuckDB's own options are no advice here";
}

TEST_F(Csv, broken_quotes_and_bytes_are_refused) {
  EXPECT_NE(failure(read(file("q.csv", "a,b\n1,\"x\n"))).find("unterminated quote"),
            std::string::npos);
  EXPECT_NE(failure(read(file("u.csv", "a,b\n1,\xff\xfe\n"))).find("utf-8"), std::string::npos);
  EXPECT_NE(failure(read(file("e.csv", ""))).find("it is empty"), std::string::npos);
}

TEST_F(Csv, a_bad_date_names_file_line_column_and_value) {
  const std::string path = file("d.csv", "id,day\n1,2013-01-01\n2,\"2013-01-02\"\n3,2013-13-01\n");
  const auto batch = read(path, {.types = {{"day", Type::Date}}});
  ASSERT_FALSE(batch.has_value());
  for (const char* part : {"d.csv", "line 4", "row 3", "\"day\"", "2013-13-01"}) {
    EXPECT_NE(failure(batch).find(part), std::string::npos) << part << " in " << failure(batch);
  }
}

TEST_F(Csv, a_declared_type_needs_its_column) {
  const auto batch = read(file("d.csv", "distance\n1\n"), {.types = {{"distanse", Type::Double}}});
  EXPECT_NE(failure(batch).find("did you mean \"distance\""), std::string::npos) << failure(batch);
}

TEST_F(Csv, bare_times_are_read_in_the_zone) {
  const auto batch = read(file("z.csv", "at\n2013-07-01 05:00\n2013-07-01T05:00:00+02:00\n"),
                          {.zone = Zone::find("America/New_York").value()});
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(to_text(Timestamp{batch->column(0).int64s()[0]}), "2013-07-01T09:00:00Z");
  EXPECT_EQ(to_text(Timestamp{batch->column(0).int64s()[1]}), "2013-07-01T03:00:00Z");
}

TEST_F(Csv, files_of_one_source_are_joined_by_name) {
  const std::vector<std::string> paths{file("1.csv", "a,b\n1,x\n"), file("2.csv", "b,a\ny,2.5\n")};
  const auto batch = read_csv(paths);
  ASSERT_TRUE(batch.has_value()) << batch.error().message();
  EXPECT_EQ(batch->schema(), Schema({{"a", Type::Double}, {"b", Type::Text}}));
  EXPECT_EQ(batch->column(0).doubles()[1], 2.5);
  EXPECT_EQ(batch->column(1).text(1), "y");
}

TEST_F(Csv, schema_drift_names_both_files_and_the_column) {
  const std::vector<std::string> paths{file("1.csv", "a,b\n1,x\n"), file("2.csv", "a\n2\n")};
  const auto batch = read_csv(paths);
  for (const char* part : {"1.csv", "2.csv", "\"b\""})
    EXPECT_NE(failure(batch).find(part), std::string::npos);
}

TEST_F(Csv, patterns_are_expanded_in_order) {
  file("b2.csv", "");
  file("b1.csv", "");
  const std::string a = file("a.csv", "");
  const std::vector<std::string> patterns{directory_ + "/b*.csv", a, directory_ + "/b1.csv"};
  const auto files = find_files(patterns);
  ASSERT_TRUE(files.has_value()) << files.error().message();
  EXPECT_EQ(*files, (std::vector<std::string>{directory_ + "/b1.csv", directory_ + "/b2.csv", a}));
}

TEST_F(Csv, plain_paths_keep_their_order_and_stand_once) {
  const std::string b = file("b.csv", "");
  const std::string a = file("a.csv", "");
  const std::vector<std::string> paths{b, a, b};
  EXPECT_EQ(*find_files(paths), (std::vector<std::string>{b, a}));
  const std::vector<std::string> gone{b, directory_ + "/gone.csv"};
  EXPECT_EQ(find_files(gone).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(find_files(std::span(&directory_, 1)).error().code(), ErrorCode::NotFound)
      << "a folder is no file";
}

TEST_F(Csv, missing_files_and_empty_patterns_are_not_found) {
  for (const std::string name : {"nowhere.csv", "nowhere*.csv"}) {
    const std::string path = directory_ + "/" + name;
    const auto files = find_files(std::span(&path, 1));
    ASSERT_FALSE(files.has_value());
    EXPECT_EQ(files.error().code(), ErrorCode::NotFound);
    EXPECT_NE(files.error().message().find(name), std::string::npos);
    EXPECT_EQ(read(path).error().code(), ErrorCode::NotFound);
  }
}

TEST_F(Csv, what_is_written_reads_back_the_same) {
  const Batch batch(Schema({{"n", Type::Double}, {"t", Type::Text}, {"at", Type::Timestamp}}),
                    {Column::of_doubles({0.1, 0}, {1, 0}), Column::of_texts({"a \"b\",\nc", "x"}),
                     Column::of_timestamps({1'364'774'400'000'000, 0}, {1, 0})});
  const auto back = read(file("out.csv", csv_text(batch)));
  ASSERT_TRUE(back.has_value()) << back.error().message();
  EXPECT_TRUE(back->equals(batch)) << csv_text(batch);
}

TEST_F(Csv, json_lines_find_their_types_and_keep_what_is_nested) {
  const std::string path = file(
      "t.jsonl", "{\"a\":1,\"s\":\"1\",\"at\":\"2013-01-01T00:00:00Z\",\"o\":{\"x\":[1,2]}}\n\n"
                 "{\"a\":2.5,\"b\":true}\n");
  const auto batch = read_json_lines(std::span(&path, 1));
  ASSERT_TRUE(batch.has_value()) << batch.error().message();
  EXPECT_EQ(batch->schema(), Schema({{"a", Type::Double},
                                     {"s", Type::Text},
                                     {"at", Type::Timestamp},
                                     {"o", Type::Text},
                                     {"b", Type::Bool}}));
  EXPECT_EQ(batch->column(3).text(0), "{\"x\":[1,2]}");
  EXPECT_TRUE(batch->column(4).is_missing(0));
  const std::string again = file("again.jsonl", json_lines_text(*batch));
  EXPECT_TRUE(read_json_lines(std::span(&again, 1))->equals(*batch));
}

TEST_F(Csv, a_broken_json_line_names_file_and_line) {
  const std::string path = file("t.jsonl", "{\"a\":1}\n{\"a\":\n");
  const auto batch = read_json_lines(std::span(&path, 1));
  EXPECT_NE(failure(batch).find("t.jsonl, line 2"), std::string::npos) << failure(batch);
}

}  // namespace
}  // namespace martlet::table

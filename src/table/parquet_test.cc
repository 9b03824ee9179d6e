#include "base/digest.h"
#include "table/parquet.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdlib.h>

namespace martlet::table {
namespace {

using columns::Batch;
using columns::Column;
using columns::Schema;
using columns::Type;

class Parquet : public testing::Test {
 protected:
  Parquet() {
    std::string pattern = testing::TempDir() + "martlet_parquet_XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~Parquet() override { std::filesystem::remove_all(directory_); }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  static std::string bytes_of(const std::string& file) {
    std::ostringstream bytes;
    bytes << std::ifstream(file, std::ios::binary).rdbuf();
    return bytes.str();
  }
  static Result<Batch> read(const std::string& file, const ParquetOptions& options = {}) {
    return read_parquet(std::span(&file, 1), options);
  }
  std::string directory_;
};

Batch small() {
  return Batch(Schema({{"i", Type::Int64},
                       {"t", Type::Text},
                       {"at", Type::Timestamp},
                       {"day", Type::Date},
                       {"b", Type::Bool}}),
               {Column::of_int64s({1, 2, 3}, {1, 0, 1}),
                Column::of_texts({"x", "", "z"}, {1, 1, 0}),
                Column::of_timestamps({0, -1, 1'364'774'400'000'001}),
                Column::of_dates({0, 15'796, -3}), Column::of_bools({1, 0, 1})});
}

Batch large(std::size_t rows) {
  std::vector<std::int64_t> keys(rows);
  std::vector<double> values(rows);
  std::vector<std::string> names(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    keys[i] = static_cast<std::int64_t>(i * 2'654'435'761 % 1'000'003);
    values[i] = std::sin(static_cast<double>(i));
    names[i] = "name " + std::to_string(i % 97);
  }
  return Batch(Schema({{"key", Type::Int64}, {"value", Type::Double}, {"name", Type::Text}}),
               {Column::of_int64s(keys), Column::of_doubles(values), Column::of_texts(names)});
}

TEST_F(Parquet, every_type_comes_back) {
  ASSERT_TRUE(write_parquet(small(), path("a.parquet")).has_value());
  const auto back = read(path("a.parquet"));
  ASSERT_TRUE(back.has_value()) << back.error().message();
  EXPECT_EQ(back->schema(), small().schema());
  EXPECT_TRUE(back->equals(small()));
}

TEST_F(Parquet, the_same_table_gives_the_same_bytes_however_it_came_about) {
  const Batch batch = large(150'000);
  ASSERT_TRUE(write_parquet(batch, path("1.parquet")).has_value());
  const Digest first = digest_of(bytes_of(path("1.parquet")));
  ASSERT_TRUE(write_parquet(batch, path("2.parquet")).has_value());
  EXPECT_EQ(digest_of(bytes_of(path("2.parquet"))), first);
  for (const int threads : {1, 2}) {
    auto engine = Engine::open({.threads = threads});
    ASSERT_TRUE((*engine)->register_batch("t", batch).has_value());
    // The condition is always true; it makes the pieces that arrive uneven.
    const auto done = write_parquet(
        **engine, "select * from t where key >= 0 and length(name) < 99", path("3.parquet"));
    ASSERT_TRUE(done.has_value()) << done.error().message();
    EXPECT_EQ(digest_of(bytes_of(path("3.parquet"))), first) << threads << " threads";
  }
  auto reread = read(path("1.parquet"), {.threads = 2});
  ASSERT_TRUE(write_parquet(*reread, path("4.parquet")).has_value());
  EXPECT_EQ(digest_of(bytes_of(path("4.parquet"))), first);
}

TEST_F(Parquet, an_empty_table_keeps_its_columns) {
  ASSERT_TRUE(write_parquet(small().slice(0, 0), path("e.parquet")).has_value());
  const auto back = read(path("e.parquet"));
  ASSERT_TRUE(back.has_value()) << back.error().message();
  EXPECT_EQ(back->rows(), 0U);
  EXPECT_EQ(back->schema(), small().schema());
  EXPECT_EQ(*parquet_schema(path("e.parquet")), small().schema());
}

TEST_F(Parquet, only_the_wanted_columns_are_read_in_their_order) {
  ASSERT_TRUE(write_parquet(small(), path("a.parquet")).has_value());
  EXPECT_EQ(read(path("a.parquet"), {.columns = {"t", "i"}})->schema().names(),
            (std::vector<std::string>{"t", "i"}));
  const auto unknown = read(path("a.parquet"), {.columns = {"daay"}});
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code(), ErrorCode::NotFound);
  EXPECT_NE(unknown.error().message().find("did you mean \"day\""), std::string::npos);
}

TEST_F(Parquet, a_truncated_file_is_corrupt_and_named) {
  ASSERT_TRUE(write_parquet(large(5'000), path("whole.parquet")).has_value());
  const std::string bytes = bytes_of(path("whole.parquet"));
  for (const std::size_t size :
       {bytes.size() / 2, bytes.size() - 1, std::size_t{4}, std::size_t{0}}) {
    std::ofstream(path("cut.parquet"), std::ios::binary) << bytes.substr(0, size);
    const auto cut = read(path("cut.parquet"));
    ASSERT_FALSE(cut.has_value()) << size;
    EXPECT_EQ(cut.error().code(), ErrorCode::Corrupt) << cut.error().message();
    EXPECT_NE(cut.error().message().find("cut.parquet"), std::string::npos);
  }
}

TEST_F(Parquet, a_file_with_a_damaged_page_header_is_corrupt) {
  ASSERT_TRUE(write_parquet(large(5'000), path("d.parquet")).has_value());
  std::string bytes = bytes_of(path("d.parquet"));
  for (std::size_t i = 4; i < 40; ++i) bytes[i] = static_cast<char>(bytes[i] ^ 0x5a);
  std::ofstream(path("d.parquet"), std::ios::binary) << bytes;
  const auto damaged = read(path("d.parquet"));
  ASSERT_FALSE(damaged.has_value());
  EXPECT_EQ(damaged.error().code(), ErrorCode::Corrupt) << damaged.error().message();
}

TEST_F(Parquet, schema_drift_names_both_files) {
  ASSERT_TRUE(write_parquet(small(), path("1.parquet")).has_value());
  const std::vector<std::string> without{"t"};
  ASSERT_TRUE(write_parquet(small().without(without), path("2.parquet")).has_value());
  const auto changed = small().with("i", Column::of_texts({"1", "2", "3"}));
  ASSERT_TRUE(write_parquet(changed, path("3.parquet")).has_value());
  for (const auto* other : {"2.parquet", "3.parquet"}) {
    const std::vector<std::string> both{path("1.parquet"), path(other)};
    const auto result = read_parquet(both);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code(), ErrorCode::InvalidArgument);
    EXPECT_NE(result.error().message().find("1.parquet"), std::string::npos);
    EXPECT_NE(result.error().message().find(other), std::string::npos);
  }
}

TEST_F(Parquet, bare_timestamps_are_read_in_the_zone) {
  auto engine = Engine::open({.access = Access::Sources});
  ASSERT_TRUE((*engine)
                  ->execute("copy (select timestamp '2013-07-01 05:00' as at) to " +
                            quote_text(path("b.parquet")) + " (format parquet)")
                  .has_value());
  const auto batch = read(path("b.parquet"), {.zone = Zone::find("America/New_York").value()});
  ASSERT_TRUE(batch.has_value()) << batch.error().message();
  EXPECT_EQ(to_text(Timestamp{batch->column(0).int64s()[0]}), "2013-07-01T09:00:00Z");
}

}  // namespace
}  // namespace martlet::table

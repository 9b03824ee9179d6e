#include "artifacts/directory_blob_store.h"
#include "data/version_difference.h"
#include "metadata/database.h"
#include "platform/real_file_system.h"

#include <gtest/gtest.h>

namespace martlet::data {
namespace {

using columns::Batch;
using columns::Column;
using columns::Schema;
using columns::Type;

// A store with parts of four rows.
struct Shelf {
  explicit Shelf(const std::string& directory)
      : database(metadata::Database::open(directory + "/metadata.db", {.schema = {data_schema()}})
                     .value()),
        blobs(artifacts::DirectoryBlobStore::open(files, directory + "/blobs").value()),
        versions(*database, *blobs, files, clock, directory + "/scratch", 4) {}

  DatasetVersion publish(Batch batch) {
    BuiltDataset made{.name = "flights"};
    made.rows = std::move(batch);
    return versions.publish(made).value().version;
  }

  platform::RealFileSystem files;
  VirtualClock clock{Timestamp{1'893'456'000'000'000}};
  std::unique_ptr<metadata::Database> database;
  std::unique_ptr<artifacts::BlobStore> blobs;
  VersionStore versions;
};

class VersionDifferences : public testing::Test {
 protected:
  static platform::TemporaryDirectory folder() {
    return platform::TemporaryDirectory::create(testing::TempDir(), "martlet-differ-").value();
  }
  static Batch rows(std::vector<std::int64_t> ids, std::vector<double> values) {
    return Batch(Schema({{"id", Type::Int64}, {"value", Type::Double}}),
                 {Column::of_int64s(std::move(ids)), Column::of_doubles(std::move(values))});
  }

  platform::TemporaryDirectory first_folder_ = folder();
  platform::TemporaryDirectory second_folder_ = folder();
  Shelf first_{first_folder_.path()};
  Shelf second_{second_folder_.path()};
};

TEST_F(VersionDifferences, equal_rows_have_none) {
  const DatasetVersion a = first_.publish(rows({1, 2, 3, 4, 5}, {1, 2, 3, 4, 5}));
  const DatasetVersion b = second_.publish(rows({1, 2, 3, 4, 5}, {1, 2, 3, 4, 5}));
  EXPECT_FALSE(first_difference(first_.versions, a, second_.versions, b).value().has_value());
}

TEST_F(VersionDifferences, one_cell_is_named_by_part_row_and_column) {
  const DatasetVersion a = first_.publish(rows({1, 2, 3, 4, 5, 6}, {1, 2, 3, 4, 5, 6}));
  const DatasetVersion b = second_.publish(rows({1, 2, 3, 4, 5, 6}, {1, 2, 3, 4, 5, 6.5}));
  const auto found = first_difference(first_.versions, a, second_.versions, b).value();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->where, "part 2, row 2, column value");
  EXPECT_EQ(found->part, 2);
  EXPECT_EQ(found->row, 6);
  EXPECT_EQ(found->column, "value");
  EXPECT_EQ(found->expected, Json(6));
  EXPECT_EQ(found->actual, Json(6.5));
}

TEST_F(VersionDifferences, the_sign_of_zero_is_a_difference_as_it_is_in_the_bytes) {
  const DatasetVersion a = first_.publish(rows({1}, {0.0}));
  const DatasetVersion b = second_.publish(rows({1}, {-0.0}));
  ASSERT_NE(a.digest, b.digest);
  const auto found = first_difference(first_.versions, a, second_.versions, b).value();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->column, "value");
}

TEST_F(VersionDifferences, missing_rows_and_parts_are_counted) {
  const DatasetVersion a = first_.publish(rows({1, 2, 3}, {1, 2, 3}));
  const DatasetVersion b = second_.publish(rows({1, 2}, {1, 2}));
  const auto fewer = first_difference(first_.versions, a, second_.versions, b).value();
  EXPECT_EQ(fewer->where, "part 1, the number of its rows");
  EXPECT_EQ(fewer->expected, Json(3));
  EXPECT_EQ(fewer->actual, Json(2));
  const DatasetVersion c = first_.publish(rows({1, 2, 3, 4, 5}, {1, 2, 3, 4, 5}));
  const DatasetVersion d = second_.publish(rows({1, 2, 3, 4}, {1, 2, 3, 4}));
  const auto part = first_difference(first_.versions, c, second_.versions, d).value();
  EXPECT_EQ(part->where, "part 2");
  EXPECT_TRUE(part->actual.is_null());
}

TEST_F(VersionDifferences, other_columns_are_named_before_any_row) {
  const DatasetVersion a = first_.publish(rows({1}, {1}));
  const DatasetVersion b =
      second_.publish(Batch(Schema({{"id", Type::Int64}, {"price", Type::Double}}),
                            {Column::of_int64s({1}), Column::of_doubles({1})}));
  const auto found = first_difference(first_.versions, a, second_.versions, b).value();
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(found->where.starts_with("columns")) << found->where;
  EXPECT_EQ(found->expected, Json("value"));
  EXPECT_EQ(found->actual, Json("price"));
}

TEST_F(VersionDifferences, a_version_taken_over_from_another_store_is_the_same) {
  const DatasetVersion a = first_.publish(rows({1, 2, 3, 4, 5}, {1, 2, 3, 4, 5}));
  second_.publish(rows({9}, {9}));
  const Published taken = second_.versions.adopt(a, *first_.blobs).value();
  EXPECT_EQ(taken.version.digest, a.digest);
  EXPECT_EQ(taken.version.number, 2);
  EXPECT_TRUE(second_.versions.load(taken.version)->equals(*first_.versions.load(a)));
}

TEST_F(VersionDifferences, a_version_whose_part_is_gone_cannot_be_taken_over) {
  const DatasetVersion a = first_.publish(rows({1}, {1}));
  ASSERT_TRUE(first_.blobs->remove(a.parts[0].digest).has_value());
  const auto taken = second_.versions.adopt(a, *first_.blobs);
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().code(), ErrorCode::NotFound);
  EXPECT_NE(taken.error().message().find("flights@v1"), std::string::npos);
}

}  // namespace
}  // namespace martlet::data

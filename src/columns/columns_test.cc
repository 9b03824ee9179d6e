#include "columns/batch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace martlet::columns {
namespace {

Batch sample() {
  Schema schema(
      {{"id", Type::Int64}, {"name", Type::Text}, {"x", Type::Double}, {"at", Type::Timestamp}});
  return Batch(schema, {Column::of_int64s({1, 2, 3}), Column::of_texts({"a", "", "ccc"}, {1, 0, 1}),
                        Column::of_doubles({1.5, std::nan(""), 0}),
                        Column::of_timestamps({0, 5, 7}, {1, 1, 0})});
}

TEST(Batch, taking_and_slicing_keep_values_and_missing_places) {
  const Batch batch = sample();
  const std::uint32_t rows[] = {2, 0};
  const Batch taken = batch.take(rows);
  EXPECT_EQ(taken.column(1).text(0), "ccc");
  EXPECT_TRUE(taken.column(3).is_missing(0));
  EXPECT_TRUE(batch.slice(1, 1).column(1).is_missing(0));
  EXPECT_TRUE(batch.slice(0, 2).append(batch.slice(2, 1)).value().equals(batch));
}

TEST(Batch, an_absent_column_is_named_with_the_nearest_one) {
  const Batch batch = sample();
  const auto missing = batch.column("nam");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code(), ErrorCode::NotFound);
  EXPECT_NE(missing.error().message().find("did you mean \"name\""), std::string::npos);
}

TEST(Column, a_builder_gives_back_what_it_was_given) {
  const Batch batch = sample();
  for (const Column& column : batch.columns()) {
    ColumnBuilder builder(column.type());
    for (std::size_t i = 0; i < column.size(); ++i) builder.push(column.cell(i));
    EXPECT_TRUE(builder.finish().equals(column));
  }
}

TEST(Cell, json_is_read_as_the_declared_type_only) {
  const Zone zone = Zone::find("America/New_York").value();
  EXPECT_EQ(cell_from_json(Json(3.0), Type::Int64, zone).value().integer, 3);
  EXPECT_FALSE(cell_from_json(Json(3.5), Type::Int64, zone).has_value());
  EXPECT_FALSE(cell_from_json(Json(std::numeric_limits<std::uint64_t>::max()), Type::Int64, zone)
                   .has_value());
  EXPECT_FALSE(cell_from_json(Json("3"), Type::Double, zone).has_value());
  EXPECT_TRUE(cell_from_json(Json(nullptr), Type::Text, zone).value().missing);
  EXPECT_EQ(to_text(cell_from_json(Json("2013-01-01T05:15"), Type::Timestamp, zone).value()),
            "2013-01-01T10:15:00Z");
  EXPECT_FALSE(cell_from_json(Json("2013-13-01"), Type::Date, zone).has_value());
}

TEST(Row, a_copy_owns_its_texts) {
  Row copy;
  {
    Row row;
    row.push_back(Cell::of_text("long enough not to be stored in place, certainly"));
    copy = row;
  }
  EXPECT_EQ(copy[0].text, "long enough not to be stored in place, certainly");
}

TEST(Schema, json_round_trip) {
  const Schema schema = sample().schema();
  EXPECT_EQ(Schema::from_json(schema.to_json()).value(), schema);
  EXPECT_FALSE(Schema::from_json(Json::parse(R"([{"name":"a","type":"float"}])")).has_value());
}

}  // namespace
}  // namespace martlet::columns

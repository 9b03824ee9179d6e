#include "data/profile.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace martlet::data {
namespace {

using columns::Batch;
using columns::Column;
using columns::Schema;
using columns::Type;

TEST(Profile, figures_of_numbers_equal_those_of_pandas) {
  // pandas 3.1.1, on [3, 1, nan, 2, 2, 0, -4.5, 1e6]: describe(), quantile(), nunique().
  const double missing = std::numeric_limits<double>::quiet_NaN();
  const auto p = profile_column("x", Column::of_doubles({3, 1, missing, 2, 2, 0, -4.5, 1e6}));
  EXPECT_EQ(p.nulls, 1);
  EXPECT_EQ(p.distinct, 6);
  EXPECT_EQ(p.min, -4.5);
  EXPECT_EQ(p.max, 1e6);
  EXPECT_NEAR(*p.mean, 142857.64285714287, 1e-9);
  EXPECT_NEAR(*p.stddev, 377964.2525379345, 1e-6);
  EXPECT_DOUBLE_EQ(*p.p25, 0.5);
  EXPECT_DOUBLE_EQ(*p.p50, 2);
  EXPECT_DOUBLE_EQ(*p.p75, 2.5);
  EXPECT_EQ(p.zeros, 1);
  EXPECT_TRUE(p.top.is_null());
}

TEST(Profile, integers_beyond_doubles_are_told_apart) {
  const std::int64_t big = (std::int64_t{1} << 53) + 1;
  const auto p = profile_column("id", Column::of_int64s({big, big - 1, 5, 0}, {1, 1, 1, 0}));
  EXPECT_EQ(p.distinct, 3);
  EXPECT_EQ(p.max, big);
  EXPECT_EQ(p.nulls, 1);
  EXPECT_EQ(p.zeros, 0);
}

TEST(Profile, the_top_value_is_the_most_frequent_and_first_among_equals) {
  const auto p =
      profile_column("t", Column::of_texts({"b", "a", "a", "b", "", "c"}, {1, 1, 1, 1, 0, 1}));
  EXPECT_EQ(p.top, "b");
  EXPECT_EQ(p.top_count, 2);
  EXPECT_EQ(p.distinct, 3);
  EXPECT_EQ(p.nulls, 1);
  EXPECT_TRUE(p.min.is_null());
}

TEST(Profile, dates_and_times_have_ranges_as_iso_texts) {
  const auto p = profile_column("d", Column::of_dates({0, 15'796, 0}));
  EXPECT_EQ(p.min, "1970-01-01");
  EXPECT_EQ(p.max, "2013-04-01");
  EXPECT_EQ(p.top, "1970-01-01");
  EXPECT_EQ(p.top_count, 2);
  EXPECT_EQ(p.distinct, 2);
}

TEST(Profile, an_empty_column_has_no_figures) {
  const auto p = profile_column("x", Column::missing(Type::Double, 3));
  EXPECT_EQ(p.nulls, 3);
  EXPECT_EQ(p.distinct, 0);
  EXPECT_FALSE(p.mean.has_value());
  EXPECT_TRUE(p.min.is_null());
  const auto one = profile_column("x", Column::of_doubles({4}));
  EXPECT_EQ(one.mean, 4);
  EXPECT_FALSE(one.stddev.has_value()) << "pandas gives NaN";
}

TEST(Profile, suspicious_spellings_of_missing_are_reported_not_believed) {
  const auto p = profile_column(
      "agent", Column::of_texts({"NULL", "12", "NULL", "?", " 7", ""}, {1, 1, 1, 1, 1, 0}));
  EXPECT_EQ(p.nulls, 1);
  ASSERT_EQ(p.suspicious_nulls.size(), 2U);
  EXPECT_EQ(p.suspicious_nulls[0], (std::pair<std::string, std::int64_t>("NULL", 2)));
  EXPECT_TRUE(p.number_without_them);
  EXPECT_EQ(p.padded, 1);
  EXPECT_TRUE(profile_column("x", Column::of_texts({"a", "b"})).suspicious_nulls.empty());
}

TEST(Profile, a_duplicate_equals_an_earlier_row_in_every_column) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Batch batch(Schema({{"a", Type::Double}, {"b", Type::Text}}),
                    {Column::of_doubles({1, 1, nan, nan, 0.0, -0.0, 1}),
                     Column::of_texts({"x", "y", "", "", "z", "z", "x"}, {1, 1, 0, 0, 1, 1, 1})});
  EXPECT_EQ(profile(batch).duplicate_rows, 3);  // pandas: duplicated().sum()
}

TEST(Profile, threads_do_not_change_the_answer) {
  std::vector<double> numbers;
  std::vector<std::string> texts;
  for (int i = 0; i < 20'000; ++i) {
    numbers.push_back(std::sin(i % 7'919));
    texts.push_back("v" + std::to_string(i % 7'919));
  }
  const Batch batch(
      Schema({{"n", Type::Double}, {"t", Type::Text}, {"m", Type::Double}}),
      {Column::of_doubles(numbers), Column::of_texts(texts), Column::of_doubles(numbers)});
  const Json one = to_json(profile(batch, {.threads = 1}));
  EXPECT_EQ(to_json(profile(batch, {.threads = 3})), one);
  EXPECT_EQ(one["duplicate_rows"], 20'000 - 7'919);
  EXPECT_EQ(one["columns"][1]["distinct"], 7'919);
}

TEST(Profile, few_and_many_repeated_rows_are_counted_alike) {
  for (const int distinct : {1, 10, 4'000, 4'999, 5'000}) {
    std::vector<std::int64_t> numbers;
    std::vector<std::string> texts;
    for (int i = 0; i < 5'000; ++i) {
      numbers.push_back(i % distinct);
      texts.push_back("t" + std::to_string(i % distinct));
    }
    const Batch batch(Schema({{"n", Type::Int64}, {"t", Type::Text}}),
                      {Column::of_int64s(numbers), Column::of_texts(texts)});
    EXPECT_EQ(profile(batch).duplicate_rows, 5'000 - distinct) << distinct;
  }
}

TEST(Profile, values_that_are_mostly_distinct_are_grouped_like_any) {
  constexpr int kRows = 300'000;  // beyond what is grouped in one table
  columns::Texts texts;
  std::vector<std::uint8_t> valid;
  for (int i = 0; i < kRows; ++i) {
    // All different, but for the last third, which repeats the first hundred thousand.
    const int value = i < 200'000 ? i : i - 200'000;
    texts.push_back("v" + std::to_string(value));
    valid.push_back(i % 1000 == 999 ? 0 : 1);
  }
  const auto p = profile_column("t", Column::of_texts(std::move(texts), std::move(valid)));
  EXPECT_EQ(p.nulls, 300);
  EXPECT_EQ(p.distinct, 200'000 - 200);
  EXPECT_EQ(p.top, "v0");
  EXPECT_EQ(p.top_count, 2);
}

TEST(Profile, of_times_that_are_as_frequent_the_one_seen_first_is_the_top) {
  const auto p =
      profile_column("at", Column::of_timestamps({9, 7, 5, 7, 5, 0, 3}, {1, 1, 1, 1, 1, 0, 1}));
  EXPECT_EQ(p.top, columns::to_json(columns::Cell::of_timestamp({7})));
  EXPECT_EQ(p.top_count, 2);
  EXPECT_EQ(p.distinct, 4);
  EXPECT_EQ(p.nulls, 1);
}

TEST(Profile, its_json_has_the_promised_fields) {
  const Batch batch(Schema({{"n", Type::Int64}}), {Column::of_int64s({1, 2})});
  const Json json = to_json(profile(batch));
  EXPECT_EQ(json["rows"], 2);
  for (const char* field : {"name", "type", "nulls", "distinct", "min", "max", "mean", "stddev",
                            "p25", "p50", "p75", "zeros", "top", "top_count"}) {
    EXPECT_TRUE(json["columns"][0].contains(field)) << field;
  }
  EXPECT_EQ(json["columns"][0]["type"], "integer");
}

}  // namespace
}  // namespace martlet::data

#include "evaluation/drift.h"

#include <gtest/gtest.h>

namespace martlet::evaluation {
namespace {

using columns::Batch;
using columns::Column;
using columns::Schema;
using columns::Type;

Column numbers(int n, std::int64_t factor, std::int64_t modulus, double shift) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < n; ++i)
    values.push_back(static_cast<double>(i * factor % modulus) + shift);
  return Column::of_doubles(std::move(values));
}

Column words(const std::vector<std::pair<std::string, int>>& counts) {
  std::vector<std::string> values;
  std::vector<std::uint8_t> valid;
  for (const auto& [word, count] : counts) {
    for (int i = 0; i < count; ++i) {
      values.push_back(word);
      valid.push_back(word.empty() ? 0 : 1);
    }
  }
  return Column::of_texts(values, valid);
}

// Expected values: the definitions of DESIGN §12.13 computed with NumPy 2.4.6 and SciPy 1.17.1.
TEST(Drift, numbers_get_psi_ks_and_wasserstein) {
  const ColumnDrift drift =
      column_drift("x", numbers(1000, 7919, 1009, 0), numbers(1000, 104729, 1013, 400));
  EXPECT_EQ(drift.type, DriftType::Number);
  EXPECT_NEAR(*drift.ks, 0.398, 1e-12);
  EXPECT_NEAR(*drift.ks_p, 4.002682778810179e-71, 1e-79);
  EXPECT_EQ(drift.bins, 10);
  EXPECT_NEAR(*drift.psi, 2.9938400707386874, 1e-10);
  EXPECT_NEAR(*drift.wasserstein, 1.3757731944909326, 1e-12);
  EXPECT_TRUE(*drift.drifted);
  EXPECT_FALSE(drift.js.has_value());
}

TEST(Drift, categories_get_psi_and_js_with_missing_as_a_category) {
  const ColumnDrift drift = column_drift("c", words({{"a", 100}, {"b", 20}, {"", 5}, {"d", 30}}),
                                         words({{"d", 60}, {"a", 80}, {"e", 10}, {"", 5}}));
  EXPECT_EQ(drift.type, DriftType::Category);
  EXPECT_EQ(drift.bins, 5);
  EXPECT_NEAR(*drift.psi, 1.5031867238949848, 1e-12);
  EXPECT_NEAR(*drift.js, 0.2951478319251288, 1e-12);
  EXPECT_NEAR(*drift.chi2_p, 1.5002771837891756e-08, 1e-17);
  EXPECT_FALSE(drift.ks.has_value());
  EXPECT_FALSE(drift.wasserstein.has_value());
}

TEST(Drift, a_constant_column_that_stays_has_not_drifted) {
  const ColumnDrift drift = column_drift("x", Column::of_int64s(std::vector<std::int64_t>(50, 4)),
                                         Column::of_int64s(std::vector<std::int64_t>(20, 4)));
  EXPECT_EQ(*drift.psi, 0.0);
  EXPECT_EQ(*drift.wasserstein, 0.0);
  EXPECT_EQ(*drift.ks_p, 1.0);
  EXPECT_FALSE(*drift.drifted);
}

TEST(Drift, a_constant_column_that_moves_is_measured_against_the_smallest_deviation) {
  const ColumnDrift drift = column_drift("x", Column::of_int64s(std::vector<std::int64_t>(50, 4)),
                                         Column::of_int64s(std::vector<std::int64_t>(50, 5)));
  EXPECT_TRUE(*drift.drifted);
  EXPECT_DOUBLE_EQ(*drift.wasserstein, 1000.0);
}

TEST(Drift, too_few_values_leave_it_unknown) {
  const ColumnDrift drift = column_drift("x", numbers(9, 3, 5, 0), numbers(100, 3, 5, 0));
  EXPECT_FALSE(drift.psi.has_value());
  EXPECT_FALSE(drift.drifted.has_value());
  EXPECT_EQ(drift.note, "too few values");
  EXPECT_FALSE(column_drift("x", Column::missing(Type::Double, 20), numbers(100, 3, 5, 0))
                   .drifted.has_value());
  EXPECT_FALSE(column_drift("c", words({}), words({{"a", 3}})).drifted.has_value());
  EXPECT_EQ(
      column_drift("x", Column::missing(Type::Double, 20), numbers(100, 3, 5, 0)).missing_reference,
      1.0);
}

TEST(Drift, a_column_that_changed_its_kind_has_drifted) {
  const ColumnDrift drift = column_drift("x", numbers(50, 3, 5, 0), words({{"a", 50}}));
  EXPECT_EQ(drift.type, DriftType::Mixed);
  EXPECT_TRUE(*drift.drifted);
  EXPECT_FALSE(drift.psi.has_value());
}

TEST(Drift, tables_are_compared_column_by_column) {
  const Batch before(
      Schema({{"x", Type::Double}, {"c", Type::Text}, {"at", Type::Date}, {"gone", Type::Bool}}),
      {numbers(100, 7, 101, 0), words({{"a", 50}, {"b", 50}}), Column::missing(Type::Date, 100),
       Column::missing(Type::Bool, 100)});
  const Batch now(
      Schema({{"c", Type::Text}, {"x", Type::Double}, {"at", Type::Date}, {"new", Type::Bool}}),
      {words({{"a", 50}, {"b", 50}}), numbers(100, 7, 101, 1000), Column::missing(Type::Date, 100),
       Column::missing(Type::Bool, 100)});
  const DriftReport report = drift(before, now).value();
  ASSERT_EQ(report.columns.size(), 3U);
  EXPECT_EQ(report.columns[0].name, "x");
  EXPECT_EQ(report.share_drifted, 0.5);
  const Json json = to_json(report);
  EXPECT_EQ(json["columns"][0]["type"], "num");
  EXPECT_TRUE(json["columns"][0]["js"].is_null());
  EXPECT_EQ(json["columns"][1]["type"], "cat");
  EXPECT_TRUE(json["columns"][1]["ks_p"].is_null());
  EXPECT_TRUE(json["columns"][2]["drifted"].is_null());
  EXPECT_EQ(json["only_in_reference"], Json::array({"gone"}));
  EXPECT_EQ(json["only_in_current"], Json::array({"new"}));
}

TEST(Drift, named_columns_must_be_in_both) {
  const Batch before(Schema({{"x", Type::Double}}), {numbers(20, 3, 5, 0)});
  const std::vector<std::string> names{"y"};
  const auto report = drift(before, before, names);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code(), ErrorCode::NotFound);
}

TEST(Drift, any_number_of_threads_gives_the_same_report) {
  std::vector<columns::Field> fields;
  std::vector<Column> before, now;
  for (int i = 0; i < 9; ++i) {
    fields.push_back({"x" + std::to_string(i), i % 3 == 2 ? Type::Text : Type::Double});
    before.push_back(i % 3 == 2 ? words({{"a", 50}, {"b", 350 + i}, {"", 200 - i}})
                                : numbers(600, 7919 + i, 1009, 0));
    now.push_back(i % 3 == 2 ? words({{"b", 90 + i}, {"c", 310 - i}, {"", 100}})
                             : numbers(500, 104729, 1013, 10 * i));
  }
  const Batch reference{Schema(fields), before}, current{Schema(fields), now};
  const Json one = to_json(drift(reference, current).value());
  for (const int threads : {2, 5, 20})
    EXPECT_EQ(to_json(drift(reference, current, {}, {.threads = threads}).value()), one) << threads;
}

}  // namespace
}  // namespace martlet::evaluation

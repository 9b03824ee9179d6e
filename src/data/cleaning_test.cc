#include "data/cleaning.h"

#include <gtest/gtest.h>

namespace martlet::data {
namespace {

using columns::Batch;
using columns::Cell;
using columns::Column;
using columns::Row;
using columns::Schema;
using columns::Type;

std::vector<CleaningStep> parse(std::string_view yaml, std::vector<Finding>* findings = nullptr) {
  auto node = Yaml::parse(yaml, "martlet.yaml");
  EXPECT_TRUE(node.has_value()) << (node.has_value() ? "" : node.error().message());
  std::vector<Finding> found;
  auto steps = parse_cleaning(*node, found);
  if (findings != nullptr) {
    *findings = found;
  } else {
    for (const auto& finding : found) ADD_FAILURE() << to_text(finding);
  }
  return steps;
}

Batch flights() {
  return Batch(Schema({{"id", Type::Int64},
                       {"carrier", Type::Text},
                       {"wind", Type::Double},
                       {"legs", Type::Int64}}),
               {Column::of_int64s({1, 2, 1, 3}),
                Column::of_texts({" b-6 ", "UA", "b6", "  "}, {1, 1, 1, 1}),
                Column::of_doubles({5, -1, 300, 0}, {1, 1, 1, 0}),
                Column::of_int64s({1, 9, 0, 4}, {1, 1, 0, 1})});
}

constexpr const char* kAll = R"(
- drop_duplicates: {key: [id], keep: last}
- normalise: {column: carrier, trim: true, case: upper, map: {"B-6": B6}}
- fill: {column: wind, with: median}
- fill: {column: legs, value: 2}
- clip: {column: wind, quantiles: [0.001, 0.999]}
- clip: {columns: [wind, legs], range: [0, 7.5]}
)";

TEST(Cleaning, steps_are_read_and_written_in_the_same_words) {
  const auto steps = parse(kAll);
  ASSERT_EQ(steps.size(), 7U);
  EXPECT_EQ(std::get<Normalise>(steps[1]).map.front().second, "B6");
  EXPECT_EQ(to_text(to_json(steps[0])), R"({"drop_duplicates":{"key":["id"],"keep":"last"}})");
  EXPECT_EQ(to_text(to_json(steps[6])), R"({"clip":{"column":"legs","range":[0.0,7.5]}})");
  EXPECT_EQ(learnt_steps(steps).size(), 2U);
  EXPECT_EQ(row_steps(steps).size(), 4U);
}

TEST(Cleaning, every_step_says_what_it_changed) {
  const auto cleaned = clean(flights(), parse(kAll), Zone::utc());
  ASSERT_TRUE(cleaned.has_value()) << cleaned.error().message();
  const Batch& rows = cleaned->rows;
  ASSERT_EQ(rows.rows(), 3U);
  EXPECT_EQ(rows.column(0).int64s()[1], 1) << "the last of the duplicates stays, in its place";
  EXPECT_EQ(rows.column(1).text(1), "B6");
  EXPECT_TRUE(rows.column(1).is_missing(2)) << "what trims to nothing is missing";
  EXPECT_EQ(rows.column(2).doubles()[1], 7.5);
  EXPECT_EQ(rows.column(2).doubles()[0], 0);
  EXPECT_TRUE(rows.column(2).is_missing(2)) << "learnt fills are the feature program's";
  EXPECT_EQ(rows.column(3).int64s()[0], 7) << "an integer is clipped to one within the range";
  EXPECT_EQ(rows.column(3).int64s()[1], 2);
  const auto& ledger = cleaned->ledger;
  ASSERT_EQ(ledger.size(), 7U);
  EXPECT_EQ(ledger[0].rows_removed, 1);
  EXPECT_EQ(to_text(ledger[0].examples), R"([{"row":0,"values":{"id":1}}])");
  EXPECT_EQ(ledger[1].cells_changed, 2);
  EXPECT_EQ(to_text(ledger[1].examples[0]), R"({"row":1,"from":"b6","to":"B6"})");
  EXPECT_TRUE(ledger[2].learnt);
  EXPECT_EQ(ledger[2].cells_changed, 0);
  EXPECT_EQ(ledger[5].cells_changed, 2);
}

TEST(Cleaning, the_first_duplicate_stays_by_default_and_missing_keys_are_equal) {
  const Batch batch(
      Schema({{"k", Type::Text}, {"v", Type::Int64}}),
      {Column::of_texts({"a", "", "a", ""}, {1, 0, 1, 0}), Column::of_int64s({1, 2, 3, 4})});
  const auto cleaned = clean(batch, parse("- drop_duplicates: {key: k}"), Zone::utc());
  EXPECT_EQ(cleaned->rows.column(1).int64s()[0], 1);
  EXPECT_EQ(cleaned->rows.column(1).int64s()[1], 2);
  EXPECT_EQ(cleaned->rows.rows(), 2U);
  EXPECT_EQ(clean(batch, parse("- drop_duplicates: {}"), Zone::utc())->rows.rows(), 4U)
      << "whole rows differ";
}

TEST(Cleaning, a_served_row_gets_the_values_that_the_version_got) {
  const auto steps = parse(kAll);
  const Batch batch = flights();
  const std::vector<CleaningStep> without_drop(steps.begin() + 1, steps.end());
  const auto expected = clean(batch, without_drop, Zone::utc());
  const auto cleaner = RowCleaner::create(steps, batch.schema(), Zone::utc());
  ASSERT_TRUE(cleaner.has_value());
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    Row row = batch.row(i);
    cleaner->apply(row);
    for (std::size_t c = 0; c < batch.width(); ++c) {
      EXPECT_TRUE(row[c].same_as(expected->rows.column(c).cell(i))) << i << " " << c;
    }
  }
}

TEST(Cleaning, every_mistake_is_found_at_once) {
  std::vector<Finding> findings;
  parse(R"(
- drop_duplicate: {key: id}
- normalise: {column: carrier}
- fill: {column: wind, with: medain}
- fill: {column: wind, with: mean, value: 3}
- clip: {column: wind, quantiles: [0.9, 1.5]}
- clip: {column: wind, range: [3, 1]}
- clip: {colum: wind, range: [1, 2]}
- just text
)",
        &findings);
  std::string all;
  for (const auto& finding : findings) all += to_text(finding) + "\n";
  for (const char* part :
       {"did you mean \"drop_duplicates\"", "martlet.yaml:3", "it changes nothing",
        "did you mean \"median\"", "either with: mean or a value", "between 0 and 1",
        "low bound is above", "unknown key \"colum\"", "martlet.yaml:9"}) {
    EXPECT_NE(all.find(part), std::string::npos) << part << " in\n" << all;
  }
}

TEST(Cleaning, steps_that_do_not_fit_the_columns_are_all_named) {
  const auto cleaned = clean(flights(), parse(R"(
- normalise: {column: wind, trim: true}
- clip: {column: carrier, range: [0, 1]}
- fill: {column: carrier, with: mean}
- fill: {column: legs, value: many}
- fill: {column: carier, with: mode}
)"),
                             Zone::utc());
  ASSERT_FALSE(cleaned.has_value());
  EXPECT_EQ(cleaned.error().findings().size(), 5U);
  EXPECT_NE(cleaned.error().message().find("did you mean \"carrier\""), std::string::npos)
      << cleaned.error().message();
}

}  // namespace
}  // namespace martlet::data

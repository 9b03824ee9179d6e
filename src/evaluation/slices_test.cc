#include "evaluation/slices.h"

#include <gtest/gtest.h>

#include <cmath>

namespace martlet::evaluation {
namespace {

using columns::Column;
using columns::Type;

problem::Outcomes four() {
  return {.rows = columns::Batch(
              columns::Schema({{"origin", Type::Text}}),
              {Column::of_texts(std::vector<std::string>{"LGA", "JFK", "LGA", ""}, {1, 1, 1, 0})}),
          .actual = {1, 0, std::nan(""), 1},
          .score = {},
          .predicted = {1, 1, 1, 0}};
}

problem::Kpi accuracy() {
  problem::KpiSpec spec;
  spec.name = "accuracy";
  spec.metric = metrics::Metric::Accuracy;
  return problem::Kpi::create(spec, problem::Task::Binary, {}, Zone::utc()).value();
}

TEST(Slices, each_value_has_its_own_figure_and_size) {
  const std::vector<std::string> by{"origin"};
  const auto slices = make_slices(accuracy(), four(), by).value();
  ASSERT_EQ(slices.size(), 3U);
  EXPECT_EQ(slices[0].value, "JFK");
  EXPECT_EQ(slices[0].kpi, 0.0);
  EXPECT_EQ(slices[1].value, "LGA");
  EXPECT_EQ(slices[1].rows, 1);
  EXPECT_EQ(slices[1].kpi, 1.0);
  EXPECT_EQ(slices[2].value, "missing");
  EXPECT_EQ(to_json(slices)[2]["kpi"], 0.0);
}

TEST(Slices, an_interval_holds_its_figure_and_is_unknown_without_blocks) {
  problem::Outcomes outcomes;
  std::vector<std::string> origins;
  for (int i = 0; i < 400; ++i) {
    origins.emplace_back(i % 4 == 0 ? "JFK" : "LGA");
    outcomes.actual.push_back(i % 2);
    outcomes.predicted.push_back(i % 5 == 0 ? 0 : i % 2);
  }
  outcomes.rows = columns::Batch(columns::Schema({{"origin", Type::Text}}),
                                 {Column::of_texts(origins, std::vector<std::uint8_t>(400, 1))});
  const metrics::Blocks blocks = metrics::Blocks::of_rows(400);
  metrics::BootstrapOptions bootstrap;
  bootstrap.resamples = 400;
  const std::vector<std::string> by{"origin"};
  const auto slices = make_slices(accuracy(), outcomes, by, &blocks, bootstrap).value();
  ASSERT_EQ(slices.size(), 2U);
  for (const Slice& slice : slices) {
    EXPECT_LE(slice.low, slice.kpi);
    EXPECT_GE(slice.high, slice.kpi);
    EXPECT_LT(slice.high - slice.low, 0.2);
  }
  EXPECT_EQ(to_json(make_slices(accuracy(), outcomes, by, &blocks, bootstrap).value()),
            to_json(slices));
  EXPECT_TRUE(std::isnan(make_slices(accuracy(), outcomes, by).value()[0].low));
}

TEST(Slices, an_unknown_column_is_refused) {
  const std::vector<std::string> by{"orign"};
  EXPECT_FALSE(make_slices(accuracy(), four(), by).has_value());
}

TEST(Slices, a_column_of_too_many_values_is_no_group) {
  std::vector<std::int64_t> ids(kMostGroups + 1);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int64_t>(i);
  EXPECT_FALSE(group_rows(Column::of_int64s(ids), "id").has_value());
}

}  // namespace
}  // namespace martlet::evaluation

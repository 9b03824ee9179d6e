#include "problem/kpi.h"

#include <gtest/gtest.h>

#include <cmath>

namespace martlet::problem {
namespace {

const columns::Schema kSchema({{"seats", columns::Type::Int64}, {"score", columns::Type::Text}});

KpiSpec value_spec(std::string value) {
  KpiSpec spec;
  spec.name = "saving";
  spec.value = std::move(value);
  return spec;
}

KpiSpec metric_spec(metrics::Metric metric) {
  KpiSpec spec;
  spec.name = metrics::name_of(metric);
  spec.metric = metric;
  return spec;
}

Outcomes four_rows() {
  return {.rows = columns::Batch(columns::Schema({{"seats", columns::Type::Int64}}),
                                 {columns::Column::of_int64s({10, 20, 30, 40})}),
          .actual = {1, 0, 1, std::nan("")},
          .score = {0.9, 0.8, 0.2, 0.7},
          .predicted = {1, 1, 0, 1}};
}

Kpi make(const KpiSpec& spec, Task task = Task::Binary) {
  return Kpi::create(spec, task, kSchema, Zone::utc()).value();
}

TEST(Kpi, values_are_means_over_rows_whose_target_is_known) {
  const Kpi kpi = make(
      value_spec("case when predicted and actual then 900 when predicted then -250 else 0 end"));
  EXPECT_NEAR(kpi.estimate(four_rows()).value(), 650.0 / 3, 1e-12);
  const Total total = kpi.total(four_rows()).value();
  EXPECT_EQ(total.sum, 650.0);
  EXPECT_EQ(total.rows, 3);
  EXPECT_TRUE(std::isnan(kpi.row_values(four_rows()).value()[3]));
}

TEST(Kpi, values_may_use_the_rows_columns_and_the_score) {
  EXPECT_NEAR(make(value_spec("seats * score")).estimate(four_rows()).value(), (9 + 16 + 6) / 3.0,
              1e-12);
  EXPECT_EQ(make(value_spec("seats")).columns_used(), std::vector<std::string>{"seats"});
  EXPECT_TRUE(make(value_spec("score")).columns_used().empty());
}

TEST(Kpi, null_values_are_left_out) {
  const Kpi kpi = make(value_spec("case when predicted then 6 end"));
  EXPECT_EQ(kpi.estimate(four_rows()).value(), 6.0);
  EXPECT_EQ(kpi.total(four_rows())->rows, 2);
}

TEST(Kpi, a_boolean_value_counts_one_and_zero) {
  EXPECT_NEAR(make(value_spec("predicted = actual")).estimate(four_rows()).value(), 1.0 / 3, 1e-12);
}

TEST(Kpi, a_constant_value_needs_no_columns) {
  EXPECT_EQ(make(value_spec("2")).estimate(four_rows()).value(), 2.0);
}

TEST(Kpi, regression_values_see_numbers) {
  const Kpi kpi = make(value_spec("-abs(predicted - actual)"), Task::Regression);
  const Outcomes outcomes{.rows = {}, .actual = {1, 2, 3}, .score = {}, .predicted = {2, 2, 5}};
  EXPECT_EQ(kpi.estimate(outcomes).value(), -1.0);
}

TEST(Kpi, metrics_leave_unknown_targets_out) {
  EXPECT_EQ(make(metric_spec(metrics::Metric::Auc)).estimate(four_rows()).value(), 0.5);
  EXPECT_NEAR(make(metric_spec(metrics::Metric::Accuracy)).estimate(four_rows()).value(), 1.0 / 3,
              1e-15);
}

TEST(Kpi, statistics_agree_with_estimates) {
  const auto blocks = metrics::Blocks::of_rows(4);
  const std::vector<double> once(4, 1.0);
  for (const Kpi& kpi :
       {make(value_spec("case when predicted then seats else 0 end")),
        make(metric_spec(metrics::Metric::Auc)), make(metric_spec(metrics::Metric::F1)),
        make(metric_spec(metrics::Metric::LogLoss))}) {
    EXPECT_NEAR(kpi.statistic(four_rows(), blocks).value()(once), kpi.estimate(four_rows()).value(),
                1e-12)
        << kpi.name();
  }
}

TEST(Kpi, nothing_known_gives_an_unknown_figure) {
  const Outcomes none{.rows = {}, .actual = {std::nan("")}, .score = {0.1}, .predicted = {0}};
  EXPECT_TRUE(std::isnan(make(metric_spec(metrics::Metric::Auc)).estimate(none).value()));
  EXPECT_TRUE(std::isnan(make(value_spec("1")).estimate(none).value()));
}

TEST(Kpi, what_does_not_fit_is_refused_with_findings) {
  for (const char* wrong :
       {"no_such_column", "'text'", "predicted and", "cast('2013-01-01' as date)"}) {
    const auto kpi = Kpi::create(value_spec(wrong), Task::Binary, kSchema, Zone::utc());
    ASSERT_FALSE(kpi.has_value()) << wrong;
    EXPECT_FALSE(kpi.error().findings().empty()) << wrong;
  }
  EXPECT_FALSE(Kpi::create(metric_spec(metrics::Metric::Rmse), Task::Binary, kSchema, Zone::utc())
                   .has_value());
  EXPECT_FALSE(make(metric_spec(metrics::Metric::Auc)).row_values(four_rows()).has_value());
  Outcomes no_scores = four_rows();
  no_scores.score.clear();
  EXPECT_FALSE(make(metric_spec(metrics::Metric::Auc)).estimate(no_scores).has_value());
}

TEST(Kpi, the_first_value_is_primary_else_the_first) {
  const std::vector<Kpi> with_value{make(metric_spec(metrics::Metric::Auc)), make(value_spec("1")),
                                    make(value_spec("2"))};
  const std::vector<Kpi> without{make(metric_spec(metrics::Metric::F1)),
                                 make(metric_spec(metrics::Metric::Auc))};
  EXPECT_EQ(primary_of(with_value), 1U);
  EXPECT_EQ(primary_of(without), 0U);
}

TEST(Kpi, less_is_better_for_losses) {
  EXPECT_GT(make(metric_spec(metrics::Metric::LogLoss)).merit(0.1),
            make(metric_spec(metrics::Metric::LogLoss)).merit(0.2));
}

}  // namespace
}  // namespace martlet::problem

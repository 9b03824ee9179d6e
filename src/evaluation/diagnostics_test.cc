#include "evaluation/diagnostics.h"
#include "metrics/classification.h"

#include <gtest/gtest.h>

#include <cmath>

namespace martlet::evaluation {
namespace {

problem::Kpi kpi_of(metrics::Metric metric, problem::Task task) {
  problem::KpiSpec spec;
  spec.name = "k";
  spec.metric = metric;
  return problem::Kpi::create(spec, task, {}, Zone::utc()).value();
}

// `rows` binary outcomes, scores in falling order of how often they are right.
problem::Outcomes binary(std::size_t rows) {
  problem::Outcomes outcomes;
  for (std::size_t i = 0; i < rows; ++i) {
    const double score = static_cast<double>(i) / static_cast<double>(rows);
    outcomes.actual.push_back((i * 7919) % 1000 < 1000 * i / rows ? 1 : 0);
    outcomes.score.push_back(score);
    outcomes.predicted.push_back(score >= 0.5 ? 1 : 0);
  }
  return outcomes;
}

Json of(const problem::Outcomes& outcomes, metrics::Metric metric = metrics::Metric::F1) {
  metrics::BootstrapOptions bootstrap;
  bootstrap.resamples = 50;
  return diagnostics(problem::Task::Binary, kpi_of(metric, problem::Task::Binary),
                     {{"model", "m", outcomes}}, 0.5, metrics::Blocks::of_rows(outcomes.size()),
                     bootstrap)
      .value();
}

TEST(Diagnostics, curves_are_bounded_and_say_what_they_left_out) {
  const Json json = of(binary(20'000));
  const Json& roc = json["roc"][0];
  EXPECT_LE(roc["points"].size(), kCurvePoints);
  EXPECT_EQ(roc["of"], 20'001);
  EXPECT_GT(roc["deviation"].get<double>(), 0.0);
  EXPECT_LT(roc["deviation"].get<double>(), 0.01);
  EXPECT_EQ(roc["points"].front(), Json::array({0.0, 0.0, nullptr}));
  EXPECT_EQ(roc["points"].back()[0], 1.0);
  EXPECT_LE(json["threshold"]["points"].size(), kCurvePoints);
}

TEST(Diagnostics, the_area_under_the_drawn_curve_is_the_auc) {
  const problem::Outcomes outcomes = binary(300);
  const Json json = of(outcomes);
  double area = 0;
  const Json& points = json["roc"][0]["points"];
  for (std::size_t i = 1; i < points.size(); ++i) {
    area += (points[i][0].get<double>() - points[i - 1][0].get<double>()) *
            (points[i][1].get<double>() + points[i - 1][1].get<double>()) / 2;
  }
  EXPECT_NEAR(area, metrics::auc(outcomes.actual, outcomes.score), 1e-9);
  EXPECT_EQ(json["roc"][0]["deviation"], 0.0);
}

TEST(Diagnostics, every_known_row_is_in_one_bin) {
  problem::Outcomes outcomes = binary(500);
  outcomes.actual[7] = std::nan("");
  const Json json = of(outcomes);
  std::int64_t calibrated = 0;
  for (const Json& bin : json["calibration"]) calibrated += bin["rows"].get<std::int64_t>();
  EXPECT_EQ(calibrated, 499);
  std::int64_t scored = 0;
  for (const char* side : {"positive", "negative"}) {
    for (const Json& count : json["scores"][side]) scored += count.get<std::int64_t>();
  }
  EXPECT_EQ(scored, 499);
}

TEST(Diagnostics, a_rule_that_always_says_the_same_has_no_curve) {
  problem::Outcomes outcomes = binary(50);
  outcomes.score.assign(50, 1.0);
  EXPECT_TRUE(of(outcomes)["roc"].empty());
  problem::Outcomes one_class = binary(50);
  one_class.actual.assign(50, 1.0);
  EXPECT_TRUE(of(one_class)["precision_recall"].empty());
}

TEST(Diagnostics, a_kpi_of_scores_alone_has_no_threshold_curve) {
  EXPECT_TRUE(of(binary(50), metrics::Metric::Auc)["threshold"].is_null());
}

TEST(Diagnostics, no_known_target_leaves_the_contenders_unknown) {
  problem::Outcomes outcomes = binary(3);
  outcomes.actual.assign(3, std::nan(""));
  const Json json = of(outcomes);
  EXPECT_TRUE(json["contenders"][0]["kpi"].is_null());
  EXPECT_FALSE(json.contains("roc"));
}

TEST(Diagnostics, a_regression_is_binned_by_what_was_predicted) {
  problem::Outcomes outcomes;
  for (int i = 0; i < 1000; ++i) {
    outcomes.predicted.push_back(999 - i);
    outcomes.actual.push_back(999 - i + (i % 2 == 0 ? 1 : -1));
  }
  metrics::BootstrapOptions bootstrap;
  bootstrap.resamples = 50;
  const Json json =
      diagnostics(problem::Task::Regression,
                  kpi_of(metrics::Metric::Rmse, problem::Task::Regression),
                  {{"model", "m", outcomes}}, 0.5, metrics::Blocks::of_rows(1000), bootstrap)
          .value();
  ASSERT_EQ(json["predicted"].size(), kPredictedBins);
  EXPECT_EQ(json["predicted"][0]["rows"], 50);
  EXPECT_EQ(json["predicted"][0]["low"], 0.0);
  EXPECT_EQ(json["predicted"][0]["high"], 49.0);
  EXPECT_NEAR(json["predicted"][0]["mean_predicted"].get<double>(), 24.5, 1e-12);
  std::int64_t rows = json["residuals"]["below"].get<std::int64_t>() +
                      json["residuals"]["above"].get<std::int64_t>();
  for (const Json& count : json["residuals"]["counts"]) rows += count.get<std::int64_t>();
  EXPECT_EQ(rows, 1000);
}

}  // namespace
}  // namespace martlet::evaluation

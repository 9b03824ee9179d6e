#include "problem/baseline.h"

#include <gtest/gtest.h>

#include <cmath>

namespace martlet::problem {
namespace {

using columns::Batch;
using columns::Column;
using columns::Schema;
using columns::Type;

Batch flights(std::vector<std::int64_t> hour, std::vector<std::string> carrier,
              std::vector<std::uint8_t> carrier_valid = {}) {
  return Batch(
      Schema({{"hour", Type::Int64}, {"carrier", Type::Text}}),
      {Column::of_int64s(std::move(hour)), Column::of_texts(carrier, std::move(carrier_valid))});
}

Kpi kpi_of(Task task, std::string value) {
  KpiSpec spec;
  spec.name = "saving";
  spec.value = std::move(value);
  return Kpi::create(spec, task, flights({}, {}).schema(), Zone::utc()).value();
}

const char* const kSaving =
    "case when predicted and actual then 900 when predicted then -250 else 0 end";

BaselineSpec rule(std::string text) {
  BaselineSpec spec;
  spec.name = "rule";
  spec.rule = std::move(text);
  return spec;
}

BaselineSpec by_carrier() {
  BaselineSpec spec;
  spec.kind = BaselineSpec::Kind::GroupMean;
  spec.name = "carrier average";
  spec.group_mean = {"carrier"};
  return spec;
}

const std::vector<double> kLate{0, 1, 1, 0};

Batch training() { return flights({8, 17, 20, 19}, {"AA", "UA", "UA", "AA"}); }

Baseline fit(const BaselineSpec& spec, Task task = Task::Binary) {
  return Baseline::fit(spec, task, Zone::utc(),
                       kpi_of(task, task == Task::Binary ? kSaving : "-abs(predicted - actual)"),
                       training(), kLate)
      .value();
}

TEST(Baseline, a_boolean_rule_decides_and_scores_how_often_it_was_right) {
  const Predictions p = fit(rule("hour >= 17")).predict(training()).value();
  EXPECT_EQ(p.predicted, (std::vector<double>{0, 1, 1, 1}));
  EXPECT_NEAR(p.score[1], 2.0 / 3, 1e-15);
  EXPECT_EQ(p.score[0], 0.0);
}

TEST(Baseline, a_null_rule_means_no) {
  const Batch rows(training().schema(),
                   {Column::missing(Type::Int64, 2), Column::missing(Type::Text, 2)});
  EXPECT_EQ(fit(rule("hour >= 17")).predict(rows)->predicted, (std::vector<double>{0, 0}));
}

TEST(Baseline, a_numeric_rule_gets_the_threshold_that_pays_best) {
  const Predictions p = fit(rule("hour % 19")).predict(training()).value();  // 8, 17, 1, 0
  EXPECT_EQ(p.predicted, (std::vector<double>{1, 1, 1, 0}));  // 900·2 - 250 beats 900·1
}

TEST(Baseline, group_means_fall_back_to_the_mean_for_groups_never_seen) {
  const Baseline baseline = fit(by_carrier());
  const Predictions p =
      baseline.predict(flights({1, 1, 1, 1}, {"UA", "AA", "DL", ""}, {1, 1, 1, 0})).value();
  EXPECT_EQ(p.score, (std::vector<double>{1.0, 0.0, 0.5, 0.5}));
  EXPECT_EQ(p.predicted[0], 1.0);
  EXPECT_EQ(p.predicted[1], 0.0);
}

TEST(Baseline, missing_is_a_group_of_its_own) {
  const Batch rows = flights({1, 2, 3}, {"UA", "", ""}, {1, 0, 0});
  const std::vector<double> target{10, 4, 6};
  const Baseline baseline =
      Baseline::fit(by_carrier(), Task::Regression, Zone::utc(),
                    kpi_of(Task::Regression, "-abs(predicted - actual)"), rows, target)
          .value();
  EXPECT_EQ(baseline.predict(rows)->predicted, (std::vector<double>{10, 5, 5}));
}

TEST(Baseline, regression_rules_give_numbers_and_null_the_mean) {
  const Predictions p = fit(rule("nullif(hour, 8)"), Task::Regression).predict(training()).value();
  EXPECT_EQ(p.predicted, (std::vector<double>{0.5, 17, 20, 19}));
  EXPECT_TRUE(p.score.empty());
}

TEST(Baseline, the_best_is_chosen_on_training_rows_by_the_primary_kpi) {
  const std::vector<BaselineSpec> specs{rule("hour < 10"), rule("hour >= 17"), by_carrier()};
  const FittedBaselines fitted = fit_baselines(specs, Task::Binary, Zone::utc(),
                                               kpi_of(Task::Binary, kSaving), training(), kLate)
                                     .value();
  EXPECT_EQ(fitted.best, 2U);  // 900 twice without a false alarm
  EXPECT_EQ(fitted.training_kpis[1], (900 * 2 - 250) / 4.0);
}

TEST(Baseline, constants_are_the_defaults) {
  Contract contract;
  const auto specs = baselines_of(contract, Task::Binary);
  const FittedBaselines fitted = fit_baselines(specs, Task::Binary, Zone::utc(),
                                               kpi_of(Task::Binary, kSaving), training(), kLate)
                                     .value();
  EXPECT_EQ(fitted.all[fitted.best].name(), "always");  // (2·900 - 2·250) / 4 a row
}

TEST(Baseline, what_was_written_reads_back_the_same) {
  for (const BaselineSpec& spec : {rule("hour >= 17"), rule("hour % 19"), by_carrier()}) {
    const Baseline baseline = fit(spec);
    const Json json = parse_json(to_text(baseline.to_json())).value();
    const Baseline back = Baseline::from_json(json, training().schema(), Zone::utc()).value();
    EXPECT_EQ(back.predict(training())->predicted, baseline.predict(training())->predicted);
    EXPECT_EQ(back.predict(training())->score, baseline.predict(training())->score);
    EXPECT_EQ(back.to_json(), json);
  }
}

TEST(Baseline, stored_nonsense_is_refused) {
  Json json = fit(by_carrier()).to_json();
  json["groups"][0]["values"] = Json::array({"AA", "too many"});
  EXPECT_FALSE(Baseline::from_json(json, training().schema(), Zone::utc()).has_value());
  EXPECT_FALSE(
      Baseline::from_json(Json{{"name", "x"}}, training().schema(), Zone::utc()).has_value());
}

TEST(Baseline, unknown_columns_and_wrong_types_are_findings) {
  BaselineSpec wrong_group = by_carrier();
  wrong_group.group_mean = {"carier"};
  const auto group = Baseline::check(wrong_group, Task::Binary, training().schema(), Zone::utc());
  ASSERT_FALSE(group.has_value());
  EXPECT_NE(group.error().message().find("carrier"), std::string::npos);
  EXPECT_FALSE(
      Baseline::check(rule("carrier"), Task::Binary, training().schema(), Zone::utc()).has_value());
  EXPECT_FALSE(
      Baseline::check(rule("hour >"), Task::Binary, training().schema(), Zone::utc()).has_value());
}

TEST(Baseline, no_known_target_teaches_nothing) {
  const std::vector<double> unknown(4, std::nan(""));
  EXPECT_FALSE(Baseline::fit(by_carrier(), Task::Binary, Zone::utc(), kpi_of(Task::Binary, kSaving),
                             training(), unknown)
                   .has_value());
}

}  // namespace
}  // namespace martlet::problem

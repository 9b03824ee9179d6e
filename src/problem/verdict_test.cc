#include "base/random.h"
#include "problem/verdict.h"

#include <gtest/gtest.h>

#include <cmath>

namespace martlet::problem {
namespace {

Kpi error_kpi() {
  KpiSpec spec;
  spec.name = "rmse";
  spec.metric = metrics::Metric::Rmse;
  return Kpi::create(spec, Task::Regression, {}, Zone::utc()).value();
}

// Predictions that miss by up to `spread`.
Outcomes forecast(double spread, std::uint64_t seed) {
  SeededRandom random(seed);
  Outcomes outcomes;
  for (int i = 0; i < 200; ++i) {
    outcomes.actual.push_back(i % 17);
    outcomes.predicted.push_back(outcomes.actual.back() + spread * random.normal());
  }
  return outcomes;
}

Verdict judge(const Outcomes& model, const Outcomes& baseline) {
  return decide(error_kpi(), model, baseline, "mean", metrics::Blocks::of_rows(model.size()),
                {.resamples = 400})
      .value();
}

TEST(Verdict, a_clearly_better_model_is_required) {
  const Verdict verdict = judge(forecast(1, 1), forecast(3, 2));
  EXPECT_EQ(verdict.kind, VerdictKind::Required);
  EXPECT_GT(verdict.gain, 1.5);  // less error is a gain
  EXPECT_GT(verdict.low, 0);
  EXPECT_EQ(exit_status(verdict.kind), 0);
}

TEST(Verdict, a_clearly_worse_model_is_not_required) {
  const Verdict verdict = judge(forecast(3, 1), forecast(1, 2));
  EXPECT_EQ(verdict.kind, VerdictKind::NotRequired);
  EXPECT_EQ(exit_status(verdict.kind), 4);
}

TEST(Verdict, the_rule_itself_needs_no_model) {
  const Outcomes same = forecast(1, 1);
  const Verdict verdict = judge(same, same);
  EXPECT_EQ(verdict.gain, 0.0);
  EXPECT_EQ(verdict.kind, VerdictKind::NotRequired);
}

TEST(Verdict, noise_leaves_it_undecided) {
  EXPECT_EQ(judge(forecast(1, 1), forecast(1, 2)).kind, VerdictKind::Undecided);
}

TEST(Verdict, one_day_of_rows_leaves_it_undecided) {
  const Outcomes model = forecast(1, 1);
  const std::vector<std::int64_t> one_day(model.size(), 7);
  const Verdict verdict =
      decide(error_kpi(), model, forecast(3, 2), "mean", metrics::Blocks::of_keys(one_day)).value();
  EXPECT_EQ(verdict.kind, VerdictKind::Undecided);
  EXPECT_TRUE(std::isnan(verdict.low));
  EXPECT_TRUE(to_json(verdict)["low"].is_null());
  EXPECT_NE(to_text(verdict).find("too little is known"), std::string::npos);
}

TEST(Verdict, json_has_the_documented_members) {
  const Json json = to_json(judge(forecast(1, 1), forecast(3, 2)));
  EXPECT_EQ(json["verdict"], "required");
  EXPECT_EQ(json["best_baseline"], "mean");
  for (const char* name : {"gain", "low", "high"}) EXPECT_TRUE(json[name].is_number()) << name;
}

TEST(Verdict, different_rows_cannot_be_compared) {
  Outcomes shorter = forecast(1, 1);
  shorter.actual.pop_back();
  shorter.predicted.pop_back();
  EXPECT_FALSE(decide(error_kpi(), forecast(1, 1), shorter, "mean", metrics::Blocks::of_rows(200))
                   .has_value());
}

}  // namespace
}  // namespace martlet::problem

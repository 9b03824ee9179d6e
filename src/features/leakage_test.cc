#include "base/random.h"
#include "features/leakage.h"
#include "features/program.h"

#include <gtest/gtest.h>

#include <cmath>

namespace martlet::features {
namespace {

using columns::Batch;
using columns::Column;
using columns::ColumnBuilder;
using columns::Schema;
using columns::Type;

// Departures of a made-up airport: scheduled on the quarter hour, New York time, some cancelled,
// late ones mostly in the evening.
struct Departures {
  LeakageRequest request;

  explicit Departures(double cancelled) {
    SeededRandom random(11);
    const auto zone = Zone::find("America/New_York");
    EXPECT_TRUE(zone.has_value());
    ColumnBuilder at(Type::Timestamp), left(Type::Timestamp), arrives(Type::Int64),
        dep_time(Type::Int64), delay(Type::Double), hour(Type::Int64), word(Type::Text),
        u_shape(Type::Double), id(Type::Text), known(Type::Timestamp), number(Type::Int64);
    for (int i = 0; i < 4000; ++i) {
      const std::int64_t minute = 15 * static_cast<std::int64_t>(20 + random.below(75));
      const auto day = 15706 + static_cast<std::int64_t>(random.below(360));
      const Timestamp scheduled =
          zone->instant_of_local_micros(day * kMicrosPerDay + minute * 60 * kMicrosPerSecond);
      const bool late = random.uniform() < static_cast<double>(minute) / 3000;
      const auto late_by =
          static_cast<std::int64_t>(late ? 31 + random.below(120) : random.below(31));
      const bool flown = random.uniform() >= cancelled;
      at.push_int64(scheduled.micros);
      const std::int64_t flight = 60 + static_cast<std::int64_t>(random.below(300));
      const std::int64_t landing = (minute + flight) % 1440;
      arrives.push_int64(landing / 60 * 100 + landing % 60);
      hour.push_int64(minute / 60);
      id.push_text("f" + std::to_string(i));
      number.push_int64(static_cast<std::int64_t>(random.below(9000)));
      known.push_int64(scheduled.micros + (i % 10 == 0 ? 1 : -7'200'000'000));
      if (flown) {
        const std::int64_t leaves = (minute + late_by) % 1440;
        left.push_int64(scheduled.micros + late_by * 60 * kMicrosPerSecond);
        dep_time.push_int64(leaves / 60 * 100 + leaves % 60);
        delay.push_double(static_cast<double>(late_by));
      } else {
        left.push_missing();
        dep_time.push_missing();
        delay.push_missing();
      }
      word.push_text(late ? "sorry" : (i % 2 ? "fine" : "good"));
      u_shape.push_double(late ? random.uniform() : (i % 2 ? 2 : -2) + random.uniform());
      request.target.push_back(flown ? late : std::nan(""));
    }
    request.rows = Batch(Schema({{"at", Type::Timestamp},
                                 {"left", Type::Timestamp},
                                 {"arrives", Type::Int64},
                                 {"dep_time", Type::Int64},
                                 {"delay", Type::Double},
                                 {"hour", Type::Int64},
                                 {"word", Type::Text},
                                 {"u_shape", Type::Double},
                                 {"id", Type::Text},
                                 {"known", Type::Timestamp},
                                 {"number", Type::Int64}}),
                         {at.finish(), left.finish(), arrives.finish(), dep_time.finish(),
                          delay.finish(), hour.finish(), word.finish(), u_shape.finish(),
                          id.finish(), known.finish(), number.finish()});
    request.time = "at";
    request.zone = *zone;
    request.ignore = {"at"};
    const auto decided = decided_at_of({"at - interval 1 hour", "at", *zone}, request.rows);
    EXPECT_TRUE(decided.has_value()) << decided.error().message();
    request.decided_at = *decided;
  }
};

std::vector<std::string> named(const LeakageReport& report, LeakKind kind) {
  std::vector<std::string> names;
  for (const Leak& leak : report.leaks) {
    if (leak.kind == kind) names.push_back(leak.column);
  }
  return names;
}

using Names = std::vector<std::string>;

TEST(Leakage, columns_that_tell_the_target_alone_are_named_by_power) {
  const auto report = find_leakage(Departures(0.1).request);
  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_EQ(named(*report, LeakKind::Power), (Names{"delay", "word", "u_shape"}));
}

TEST(Leakage, columns_that_are_there_only_with_the_target_are_named_by_availability) {
  const auto report = find_leakage(Departures(0.1).request);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(named(*report, LeakKind::Availability), (Names{"left", "dep_time", "delay"}));
}

TEST(Leakage, times_after_the_decision_are_named_when_their_distance_tells_the_target) {
  const auto report = find_leakage(Departures(0).request);
  ASSERT_TRUE(report.has_value());
  // The planned arrival lies after the decision too, and tells nothing by its distance.
  EXPECT_EQ(named(*report, LeakKind::Availability), (Names{"left", "dep_time"}));
  EXPECT_NE(report->leaks[0].why.find("after decided_at"), std::string::npos);
}

TEST(Leakage, a_declared_known_at_is_taken_at_its_word) {
  LeakageRequest request = Departures(0).request;
  request.known_at = {{"left", "at"}, {"hour", "known"}};
  request.rows = request.rows.with(
      "at", Column::of_timestamps(std::vector<std::int64_t>(request.rows.rows(), 0)));
  const auto report = find_leakage(request);
  ASSERT_TRUE(report.has_value());
  for (const Leak& leak : report->leaks) {
    EXPECT_NE(leak.column, "left");
    EXPECT_TRUE(leak.column != "hour" || std::abs(leak.figure - 0.1) < 1e-12) << leak.figure;
  }
}

TEST(Leakage, regression_is_judged_by_rank_correlation) {
  LeakageRequest request = Departures(0).request;
  request.task = Task::Regression;
  request.target = request.rows.find("delay")->as_doubles();
  const auto report = find_leakage(request);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(named(*report, LeakKind::Power), Names{"delay"});
  EXPECT_EQ(named(*report, LeakKind::Availability), (Names{"left", "dep_time"}));
}

TEST(Leakage, several_classes_are_judged_one_against_the_rest) {
  LeakageRequest request = Departures(0).request;
  request.task = Task::Multiclass;
  for (std::size_t i = 0; i < request.target.size(); ++i)
    request.target[i] += i % 2 == 0 && request.target[i] == 0 ? 2 : 0;
  const auto report = find_leakage(request);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(named(*report, LeakKind::Power), (Names{"word", "u_shape"}));
}

TEST(Leakage, requests_that_do_not_fit_together_are_refused) {
  LeakageRequest request = Departures(0).request;
  request.target.pop_back();
  EXPECT_FALSE(find_leakage(request).has_value());
  request.target.assign(request.rows.rows(), std::nan(""));
  EXPECT_FALSE(find_leakage(request).has_value());
  request.target.assign(request.rows.rows(), 0.5);
  EXPECT_FALSE(find_leakage(request).has_value());
}

}  // namespace
}  // namespace martlet::features

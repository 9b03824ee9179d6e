// The loop of a server, on a virtual clock: the whole way from a falling KPI to a promoted model,
// and what crashes, shutdowns and rivals in between may not change.
#include "lifecycle/live_loop_testing.h"
#include "lifecycle/packages.h"
#include "metadata/database.h"

#include <gtest/gtest.h>

#include <set>

namespace martlet::lifecycle {
namespace {

constexpr const char* kMonitoring = R"(monitoring:
  windows: [1d]
  alerts:
    - {name: gain-falls, when: "kpi.gain < 0", for: 2, window: 1d, then: [retrain]}
  retrain: {cooldown: 3d, holdout: 4d, window: 8d, promote: significant}
)";

// Asks only when all that is learnt from, and all that is tested on, is of the new world.
constexpr const char* kPatient = R"(monitoring:
  windows: [1d]
  alerts:
    - {name: gain-falls, when: "kpi.gain < 0", for: 8, window: 1d, then: [retrain]}
  retrain: {cooldown: 3d, holdout: 4d, window: 8d, promote: significant}
)";

void serve_until_promoted(ServedShop& shop) {
  for (int day = 0; day < 12 && shop.live() == "shop/1"; ++day) {
    shop.serve_day(day);
    const auto report = shop.tick();
    ASSERT_TRUE(report.has_value()) << report.error().message();
  }
}

// One turn, and it is over.
bool ended_once(const ServedShop& shop) {
  return shop.turns().size() == 1 && shop.turns()[0].ended.has_value();
}

std::vector<std::string> decisions(const ServedShop& shop) {
  std::vector<std::string> list;
  for (const monitoring::RetrainRecord& turn : shop.turns()) list.push_back(turn.decision);
  return list;
}

TEST(LiveLoop, a_fall_of_the_kpi_ends_in_a_better_model_going_live) {
  ServedShop shop(kPatient);
  const auto first = shop.tick();
  ASSERT_TRUE(first.has_value()) << first.error().message();
  EXPECT_EQ(first->model, "shop/1");
  EXPECT_TRUE(first->events.empty());
  EXPECT_EQ(first->next, shop.clock().now() + Duration(kMicrosPerDay) + kSettle);

  serve_until_promoted(shop);
  EXPECT_EQ(shop.live(), "shop/2");
  const auto turns = shop.turns();
  ASSERT_EQ(turns.size(), 1u);
  const monitoring::RetrainRecord& last = turns.back();
  EXPECT_EQ(last.decision, "promoted");
  EXPECT_EQ(last.trigger, "alert gain-falls");
  EXPECT_EQ(last.champion, "shop/1");
  EXPECT_EQ(last.challenger, "shop/2");
  EXPECT_EQ(last.attempts, 1);
  EXPECT_GT(last.details.at("low").get<double>(), 0);
  EXPECT_EQ(last.details.at("candidate"), "logistic");

  // A good day under the new version: the alert stops, and nothing else happens.
  const int day = static_cast<int>((last.at.micros - first->next.micros) / kMicrosPerDay) + 1;
  shop.serve_day(day);
  const auto after = shop.tick().value();
  ASSERT_EQ(after.events.size(), 1u);
  EXPECT_EQ(after.events[0].kind, "cleared");
  EXPECT_GT(shop.history().windows[0].report.at("kpis")[0].at("value").get<double>(), 0.2);
}

TEST(LiveLoop, a_second_look_at_the_same_moment_does_nothing_twice) {
  ServedShop shop(kMonitoring);
  ASSERT_TRUE(shop.tick().has_value());
  for (int day = 0; day < 2; ++day) {
    shop.serve_day(day);
    for (int look = 0; look < 3; ++look) {
      const auto report = shop.tick();
      ASSERT_TRUE(report.has_value()) << report.error().message();
      if (look > 0) {
        EXPECT_TRUE(report->events.empty());
      }
    }
  }
  EXPECT_EQ(shop.history().windows.size(), 2u);
  EXPECT_TRUE(ended_once(shop));
}

TEST(LiveLoop, a_turn_that_a_crash_left_behind_is_taken_up_and_ends_once) {
  ServedShop shop(kMonitoring);
  ASSERT_TRUE(shop.tick().has_value());
  shop.serve_day(0);
  shop.serve_day(1);
  {
    // Judged, entered, taken up; then the process was gone.
    auto loop = Loop::create(shop.loop_parts());
    ASSERT_TRUE(loop->adopt().has_value());
    ASSERT_TRUE(loop->judge().has_value());
    const auto turn = shop.turns();
    ASSERT_EQ(turn.size(), 1u);
    ASSERT_TRUE(shop.store()
                    .database()
                    .write([&](metadata::Transaction& tx) {
                      return monitoring::take_up(tx, turn[0].id, shop.clock().now());
                    })
                    .has_value());
  }
  EXPECT_EQ(decisions(shop), (std::vector<std::string>{"running"}));
  ASSERT_TRUE(shop.tick().has_value());
  ASSERT_TRUE(ended_once(shop));
  EXPECT_EQ(shop.turns()[0].attempts, 2);
  ASSERT_TRUE(shop.tick().has_value());
  EXPECT_EQ(shop.turns().size(), 1u);
}

TEST(LiveLoop, a_shutdown_leaves_the_turn_to_the_next_start) {
  ServedShop shop(kMonitoring);
  ASSERT_TRUE(shop.tick().has_value());
  shop.serve_day(0);
  shop.serve_day(1);
  Loop::Parts parts = shop.loop_parts();
  parts.cancel = CancelToken();
  auto loop = Loop::create(parts);
  ASSERT_TRUE(loop->adopt().has_value());
  ASSERT_TRUE(loop->judge().has_value());
  const auto interrupted = loop->take_pending([&]() -> Result<Lessons> {
    parts.cancel.cancel();
    return fail(ErrorCode::Unavailable, "the file system went first");
  });
  ASSERT_FALSE(interrupted.has_value());
  EXPECT_EQ(interrupted.error().code(), ErrorCode::Cancelled);
  EXPECT_EQ(decisions(shop), (std::vector<std::string>{"running"}));
  ASSERT_TRUE(shop.tick().has_value());
  ASSERT_TRUE(ended_once(shop));
  EXPECT_EQ(shop.turns()[0].attempts, 1);
}

TEST(LiveLoop, a_training_that_fails_is_recorded_and_the_loop_goes_on) {
  ServedShop shop(kMonitoring);
  ASSERT_TRUE(shop.tick().has_value());
  shop.serve_day(0);
  shop.serve_day(1);
  ASSERT_TRUE(
      shop.store().host().files.remove(shop.project().directory + "/orders.csv").has_value());
  const auto report = shop.tick();
  ASSERT_TRUE(report.has_value()) << report.error().message();
  ASSERT_EQ(decisions(shop), (std::vector<std::string>{"failed"}));
  EXPECT_NE(shop.turns()[0].why.find("orders"), std::string::npos) << shop.turns()[0].why;
  std::set<std::string> kinds;
  for (const LoopEvent& event : report->events) kinds.insert(event.kind);
  EXPECT_TRUE(kinds.contains("failed"));
  EXPECT_EQ(shop.live(), "shop/1");
  shop.serve_day(2);
  EXPECT_TRUE(shop.tick().has_value());
  EXPECT_EQ(shop.history().windows.size(), 3u);
}

TEST(LiveLoop, a_version_that_went_live_while_it_trained_stays_live) {
  ServedShop shop(kPatient);
  ASSERT_TRUE(shop.tick().has_value());
  serve_until_promoted(shop);
  ASSERT_EQ(shop.live(), "shop/2");
  // Somebody puts the old one back while the next turn trains; the challenger would have won.
  auto loop = Loop::create(shop.loop_parts());
  const auto name = registry::ModelName::parse("shop").value();
  registry::ModelRegistry models = registry_of(shop.store());
  const auto move = [&](std::int64_t from, std::int64_t to) {
    return models.move_alias({name, registry::Environment::Experiment, registry::live_alias(),
                              registry::Version{from}, registry::Version{to}, "by hand"},
                             registry::Actor{});
  };
  ASSERT_TRUE(move(2, 1).has_value());
  ASSERT_TRUE(loop->adopt().has_value());
  ASSERT_TRUE(loop->ask("try", monitoring::PolicyUse::Override)->granted);
  const auto turn = loop->take_pending([&]() -> Result<Lessons> {
    MARTLET_TRY(move(1, 2));
    MARTLET_TRY_SET(Lessons lessons, gather_lessons(shop.store(), shop.project(), {}));
    return with_truth(shop.store(), shop.project(), shop.deployment(), std::move(lessons),
                      shop.clock().now());
  });
  ASSERT_TRUE(turn.has_value()) << turn.error().message();
  EXPECT_EQ((*turn)->decision, "rejected");
  EXPECT_NE((*turn)->why.find("shop/2 went live while it trained"), std::string::npos)
      << (*turn)->why;
  EXPECT_EQ(shop.live(), "shop/2");
}

TEST(LiveLoop, a_person_is_refused_by_the_cooldown_and_may_override_it) {
  ServedShop shop(kMonitoring);
  ASSERT_TRUE(shop.tick().has_value());
  shop.serve_day(0);
  const auto now = [&](const char* reason, monitoring::PolicyUse use) {
    return retrain_now(shop.store(), shop.project(), {reason, use}, shop.options()).value();
  };
  const RetrainReport first = now("a look", monitoring::PolicyUse::Obey);
  ASSERT_TRUE(first.granted);
  EXPECT_EQ(first.turn->trigger, "person: a look");
  const RetrainReport second = now("another", monitoring::PolicyUse::Obey);
  EXPECT_FALSE(second.granted);
  EXPECT_NE(second.refusal.find("cooldown"), std::string::npos) << second.refusal;
  const RetrainReport third = now("it must be", monitoring::PolicyUse::Override);
  EXPECT_TRUE(third.granted);
  EXPECT_EQ(third.turn->details.at("policy_overridden"), true);
  const auto list = decisions(shop);
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[1], "refused");
}

TEST(LiveLoop, one_process_at_a_time_drives_it) {
  ServedShop shop(kMonitoring);
  const auto held = loop_lock(shop.store(), shop.deployment());
  ASSERT_TRUE(held.has_value());
  const auto report = shop.tick();
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code(), ErrorCode::Conflict);
}

TEST(LiveLoop, the_schedule_retrains_by_age_and_only_then) {
  ServedShop shop("monitoring:\n  windows: [1d]\n"
                  "  retrain: {every: 3d, cooldown: 1d, holdout: 2d, promote: significant}\n");
  ASSERT_TRUE(shop.tick().has_value());
  for (int day = 0; day < 7; ++day) {
    shop.serve_day(day);
    ASSERT_TRUE(shop.tick().has_value());
  }
  const auto turns = shop.turns();
  ASSERT_EQ(turns.size(), 2u);
  for (const monitoring::RetrainRecord& turn : turns) EXPECT_EQ(turn.trigger, "schedule");
  EXPECT_GE(turns[1].at, turns[0].at + std::chrono::hours(72));
}

TEST(LiveLoop, windows_that_ended_while_nobody_looked_are_judged_up_to_a_bound) {
  ServedShop shop("monitoring: {windows: [1h]}\n");
  ASSERT_TRUE(shop.tick().has_value());
  shop.end_of_day(2);
  ASSERT_TRUE(shop.tick().has_value());
  EXPECT_EQ(shop.history().windows.size(), 72u);
  shop.end_of_day(100);
  ASSERT_TRUE(shop.tick().has_value());
  const auto windows = shop.history().windows;
  EXPECT_EQ(windows.size(), 72u + WindowWatch::kOverdue);
  EXPECT_EQ(windows.front().end.micros % kMicrosPerDay, 0);
  EXPECT_EQ(windows.front().report.at("rows"), 0);
}

TEST(LiveLoop, without_a_live_version_there_is_nothing_to_watch) {
  ServedShop shop(kMonitoring);
  LiveLoopOptions options = shop.options();
  options.environment = registry::Environment::Production;
  const auto report = tick_live(shop.store(), shop.project(), options);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace martlet::lifecycle

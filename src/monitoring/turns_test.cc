#include "metadata/database.h"
#include "monitoring/history.h"
#include "monitoring/turns.h"
#include "platform/real_file_system.h"

#include <gtest/gtest.h>

namespace martlet::monitoring {
namespace {

constexpr std::chrono::hours kHour{1};

RetrainPolicy policy() {
  RetrainPolicy made;
  made.cooldown = std::chrono::hours(12);
  made.per_week = 2;
  return made;
}

struct Ledger {
  platform::TemporaryDirectory directory = platform::TemporaryDirectory::create().value();
  std::unique_ptr<metadata::Database> database =
      metadata::Database::open(directory.path() + "/m.db", {.schema = {monitoring_schema()}})
          .value();
  Timestamp now{1'000'000'000'000};
  int asked = 0;

  TurnRequest request(const std::string& trigger) {
    TurnRequest made;
    made.id = "t" + std::to_string(asked++);
    made.deployment = "experiment/orders";
    made.trigger = trigger;
    made.champion = "orders/1";
    made.now = now;
    return made;
  }
  Result<TurnAnswer> put(const TurnRequest& request) {
    return database->write([&](metadata::Transaction& tx) { return ask(tx, policy(), request); });
  }
  std::optional<RetrainRecord> running() {
    return database
        ->read([](const metadata::ReadTransaction& tx) {
          return turn_under_way(tx, "experiment/orders");
        })
        .value();
  }
  Result<std::optional<RetrainRecord>> take(const std::string& id) {
    return database->write([&](metadata::Transaction& tx) { return take_up(tx, id, now); });
  }
  Result<void> end(const RetrainRecord& turn, const std::string& decision) {
    return database->write(
        [&](metadata::Transaction& tx) { return end_turn(tx, turn, decision, "tested", now); });
  }
  std::vector<RetrainRecord> all() {
    return history_of(*database, "experiment/orders", 100).value().turns;
  }
};

TEST(Turns, one_is_under_way_at_a_time_whatever_the_policy) {
  Ledger ledger;
  EXPECT_TRUE(ledger.put(ledger.request("schedule"))->granted);
  TurnRequest second = ledger.request("person: now");
  second.use = PolicyUse::Override;
  const TurnAnswer answer = ledger.put(second).value();
  EXPECT_FALSE(answer.granted);
  EXPECT_NE(answer.why.find("under way since"), std::string::npos) << answer.why;
  ASSERT_TRUE(ledger.running().has_value());
  EXPECT_EQ(ledger.running()->trigger, "schedule");
}

TEST(Turns, cooldown_and_budget_count_what_was_begun_whatever_became_of_it) {
  Ledger ledger;
  for (const char* decision : {"failed", "rejected"}) {
    ASSERT_TRUE(ledger.put(ledger.request("alert a"))->granted);
    const RetrainRecord turn = ledger.take(ledger.running()->id).value().value();
    ASSERT_TRUE(ledger.end(turn, decision).has_value());
    const TurnAnswer soon = ledger.put(ledger.request("alert a")).value();
    EXPECT_FALSE(soon.granted);
    EXPECT_NE(soon.why.find("cooldown"), std::string::npos) << soon.why;
    ledger.now = ledger.now + 13 * kHour;
  }
  const TurnAnswer third = ledger.put(ledger.request("alert a")).value();
  EXPECT_FALSE(third.granted);
  EXPECT_NE(third.why.find("budget"), std::string::npos) << third.why;
  TurnRequest person = ledger.request("person: it must be");
  person.use = PolicyUse::Override;
  EXPECT_TRUE(ledger.put(person)->granted);
  EXPECT_EQ(ledger.running()->details, Json({{"policy_overridden", true}}));
}

TEST(Turns, the_same_refusal_again_is_no_news_until_it_begins_to_ask_anew) {
  Ledger ledger;
  ASSERT_TRUE(ledger.put(ledger.request("alert a"))->granted);
  ASSERT_TRUE(ledger.end(ledger.take("t0").value().value(), "rejected").has_value());
  TurnRequest asking = ledger.request("alert a");
  asking.asking_since = ledger.now;
  EXPECT_TRUE(ledger.put(asking)->news);
  ledger.now = ledger.now + kHour;
  TurnRequest again = ledger.request("alert a");
  again.asking_since = asking.asking_since;
  EXPECT_FALSE(ledger.put(again)->news);
  EXPECT_FALSE(ledger.put(again)->granted);
  ledger.now = ledger.now + kHour;
  TurnRequest anew = ledger.request("alert a");
  anew.asking_since = ledger.now;
  EXPECT_TRUE(ledger.put(anew)->news);
  EXPECT_EQ(ledger.all().size(), 3u);
}

TEST(Turns, one_that_its_process_left_behind_is_taken_up_a_bounded_number_of_times) {
  Ledger ledger;
  ASSERT_TRUE(ledger.put(ledger.request("alert a"))->granted);
  for (std::int64_t attempt = 1; attempt <= kTurnAttempts; ++attempt) {
    const auto turn = ledger.take("t0").value();
    ASSERT_TRUE(turn.has_value());
    EXPECT_EQ(turn->attempts, attempt);
  }
  EXPECT_FALSE(ledger.take("t0").value().has_value());
  EXPECT_FALSE(ledger.running().has_value());
  ASSERT_EQ(ledger.all().size(), 1u);
  EXPECT_EQ(ledger.all()[0].decision, "failed");
  EXPECT_FALSE(ledger.take("t0").has_value());
}

TEST(Turns, one_that_was_put_down_waits_and_the_attempt_does_not_count) {
  Ledger ledger;
  ASSERT_TRUE(ledger.put(ledger.request("schedule"))->granted);
  for (int i = 0; i < 20; ++i) {
    const RetrainRecord turn = ledger.take("t0").value().value();
    EXPECT_EQ(turn.attempts, 1);
    ASSERT_TRUE(
        ledger.database->write([&](metadata::Transaction& tx) { return put_down(tx, turn); })
            .has_value());
  }
  EXPECT_TRUE(ledger.running().has_value());
}

TEST(Turns, an_attempt_that_was_overtaken_can_neither_end_nor_put_down_the_turn) {
  Ledger ledger;
  ASSERT_TRUE(ledger.put(ledger.request("schedule"))->granted);
  const RetrainRecord late = ledger.take("t0").value().value();
  const RetrainRecord now = ledger.take("t0").value().value();
  EXPECT_EQ(ledger.end(late, "promoted").error().code(), ErrorCode::Conflict);
  EXPECT_FALSE(ledger.database->write([&](metadata::Transaction& tx) { return put_down(tx, late); })
                   .has_value());
  EXPECT_TRUE(ledger.end(now, "promoted").has_value());
  EXPECT_EQ(ledger.all()[0].decision, "promoted");
  EXPECT_TRUE(ledger.all()[0].ended.has_value());
}

// What a store of before migration 2 held of a turn.
struct OldTurn {
  std::string id, deployment;
  Timestamp at;
  std::string trigger, decision, why, champion, challenger;
  Json details;
  static constexpr metadata::RecordInfo kRecord{"retrainings", "id"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("id", self.id);
    field("deployment", self.deployment);
    field("at", self.at);
    field("trigger_name", self.trigger);
    field("decision", self.decision);
    field("why", self.why);
    field("champion", self.champion);
    field("challenger", self.challenger);
    field("details", self.details);
  }
};

TEST(Turns, a_store_of_before_is_opened_and_its_turns_count) {
  const auto directory = platform::TemporaryDirectory::create().value();
  const std::string path = directory.path() + "/m.db";
  const metadata::SchemaGroup before{
      "monitoring", {{1, "as it was", [](metadata::SchemaEditor& schema) -> Result<void> {
                        MARTLET_TRY(schema.create_table<TruthRecord>());
                        MARTLET_TRY(schema.create_table<WindowRecord>());
                        MARTLET_TRY(schema.create_table<AlertRecord>());
                        MARTLET_TRY(schema.create_table<OldTurn>());
                        return schema.create_index<OldTurn>({"deployment", "at"});
                      }}}};
  {
    const auto old = metadata::Database::open(path, {.schema = {before}}).value();
    ASSERT_TRUE(old->write([](metadata::Transaction& tx) {
                     return tx.insert(OldTurn{"t",
                                              "experiment/orders",
                                              {5},
                                              "schedule",
                                              "rejected",
                                              "worse",
                                              "orders/1",
                                              "",
                                              Json::object()});
                   })
                    .has_value());
  }
  const auto database = metadata::Database::open(path, {.schema = {monitoring_schema()}}).value();
  const DeploymentHistory history = history_of(*database, "experiment/orders", 10).value();
  ASSERT_EQ(history.turns.size(), 1u);
  EXPECT_EQ(history.turns[0].attempts, 1);
  EXPECT_FALSE(history.turns[0].ended.has_value());
  const auto trainings = database->read(
      [](const metadata::ReadTransaction& tx) { return trainings_of(tx, "experiment/orders"); });
  EXPECT_EQ(trainings.value(), (std::vector<Timestamp>{{5}}));
}

TEST(MonitoringConfig, webhooks_are_urls_or_process_variables) {
  std::vector<Finding> findings;
  const auto read = [&](const std::string& hook) {
    findings.clear();
    const Yaml yaml =
        Yaml::parse("alerts:\n  - {name: a, when: rows > 1, then: [{webhook: \"" + hook + "\"}]}\n",
                    "martlet.yaml")
            .value();
    return read_monitoring(yaml, findings);
  };
  EXPECT_EQ(read("${env:HOOK_URL}").alerts[0].then[0].variable(), "HOOK_URL");
  EXPECT_TRUE(findings.empty());
  EXPECT_EQ(read("https://hooks.example/x").alerts[0].then[0].variable(), std::nullopt);
  EXPECT_TRUE(findings.empty());
  for (const char* wrong : {"hooks.example", "file:///etc/passwd", "${secret:HOOK}", "${env:}",
                            "${env:A B}", "ftp://x"}) {
    (void)read(wrong);
    ASSERT_EQ(findings.size(), 1u) << wrong;
    EXPECT_EQ(findings[0].rule, "url");
  }
}

TEST(MonitoringConfig, a_trainings_processors_and_memory_are_bounded_sensibly) {
  std::vector<Finding> findings;
  const auto read = [&](const char* text) {
    findings.clear();
    return read_monitoring(Yaml::parse(text, "martlet.yaml").value(), findings);
  };
  const MonitoringConfig config = read("windows: [1s]\nretrain: {processors: 2, memory: 4GiB}\n");
  EXPECT_TRUE(findings.empty());
  EXPECT_EQ(config.retrain->processors, 2);
  EXPECT_EQ(config.retrain->memory_bytes, std::uint64_t{4} << 30);
  (void)read("retrain: {processors: 0, memory: 1MiB}\n");
  EXPECT_EQ(findings.size(), 2u);
}

}  // namespace
}  // namespace martlet::monitoring

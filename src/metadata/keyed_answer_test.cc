#include "metadata/database.h"
#include "metadata/keyed_answer.h"
#include "metadata/testing/live_postgres.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace martlet::metadata {
namespace {

using testing::Driver;

class KeyedAnswerTest : public ::testing::TestWithParam<Driver> {
 protected:
  void SetUp() override {
    if (!scratch_.available()) GTEST_SKIP() << testing::kNoPostgres;
    auto opened = Database::open(scratch_.place());
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    database_ = std::move(*opened);
  }
  static KeyedAnswer answer(const std::string& key, std::int64_t kept_seconds) {
    return {key,
            digest_of("request of " + key),
            200,
            "application/json",
            {std::string("{\"\0\xff\"}", 6)},
            {kept_seconds * 1'000'000}};
  }
  Result<bool> keep(const KeyedAnswer& kept, const KeyedAnswerLimits& limits = {}) {
    return database_->write([&](Transaction& tx) { return keep_answer(tx, kept, limits); });
  }
  std::optional<KeyedAnswer> find(const std::string& key, std::int64_t now_seconds) {
    auto found = database_->read([&](const ReadTransaction& tx) {
      return kept_answer(tx, key, Timestamp{now_seconds * 1'000'000}, {});
    });
    EXPECT_TRUE(found.has_value());
    return found.has_value() ? *found : std::nullopt;
  }
  std::int64_t count() {
    return *database_->read([](const ReadTransaction& tx) { return tx.count<KeyedAnswer>(); });
  }

  testing::TestPlace scratch_{GetParam()};
  std::unique_ptr<Database> database_;
};

constexpr std::int64_t kDay = 24 * 3600;

TEST_P(KeyedAnswerTest, the_first_answer_of_a_key_stays_for_a_day) {
  const KeyedAnswer first = answer("a", 1000);
  ASSERT_TRUE(*keep(first));
  KeyedAnswer second = answer("a", 1000 + kDay - 1);
  second.status = 404;
  EXPECT_FALSE(*keep(second));
  const auto found = find("a", 1000 + kDay - 1);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->status, 200);
  EXPECT_EQ(found->body, first.body);
  EXPECT_EQ(found->request, first.request);
  EXPECT_FALSE(find("b", 1000).has_value());

  EXPECT_FALSE(find("a", 1000 + kDay).has_value());
  second.kept = {(1000 + kDay) * 1'000'000};
  EXPECT_TRUE(*keep(second));
  EXPECT_EQ(find("a", 1000 + kDay)->status, 404);
}

TEST_P(KeyedAnswerTest, an_answer_is_kept_with_its_change_or_not_at_all) {
  const auto failed = database_->write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY(keep_answer(tx, answer("a", 1), {}));
    return conflict("the change failed");
  });
  EXPECT_FALSE(failed.has_value());
  EXPECT_FALSE(find("a", 1).has_value());
}

TEST_P(KeyedAnswerTest, the_old_and_those_beyond_the_count_are_forgotten) {
  // At once: a commit waits for the disk.
  const auto filled = database_->write([](Transaction& tx) -> Result<std::int64_t> {
    std::int64_t fresh = 0;
    const auto keep_one = [&](const std::string& key, std::int64_t seconds) -> Result<void> {
      MARTLET_TRY_SET(const bool kept, keep_answer(tx, answer(key, seconds), {}));
      fresh += kept ? 1 : 0;
      return {};
    };
    for (std::int64_t i = 0; i < 450; ++i) {
      MARTLET_TRY(keep_one("old" + std::to_string(i), i));
      if (i < 7) MARTLET_TRY(keep_one("new" + std::to_string(i), kDay + 1000 + i));
    }
    return fresh;
  });
  ASSERT_EQ(filled.value_or(0), 457);
  ASSERT_EQ(count(), 457);
  const Timestamp now{(kDay + 449) * 1'000'000};
  EXPECT_EQ(*forget_answers(*database_, now, {}), 450);
  EXPECT_EQ(count(), 7);
  EXPECT_EQ(*forget_answers(*database_, now, {}), 0);
  EXPECT_EQ(*forget_answers(*database_, now, {.count = 3}), 4);
  EXPECT_FALSE(find("new3", kDay).has_value());
  EXPECT_TRUE(find("new4", kDay).has_value());
}

TEST_P(KeyedAnswerTest, of_many_at_once_one_is_first) {
  std::atomic<int> first{0};
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&, i] {
      KeyedAnswer mine = answer("a", 1);
      mine.status = 200 + i;
      const auto kept = keep(mine);
      if (!kept.has_value()) {
        ++failed;
      } else if (*kept) {
        ++first;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(first, 1);
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(count(), 1);
}

INSTANTIATE_TEST_SUITE_P(Drivers, KeyedAnswerTest,
                         ::testing::Values(Driver::Sqlite, Driver::Postgres),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace martlet::metadata

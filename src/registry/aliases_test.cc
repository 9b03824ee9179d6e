#include "registry/testing/registry_fixture.h"

#include <atomic>
#include <thread>

namespace martlet::registry {
namespace {

class AliasesTest : public testing::ModelFixture {};

TEST_F(AliasesTest, alias_move_is_refused_when_someone_moved_it_first) {
  for (int i = 0; i < 3; ++i) add();
  ASSERT_TRUE(move(std::nullopt, 1).has_value());
  ASSERT_TRUE(move(1, 2).has_value());
  const auto late = move(1, 3);
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code(), ErrorCode::Conflict);
  EXPECT_EQ(move(std::nullopt, 3).error().code(), ErrorCode::Conflict);
  EXPECT_EQ(target(), 2);  // the loser changed nothing
  const auto history = registry_->alias_history(churn_, Environment::Production, live_);
  ASSERT_EQ(history->size(), 2U);
  EXPECT_EQ(history->at(1).from, Version{1});
  EXPECT_EQ(history->at(1).to, Version{2});
  EXPECT_EQ(history->at(1).actor, "user:bob");
  EXPECT_EQ(audit_entries("registry.alias.move"), 2U);
}

TEST_F(AliasesTest, of_many_concurrent_moves_from_the_same_state_one_wins) {
  for (int i = 0; i < 9; ++i) add();
  ASSERT_TRUE(move(std::nullopt, 1).has_value());
  std::atomic<int> won{0};
  std::vector<std::thread> threads;
  for (int t = 2; t < 10; ++t) {
    threads.emplace_back([&, t] { won += move(1, t).has_value() ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(registry_->alias_history(churn_, Environment::Production, live_)->size(), 2U);
}

TEST_F(AliasesTest, environments_have_aliases_of_their_own) {
  add();
  add();
  ASSERT_TRUE(move(std::nullopt, 1, Environment::Staging).has_value());
  ASSERT_TRUE(move(std::nullopt, 2, Environment::Production).has_value());
  EXPECT_EQ(target(Environment::Staging), 1);
  EXPECT_EQ(target(Environment::Experiment), std::nullopt);
  EXPECT_EQ(registry_->resolve("churn@live", Environment::Production)->version.number, 2);
  EXPECT_EQ(registry_->resolve("models:/churn@live", Environment::Staging)->version.number, 1);
  EXPECT_EQ(registry_->resolve("churn@live", Environment::Experiment).error().code(),
            ErrorCode::NotFound);
  ASSERT_EQ(registry_->version(churn_, {1})->aliases.size(), 1U);
  EXPECT_EQ(registry_->version(churn_, {1})->aliases[0].environment, Environment::Staging);
}

TEST_F(AliasesTest, what_an_alias_points_at_cannot_be_removed_and_numbers_are_not_given_again) {
  add();
  add();
  ASSERT_TRUE(move(std::nullopt, 2).has_value());
  EXPECT_EQ(registry_->remove_version(churn_, {2}, author_).error().code(), ErrorCode::Conflict);
  EXPECT_EQ(registry_->remove_model(churn_, author_).error().code(), ErrorCode::Conflict);
  EXPECT_TRUE(*registry_->remove_alias(churn_, Environment::Production, live_, author_));
  EXPECT_FALSE(*registry_->remove_alias(churn_, Environment::Production, live_, author_));
  EXPECT_TRUE(registry_->remove_version(churn_, {2}, author_).has_value());
  EXPECT_EQ(add().version.number, 3);
  ASSERT_TRUE(registry_->remove_model(churn_, author_).has_value());
  EXPECT_EQ(registry_->model(churn_).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(registry_->alias_history(churn_, Environment::Production, live_)->size(),
            2U);  // history stays
}

TEST_F(AliasesTest, set_alias_moves_without_expectation_and_the_same_target_is_no_change) {
  add();
  const AliasMove request{.model = churn_,
                          .environment = Environment::Experiment,
                          .alias = live_,
                          .expected = Version{77},
                          .target = {1}};
  ASSERT_TRUE(registry_->set_alias(request, author_).has_value());
  ASSERT_TRUE(registry_->set_alias(request, author_).has_value());
  EXPECT_EQ(registry_->alias_history(churn_, Environment::Experiment, live_)->size(), 1U);
  AliasMove missing = request;
  missing.target = {9};
  EXPECT_EQ(registry_->set_alias(missing, author_).error().code(), ErrorCode::NotFound);
}

TEST_F(AliasesTest, what_is_live_with_a_package_is_neither_removed_nor_renamed) {
  add();
  ASSERT_TRUE(registry_->add_version(sourced(churn_), author_).has_value());
  const ModelName other = *ModelName::parse("other");
  for (const Environment where :
       {Environment::Experiment, Environment::Staging, Environment::Production}) {
    ASSERT_TRUE(move(std::nullopt, 1, where).has_value());
    EXPECT_EQ(registry_->remove_version(churn_, {1}, author_).error().code(), ErrorCode::Conflict);
    EXPECT_EQ(registry_->remove_model(churn_, author_).error().code(), ErrorCode::Conflict);
    EXPECT_EQ(registry_->rename_model(churn_, other, author_).error().code(), ErrorCode::Conflict);
    // Nor pushed aside by something that can't be served.
    const auto replaced = move(1, 2, where);
    EXPECT_EQ(replaced.error().code(), ErrorCode::Conflict);
    EXPECT_NE(replaced.error().message().find("no package"), std::string::npos);
    ASSERT_TRUE(*registry_->remove_alias(churn_, where, live_, author_));
  }
  // Nobody can be serving a mere source: `live` is a name like any other there.
  ASSERT_TRUE(move(std::nullopt, 2).has_value());
  ASSERT_TRUE(registry_->rename_model(churn_, other, author_).has_value());
  ASSERT_TRUE(registry_->remove_model(other, author_).has_value());
  EXPECT_TRUE(findings().empty());
}

}  // namespace
}  // namespace martlet::registry

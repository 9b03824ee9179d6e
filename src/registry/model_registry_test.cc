#include "artifacts/memory_blob_store.h"
#include "metadata/database.h"
#include "registry/model_registry.h"
#include "registry/schema.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <stdlib.h>
#include <thread>

namespace martlet::registry {
namespace {

// In-memory blobs, clock at 2030-01-01.
class ModelRegistryTest : public ::testing::Test {
 protected:
  ModelRegistryTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "martlet-test-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    auto opened =
        metadata::Database::open(directory_ + "/metadata.db", {.schema = {registry_schema()}});
    EXPECT_TRUE(opened.has_value());
    database_ = std::move(*opened);
    registry_.emplace(*database_, blobs_, clock_);
  }
  ~ModelRegistryTest() override {
    registry_.reset();
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  ModelVersion add(const std::string& package = "package") {
    const Digest digest = *blobs_.put(package);
    auto added = registry_->add_version(
        {.model = churn_, .package = digest, .trained_by = RunId("r1")}, author_);
    EXPECT_TRUE(added.has_value()) << added.error().message();
    return *added;
  }
  Result<void> move(std::optional<std::int64_t> expected, std::int64_t target,
                    Environment environment = Environment::Production) {
    AliasMove request{.model = churn_,
                      .environment = environment,
                      .alias = live_,
                      .expected = {},
                      .target = {target},
                      .reason = "better"};
    if (expected.has_value()) request.expected = Version{*expected};
    return registry_->move_alias(request, approver_);
  }
  std::optional<std::int64_t> target(Environment environment = Environment::Production) {
    const auto version = registry_->target_of(churn_, environment, live_);
    EXPECT_TRUE(version.has_value());
    return version->has_value() ? std::optional<std::int64_t>((*version)->version.number)
                                : std::nullopt;
  }
  std::size_t audit_entries(const std::string& action) {
    const auto found = database_->read([&](const metadata::ReadTransaction& tx) {
      return tx.count<metadata::AuditRecord>(metadata::equal("action", action));
    });
    return static_cast<std::size_t>(*found);
  }

  std::string directory_;
  artifacts::MemoryBlobStore blobs_;
  VirtualClock clock_{Timestamp{1'893'456'000'000'000}};
  std::unique_ptr<metadata::Database> database_;
  std::optional<ModelRegistry> registry_;
  const ModelName churn_ = *ModelName::parse("churn");
  const Alias live_ = live_alias();
  const Actor author_{"user:ann"};
  const Actor approver_{"user:bob"};
};

TEST_F(ModelRegistryTest, versions_count_densely_from_one_and_need_a_stored_package) {
  EXPECT_EQ(add("a").version.number, 1);
  const auto absent = registry_->add_version(
      {.model = churn_, .package = digest_of("absent"), .trained_by = RunId()}, author_);
  EXPECT_EQ(absent.error().code(), ErrorCode::NotFound);
  EXPECT_EQ(add("b").version.number, 2);
  const auto versions = registry_->versions(churn_);
  ASSERT_EQ(versions->size(), 2U);
  EXPECT_EQ(versions->at(0).version.number, 2);
  EXPECT_EQ(versions->at(1).package, digest_of("a"));
  EXPECT_EQ(versions->at(1).created_by, "user:ann");
  EXPECT_EQ(registry_->versions_of_run(RunId("r1"))->size(), 2U);
  EXPECT_EQ(registry_->versions_of_package(digest_of("b"))->size(), 1U);
  EXPECT_EQ(audit_entries("registry.version.create"),
            2U);  // the refused one left no trace of success
}

TEST_F(ModelRegistryTest, concurrent_registrations_get_distinct_dense_numbers) {
  const Digest package = *blobs_.put("p");
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::set<std::int64_t> numbers;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) {
        const auto added = registry_->add_version(
            {.model = churn_, .package = package, .trained_by = RunId()}, author_);
        ASSERT_TRUE(added.has_value());
        const std::unique_lock lock(mutex);
        numbers.insert(added->version.number);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(numbers.size(), 40U);
  EXPECT_EQ(*numbers.rbegin(), 40);
}

TEST_F(ModelRegistryTest, alias_move_is_refused_when_someone_moved_it_first) {
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

TEST_F(ModelRegistryTest, of_many_concurrent_moves_from_the_same_state_one_wins) {
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

TEST_F(ModelRegistryTest, environments_have_aliases_of_their_own) {
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

TEST_F(ModelRegistryTest, references_resolve_by_version_and_latest) {
  add("a");
  add("b");
  EXPECT_EQ(registry_->resolve("churn/1", Environment::Experiment)->package, digest_of("a"));
  EXPECT_EQ(registry_->resolve("churn/latest", Environment::Experiment)->version.number, 2);
  EXPECT_EQ(registry_->resolve("models:/churn", Environment::Experiment)->version.number, 2);
  EXPECT_EQ(registry_->resolve("churn/3", Environment::Experiment).error().code(),
            ErrorCode::NotFound);
  EXPECT_EQ(registry_->resolve("other/1", Environment::Experiment).error().code(),
            ErrorCode::NotFound);
  for (const char* bad : {"", "churn/", "churn/x", "churn/-1", "churn/0", "churn/+1", "churn@",
                          "@live", "a/b/c", "churn/99999999999999999999"}) {
    EXPECT_EQ(registry_->resolve(bad, Environment::Experiment).error().code(),
              ErrorCode::InvalidArgument)
        << bad;
  }
}

TEST_F(ModelRegistryTest,
       what_an_alias_points_at_cannot_be_removed_and_numbers_are_not_given_again) {
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

TEST_F(ModelRegistryTest, set_alias_moves_without_expectation_and_the_same_target_is_no_change) {
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

TEST_F(ModelRegistryTest, tags_and_descriptions_change_and_are_audited) {
  add();
  EXPECT_EQ(registry_->create_model(churn_, "", {}, author_).error().code(),
            ErrorCode::AlreadyExists);
  ASSERT_TRUE(registry_->tag_model(churn_, "team", "ops", author_).has_value());
  ASSERT_TRUE(registry_->tag_version(churn_, {1}, "a", "b", author_).has_value());
  ASSERT_TRUE(registry_->tag_version(churn_, {1}, "a", std::nullopt, author_).has_value());
  ASSERT_TRUE(registry_->describe_version(churn_, {1}, "the first", author_).has_value());
  EXPECT_EQ(registry_->tag_model(churn_, "", "x", author_).error().code(),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(registry_->model(churn_)->tags, (Texts{{"team", "ops"}}));
  EXPECT_TRUE(registry_->version(churn_, {1})->tags.empty());
  EXPECT_EQ(registry_->version(churn_, {1})->description, "the first");
  const auto broken = database_->read(
      [](const metadata::ReadTransaction& tx) { return metadata::verify_audit(tx); });
  EXPECT_TRUE(broken->empty());
  EXPECT_EQ(audit_entries("registry.version.tag"), 2U);
}

TEST_F(ModelRegistryTest, attestations_stand_beside_a_version_in_order) {
  add();
  Attestation gates;
  gates.statement = {{"gates", {{{"name", "kpis"}, {"passed", true}}}}};
  Attestation waiver{.number = 0,
                     .kind = AttestationKind::Waiver,
                     .environment = Environment::Production,
                     .statement = {{"gate", "stress"}},
                     .at = {},
                     .actor = ""};
  EXPECT_EQ(registry_->attest(churn_, {1}, gates, author_)->number, 1);
  EXPECT_EQ(registry_->attest(churn_, {1}, waiver, approver_)->number, 2);
  const auto found = registry_->attestations(churn_, {1});
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ(found->at(0).statement["gates"][0]["name"], "kpis");
  EXPECT_EQ(found->at(1).environment, Environment::Production);
  EXPECT_EQ(found->at(1).actor, "user:bob");
  EXPECT_EQ(registry_->attest(churn_, {7}, gates, author_).error().code(), ErrorCode::NotFound);
  gates.statement = Json::array();
  EXPECT_EQ(registry_->attest(churn_, {1}, gates, author_).error().code(),
            ErrorCode::InvalidArgument);
}

TEST(Names, refuse_what_could_be_read_as_something_else) {
  for (const std::string& bad :
       {std::string(), std::string("a/b"), std::string("a:b"), std::string("a@b"),
        std::string("a\nb"), std::string(" a"), std::string("\xff"), std::string(251, 'a')}) {
    EXPECT_EQ(ModelName::parse(bad).error().code(), ErrorCode::InvalidArgument) << bad;
  }
  EXPECT_TRUE(ModelName::parse("Abwanderung größer v2.1").has_value());
  for (const std::string& bad :
       {std::string(), std::string("latest"), std::string("Latest"), std::string("v1"),
        std::string("V22"), std::string("a b"), std::string("ä"), std::string(256, 'a')}) {
    EXPECT_EQ(Alias::parse(bad).error().code(), ErrorCode::InvalidArgument) << bad;
  }
  for (const char* good : {"v", "va", "live", "challenger-2", "v1x"})
    EXPECT_TRUE(Alias::parse(good).has_value()) << good;
  EXPECT_EQ(*parse_environment("staging"), Environment::Staging);
  EXPECT_NE(parse_environment("prodution").error().message().find("production"), std::string::npos);
}

}  // namespace
}  // namespace martlet::registry

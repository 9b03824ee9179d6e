#include "registry/testing/registry_fixture.h"

#include <mutex>
#include <set>
#include <thread>

namespace martlet::registry {
namespace {

class ModelVersionsTest : public testing::ModelFixture {};

TEST_F(ModelVersionsTest, versions_count_densely_from_one_and_need_a_stored_package) {
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

TEST_F(ModelVersionsTest, concurrent_registrations_get_distinct_dense_numbers) {
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

TEST_F(ModelVersionsTest, references_resolve_by_version_and_latest) {
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

TEST_F(ModelVersionsTest, a_version_has_a_package_or_a_source) {
  NewVersion request = sourced(churn_, "runs:/r7/model");
  EXPECT_EQ(registry_->add_version(sourced(churn_, ""), author_).error().code(),
            ErrorCode::InvalidArgument);
  request.unknown_model = UnknownModel::Refuse;
  EXPECT_EQ(registry_->add_version(request, author_).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(registry_->model(churn_).error().code(), ErrorCode::NotFound);
  ASSERT_TRUE(registry_->create_model(churn_, "who leaves", {}, author_).has_value());
  request.location = "mlflow-artifacts:/0/r7/artifacts/model";
  request.trained_by = RunId("r7");
  request.run_link = "https://example.org/r7";
  request.model_id = "m-1";
  request.tags = {{"a", "b"}};
  ASSERT_TRUE(registry_->add_version(request, author_).has_value());
  const auto version = registry_->version(churn_, {1});
  ASSERT_TRUE(version.has_value());
  EXPECT_FALSE(version->has_package());
  EXPECT_EQ(version->source, "runs:/r7/model");
  EXPECT_EQ(version->location, "mlflow-artifacts:/0/r7/artifacts/model");
  EXPECT_EQ(version->run_link, "https://example.org/r7");
  EXPECT_EQ(version->model_id, "m-1");
  EXPECT_EQ(version->stage, Stage::None);
  EXPECT_EQ(registry_->model(churn_)->created_by, "user:ann");
  // The log is for ever, and a source may be nobody's business.
  const auto log = database_->read(
      [](const metadata::ReadTransaction& tx) { return tx.select<metadata::AuditRecord>(); });
  for (const metadata::AuditRecord& entry : *log)
    EXPECT_EQ(martlet::to_text(entry.details).find("runs:/"), std::string::npos);
}

TEST_F(ModelVersionsTest, a_removed_version_takes_its_aliases_along_and_leaves_nothing_to_read) {
  add();
  ASSERT_TRUE(registry_->add_version(sourced(churn_, "s3://secret/place"), author_).has_value());
  const Alias challenger = *Alias::parse("challenger");
  for (const Environment where : {Environment::Experiment, Environment::Production}) {
    const AliasMove move{.model = churn_,
                         .environment = where,
                         .alias = challenger,
                         .expected = {},
                         .target = {2},
                         .reason = ""};
    ASSERT_TRUE(registry_->set_alias(move, author_).has_value());
  }
  ASSERT_TRUE(registry_->tag_version(churn_, {2}, "k", "v", author_).has_value());
  ASSERT_TRUE(registry_->remove_version(churn_, {2}, author_).has_value());
  EXPECT_EQ(registry_->version(churn_, {2}).error().code(), ErrorCode::NotFound);
  EXPECT_FALSE(registry_->target_of(churn_, Environment::Experiment, challenger)->has_value());
  EXPECT_TRUE(registry_->model(churn_)->aliases.empty());
  const auto history = registry_->alias_history(churn_, Environment::Production, challenger);
  ASSERT_EQ(history->size(), 2U);
  EXPECT_FALSE(history->at(1).to.has_value());
  EXPECT_EQ(audit_entries("registry.alias.remove"), 2U);
  EXPECT_TRUE(findings().empty());
  EXPECT_EQ(registry_->remove_version(churn_, {2}, author_).error().code(), ErrorCode::NotFound);
}

TEST_F(ModelVersionsTest, a_copy_is_what_it_was_copied_from_and_as_much_judged) {
  const ModelName other = *ModelName::parse("other");
  add("package");
  Attestation gates;
  gates.statement = {{"gates", {{{"name", "kpis"}, {"passed", false}}}}};
  ASSERT_TRUE(registry_->attest(churn_, {1}, gates, approver_).has_value());
  ASSERT_TRUE(registry_->tag_version(churn_, {1}, "k", "v", author_).has_value());
  clock_.advance(std::chrono::seconds(1));
  const auto copy = registry_->copy_version({churn_, {1}}, other, author_);
  ASSERT_TRUE(copy.has_value()) << copy.error().message();
  EXPECT_EQ(copy->model, other);
  EXPECT_EQ(copy->version.number, 1);
  EXPECT_EQ(copy->package, digest_of("package"));
  EXPECT_EQ(copy->source, "models:/churn/1");
  EXPECT_EQ(copy->run, RunId("r1"));
  EXPECT_EQ(copy->tags, (Texts{{"k", "v"}}));
  const auto attested = registry_->attestations(other, {1});
  ASSERT_EQ(attested->size(), 1U);
  EXPECT_EQ(attested->at(0).statement, gates.statement);
  EXPECT_EQ(attested->at(0).actor, "user:bob");
  ASSERT_TRUE(registry_->add_version(sourced(churn_), author_).has_value());
  EXPECT_EQ(registry_->copy_version({churn_, {2}}, other, author_)->location, "s3://bucket/model");
  // A copy of a copy still says where the files are.
  EXPECT_EQ(registry_->copy_version({other, {2}}, churn_, author_)->location, "s3://bucket/model");
  EXPECT_EQ(registry_->copy_version({churn_, {9}}, other, author_).error().code(),
            ErrorCode::NotFound);
  for (const std::string& finding : findings()) ADD_FAILURE() << finding;
}

}  // namespace
}  // namespace martlet::registry

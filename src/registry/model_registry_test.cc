#include "registry/internal/records.h"
#include "registry/testing/registry_fixture.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <set>
#include <thread>

namespace martlet::registry {
namespace {

class ModelRegistryTest : public testing::ModelFixture {};

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

TEST_F(ModelRegistryTest, a_version_has_a_package_or_a_source) {
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

TEST_F(ModelRegistryTest, a_model_is_as_new_as_the_last_change_of_its_versions) {
  add();
  const auto updated = [&] { return registry_->model(churn_)->updated; };
  const std::vector<std::function<bool()>> changes{
      [&] { return add().version.number == 2; },
      [&] { return registry_->describe_version(churn_, {1}, "x", author_).has_value(); },
      [&] { return registry_->tag_version(churn_, {1}, "k", "v", author_).has_value(); },
      [&] {
        return registry_->set_stage(churn_, {1}, Stage::Staging, OthersInStage::Keep, author_)
            .has_value();
      },
      [&] { return registry_->tag_model(churn_, "k", "v", author_).has_value(); },
      [&] { return registry_->remove_version(churn_, {2}, author_).has_value(); }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const Timestamp before = updated();
    clock_.advance(std::chrono::seconds(1));
    ASSERT_TRUE(changes[i]()) << i;
    EXPECT_GT(updated(), before) << i;
  }
}

TEST_F(ModelRegistryTest, stages_are_labels_that_move_no_alias) {
  for (int i = 0; i < 3; ++i) add();
  const auto enter = [&](std::int64_t version, Stage stage, OthersInStage others) {
    return registry_->set_stage(churn_, {version}, stage, others, author_);
  };
  EXPECT_EQ(enter(1, Stage::Production, OthersInStage::Keep)->stage, Stage::Production);
  ASSERT_TRUE(enter(2, Stage::Production, OthersInStage::Keep).has_value());
  EXPECT_EQ(registry_->version(churn_, {1})->stage, Stage::Production);
  ASSERT_TRUE(enter(3, Stage::Production, OthersInStage::Archive).has_value());
  EXPECT_EQ(registry_->version(churn_, {1})->stage, Stage::Archived);
  EXPECT_EQ(registry_->version(churn_, {2})->stage, Stage::Archived);
  EXPECT_EQ(audit_entries("registry.version.stage"), 5U);
  EXPECT_EQ(enter(1, Stage::None, OthersInStage::Archive).error().code(),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(enter(9, Stage::None, OthersInStage::Keep).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(target(), std::nullopt);
  const auto numbers = [&](const std::vector<Stage>& stages) {
    const auto latest = registry_->latest_versions(churn_, stages);
    std::vector<std::int64_t> found;
    for (const ModelVersion& version : *latest) found.push_back(version.version.number);
    return found;
  };
  EXPECT_EQ(numbers({}), (std::vector<std::int64_t>{3, 2}));
  EXPECT_EQ(numbers({Stage::Archived}), std::vector<std::int64_t>{2});
  EXPECT_TRUE(numbers({Stage::Staging}).empty());
  EXPECT_EQ(registry_->latest_versions(*ModelName::parse("other"), {}).error().code(),
            ErrorCode::NotFound);
  EXPECT_EQ(*parse_stage("pRODUCTION"), Stage::Production);
  EXPECT_EQ(parse_stage("live").error().code(), ErrorCode::InvalidArgument);
}

TEST_F(ModelRegistryTest, a_removed_version_takes_its_aliases_along_and_leaves_nothing_to_read) {
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

TEST_F(ModelRegistryTest, what_is_live_with_a_package_is_neither_removed_nor_renamed) {
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

TEST_F(ModelRegistryTest, a_renamed_model_keeps_all_that_belongs_to_it) {
  const ModelName other = *ModelName::parse("other");
  const Alias challenger = *Alias::parse("challenger");
  const auto point = [&](const ModelName& model, std::int64_t version) {
    const AliasMove request{.model = model,
                            .environment = Environment::Experiment,
                            .alias = challenger,
                            .expected = {},
                            .target = {version},
                            .reason = ""};
    return registry_->set_alias(request, author_).has_value();
  };
  // An earlier model of the new name has left a history.
  ASSERT_TRUE(registry_->add_version(sourced(other), author_).has_value());
  ASSERT_TRUE(point(other, 1));
  ASSERT_TRUE(registry_->remove_model(other, author_).has_value());
  add();
  add();
  ASSERT_TRUE(point(churn_, 1));
  ASSERT_TRUE(point(churn_, 2));
  ASSERT_TRUE(registry_->tag_model(churn_, "team", "red", author_).has_value());
  ASSERT_TRUE(registry_->tag_version(churn_, {1}, "k", "v", author_).has_value());
  ASSERT_TRUE(registry_->attest(churn_, {1}, {}, author_).has_value());
  ASSERT_TRUE(registry_->create_model(*ModelName::parse("third"), "", {}, author_).has_value());
  EXPECT_EQ(registry_->rename_model(churn_, *ModelName::parse("third"), author_).error().code(),
            ErrorCode::AlreadyExists);
  const auto renamed = registry_->rename_model(churn_, other, author_);
  ASSERT_TRUE(renamed.has_value()) << renamed.error().message();
  EXPECT_EQ(registry_->model(churn_).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(registry_->rename_model(churn_, other, author_).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(registry_->model(other)->tags, (Texts{{"team", "red"}}));
  EXPECT_EQ(registry_->versions(other)->size(), 2U);
  EXPECT_EQ(registry_->attestations(other, {1})->size(), 1U);
  EXPECT_EQ(registry_->resolve("other@challenger", Environment::Experiment)->version.number, 2);
  const auto history = registry_->alias_history(other, Environment::Experiment, challenger);
  ASSERT_EQ(history->size(), 4U);  // two of the earlier model, and two
  EXPECT_EQ(history->at(3).to, Version{2});
  RegistrySearch search;
  search.filter = "tags.k = 'v'";
  EXPECT_EQ(registry_->search_versions(search)->versions.size(), 1U);
  // Numbers go on, and the old name is free.
  const Digest package = *blobs_.put("package");
  EXPECT_EQ(registry_->add_version({other, package, RunId()}, author_)->version.number, 3);
  EXPECT_EQ(add().version.number, 1);
  for (const std::string& finding : findings()) ADD_FAILURE() << finding;
}

TEST_F(ModelRegistryTest, a_copy_is_what_it_was_copied_from_and_as_much_judged) {
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

TEST_F(ModelRegistryTest, tags_are_bounded_in_characters_and_found_however_long) {
  add();
  EXPECT_EQ(registry_->tag_model(churn_, std::string(251, 'k'), "v", author_).error().code(),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(registry_->tag_model(churn_, "k", std::string(100'001, 'v'), author_).error().code(),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(registry_->tag_model(churn_, "k", "\xff", author_).error().code(),
            ErrorCode::InvalidArgument);
  std::string key;
  for (int i = 0; i < 250; ++i) key += "\u00e4";
  ASSERT_TRUE(registry_->tag_model(churn_, key, "v", author_).has_value());
  std::string value = "x";
  for (int i = 0; i < 30'000; ++i) value += "\u00e4";
  ASSERT_TRUE(registry_->tag_model(churn_, "long", value, author_).has_value());
  RegistrySearch search;
  search.filter = "tags.long = '" + value + "'";
  EXPECT_EQ(registry_->search_models(search)->models.size(), 1U);
  search.filter = "tags.long = '" + value.substr(0, value.size() - 2) + "'";
  EXPECT_TRUE(registry_->search_models(search)->models.empty());
  EXPECT_TRUE(findings().empty());
}

TEST_F(ModelRegistryTest, what_searches_see_is_checked_against_the_records) {
  add();
  ASSERT_TRUE(registry_->tag_version(churn_, {1}, "k", "v", author_).has_value());
  ASSERT_TRUE(registry_->tag_model(churn_, "k", "v", author_).has_value());
  EXPECT_TRUE(findings().empty());
  ASSERT_TRUE(database_
                  ->write([](metadata::Transaction& tx) -> Result<void> {
                    MARTLET_TRY(tx.remove_where<VersionTagRecord>({}));
                    MARTLET_TRY(tx.set_where<ModelTagRecord>({}, "value", "w"));
                    return {};
                  })
                  .has_value());
  EXPECT_EQ(findings().size(), 2U);
}

TEST(Names, refuse_what_could_be_read_as_something_else) {
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("a:b"),
        std::string("a@b"), std::string("a\nb"), std::string(" a"), std::string("\xff"),
        std::string(251, 'a')}) {
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

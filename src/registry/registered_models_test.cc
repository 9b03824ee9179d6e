#include "registry/testing/registry_fixture.h"

#include <functional>

namespace martlet::registry {
namespace {

class RegisteredModelsTest : public testing::ModelFixture {};

TEST_F(RegisteredModelsTest, tags_and_descriptions_change_and_are_audited) {
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

TEST_F(RegisteredModelsTest, a_model_is_as_new_as_the_last_change_of_its_versions) {
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

TEST_F(RegisteredModelsTest, a_renamed_model_keeps_all_that_belongs_to_it) {
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

TEST_F(RegisteredModelsTest, tags_are_bounded_in_characters_and_found_however_long) {
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

}  // namespace
}  // namespace martlet::registry

#include "registry/registry_import.h"
#include "registry/testing/registry_fixture.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace martlet::registry {
namespace {

class RegistryImportTest : public testing::RegistryFixture {
 protected:
  RegistryImportTest() {
    theirs_.name = churn_;
    theirs_.description = "who leaves";
    theirs_.tags = {{"team", "a"}};
    theirs_.created = {1'600'000'000'000'000};
    theirs_.updated = {1'600'000'500'000'000};
    theirs_.aliases = {{Environment::Experiment, *Alias::parse("champion"), {4}}};
    versions_ = {version(1), version(4)};
    versions_[1].stage = Stage::Production;
    versions_[1].tags = {{"checked", "yes"}};
  }

  ModelVersion version(std::int64_t number) const {
    ModelVersion made;
    made.model = churn_;
    made.version = {number};
    made.run = RunId("r1");
    made.source = "s3://bucket/" + std::to_string(number);
    made.created = {1'600'000'000'000'000 + number * 1'000'000};
    made.updated = made.created;
    made.created_by = "ada";
    return made;
  }
  RegistryTally add(RegistryImportMode mode = RegistryImportMode::Write) {
    findings_.clear();
    auto added = RegistryImporter(*database_, clock_, mode).add(theirs_, versions_, findings_);
    EXPECT_TRUE(added.has_value()) << (added.has_value() ? "" : added.error().message());
    return added.value_or(RegistryTally{});
  }
  std::vector<std::string> rules() const {
    std::vector<std::string> found;
    for (const Finding& finding : findings_) found.push_back(finding.rule);
    std::sort(found.begin(), found.end());
    return found;
  }
  void expect_sound() {
    for (const std::string& finding : findings()) ADD_FAILURE() << finding;
  }

  RegisteredModel theirs_;
  std::vector<ModelVersion> versions_;
  std::vector<Finding> findings_;
};

TEST_F(RegistryImportTest, a_model_comes_as_it_was_and_a_second_time_adds_nothing) {
  const RegistryTally added = add();
  EXPECT_EQ(added.models, 1);
  EXPECT_EQ(added.versions, 2);
  EXPECT_EQ(added.aliases, 1);
  EXPECT_EQ(added.tags, 2);
  EXPECT_TRUE(findings_.empty());
  const auto model = registry_->model(churn_);
  ASSERT_TRUE(model.has_value());
  EXPECT_EQ(model->description, "who leaves");
  EXPECT_EQ(model->created, theirs_.created);
  EXPECT_EQ(model->updated, theirs_.updated);
  EXPECT_EQ(model->last.number, 4);
  const auto four = registry_->resolve("churn@champion", Environment::Experiment);
  ASSERT_TRUE(four.has_value());
  EXPECT_EQ(four->version.number, 4);
  EXPECT_EQ(four->created, versions_[1].created);
  EXPECT_EQ(four->created_by, "ada");
  EXPECT_EQ(four->stage, Stage::Production);
  EXPECT_EQ(four->tags, versions_[1].tags);
  EXPECT_EQ(four->source, "s3://bucket/4");
  expect_sound();

  const RegistryTally again = add();
  EXPECT_EQ(again.models + again.versions + again.aliases + again.tags, 0);
  EXPECT_TRUE(findings_.empty());
  // The next one made here goes on behind theirs.
  const auto next = registry_->add_version(
      {.model = churn_, .package = {}, .trained_by = {}, .source = "s3://bucket/n"}, author_);
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->version.number, 5);
}

TEST_F(RegistryImportTest, what_is_new_there_is_added_and_what_changed_here_stays) {
  add();
  ASSERT_TRUE(registry_->remove_version(churn_, {1}, author_).has_value());
  ASSERT_TRUE(
      registry_->tag_model(churn_, "team", std::optional<std::string>("b"), author_).has_value());
  ASSERT_TRUE(
      registry_->remove_alias(churn_, Environment::Experiment, *Alias::parse("champion"), author_)
          .has_value());
  versions_.push_back(version(6));
  theirs_.aliases.push_back({Environment::Experiment, *Alias::parse("next"), {6}});
  theirs_.tags["more"] = "c";
  const RegistryTally added = add();
  EXPECT_EQ(added.versions, 1);
  EXPECT_EQ(added.aliases, 1);
  EXPECT_EQ(added.tags, 1);
  EXPECT_EQ(rules(), (std::vector<std::string>{"alias_removed", "version_removed"}));
  EXPECT_EQ(registry_->model(churn_)->tags.at("team"), "b");
  EXPECT_FALSE(registry_->version(churn_, {1}).has_value());
  EXPECT_TRUE(registry_->version(churn_, {6}).has_value());
  expect_sound();
}

TEST_F(RegistryImportTest, another_model_of_that_name_is_a_conflict) {
  ASSERT_TRUE(
      registry_
          ->add_version({.model = churn_, .package = {}, .trained_by = {}, .source = "s3://mine"},
                        author_)
          .has_value());
  const auto added = RegistryImporter(*database_, clock_, RegistryImportMode::Write)
                         .add(theirs_, versions_, findings_);
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error().code(), ErrorCode::Conflict);
  EXPECT_NE(added.error().message().find("churn"), std::string::npos);
  EXPECT_EQ(registry_->versions(churn_)->size(), 1u);
  EXPECT_EQ(registry_->version(churn_, {1})->source, "s3://mine");
}

TEST_F(RegistryImportTest, a_version_and_an_alias_that_differ_are_kept_and_told) {
  add();
  versions_[0].created.micros += 5'000;
  versions_[0].source = "s3://other";
  theirs_.aliases[0].version = {1};
  theirs_.aliases.push_back({Environment::Experiment, *Alias::parse("lost"), {9}});
  const RegistryTally again = add();
  EXPECT_EQ(again.versions + again.aliases, 0);
  EXPECT_EQ(rules(),
            (std::vector<std::string>{"alias_differs", "alias_differs", "version_differs"}));
  EXPECT_EQ(registry_->version(churn_, {1})->source, "s3://bucket/1");
}

TEST_F(RegistryImportTest, a_rehearsal_counts_the_same_and_writes_nothing) {
  const RegistryTally rehearsed = add(RegistryImportMode::Rehearse);
  EXPECT_EQ(rehearsed.models, 1);
  EXPECT_EQ(rehearsed.versions, 2);
  EXPECT_EQ(rehearsed.aliases, 1);
  EXPECT_FALSE(registry_->model(churn_).has_value());
  EXPECT_EQ(add().versions, 2);
}

TEST_F(RegistryImportTest, tags_that_our_rules_forbid_are_left_out_and_told) {
  theirs_.tags[std::string(300, 'k')] = "v";
  const RegistryTally added = add();
  EXPECT_EQ(added.tags, 2);
  EXPECT_EQ(rules(), (std::vector<std::string>{"bad_tag"}));
}

}  // namespace
}  // namespace martlet::registry

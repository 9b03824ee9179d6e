#include "registry/testing/registry_fixture.h"

namespace martlet::registry {
namespace {

class StagesTest : public testing::ModelFixture {};

TEST_F(StagesTest, stages_are_labels_that_move_no_alias) {
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

}  // namespace
}  // namespace martlet::registry

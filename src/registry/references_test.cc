#include "registry/internal/records.h"
#include "registry/testing/registry_fixture.h"

namespace martlet::registry {
namespace {

class ReferencesTest : public testing::ModelFixture {};

TEST_F(ReferencesTest, what_searches_see_is_checked_against_the_records) {
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

}  // namespace
}  // namespace martlet::registry

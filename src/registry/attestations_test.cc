#include "registry/testing/registry_fixture.h"

namespace martlet::registry {
namespace {

class AttestationsTest : public testing::ModelFixture {};

TEST_F(AttestationsTest, attestations_stand_beside_a_version_in_order) {
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

}  // namespace
}  // namespace martlet::registry

#include "lifecycle/live_loop_testing.h"
#include "lifecycle/packages.h"
#include "lifecycle/promotion.h"
#include "metadata/database.h"

#include <gtest/gtest.h>

namespace martlet::lifecycle {
namespace {

using registry::Environment;

struct Shop : ServedShop {
  Shop() : ServedShop("") {}
  registry::ModelRegistry models = registry_of(store());
  registry::ModelName name = registry::ModelName::parse("shop").value();

  Result<Promotion> promote_to(Environment to, PromotionRequest request = {}) {
    if (request.model.empty()) request.model = "shop/1";
    request.to = to;
    request.reason = "tested";
    return promote(store(), request, metadata::Actor{"ann"});
  }
  std::string live_in(Environment environment) {
    const auto version = models.target_of(name, environment, registry::live_alias()).value();
    return version.has_value() ? registry::to_text(name, version->version) : "";
  }
  // Another version of the same package, of which these gates were attested.
  void add_version(const Json& gates) {
    const auto first = models.version(name, registry::Version{1}).value();
    const auto version =
        models.add_version({name, first.package, RunId()}, metadata::Actor{}).value();
    registry::Attestation attestation;
    attestation.statement = Json{{"gates", gates}};
    ASSERT_TRUE(models.attest(name, version.version, attestation, metadata::Actor{}).has_value());
  }
};

TEST(Promotion, a_version_whose_gates_let_it_pass_goes_live_and_the_move_is_audited) {
  Shop shop;
  PromotionRequest dry;
  dry.mode = PromotionMode::DryRun;
  const Promotion looked = shop.promote_to(Environment::Production, dry).value();
  EXPECT_TRUE(looked.allowed);
  EXPECT_FALSE(looked.moved);
  EXPECT_EQ(shop.live_in(Environment::Production), "");

  const Promotion moved = shop.promote_to(Environment::Production).value();
  EXPECT_TRUE(moved.moved);
  EXPECT_FALSE(moved.before.has_value());
  EXPECT_EQ(shop.live_in(Environment::Production), "shop/1");
  const auto history =
      shop.models.alias_history(shop.name, Environment::Production, registry::live_alias()).value();
  ASSERT_EQ(history.size(), 1u);
  EXPECT_EQ(history[0].actor, "ann");
  EXPECT_EQ(history[0].reason, "tested");
  const auto audited = shop.store().database().read([](const metadata::ReadTransaction& tx) {
    return tx.first<metadata::AuditRecord>(
        metadata::Query(metadata::equal("action", "registry.alias.move"))
            .order_by("number", metadata::Order::Descending));
  });
  EXPECT_EQ((*audited)->actor, "ann");
  EXPECT_FALSE(shop.promote_to(Environment::Production)->moved);  // it is live already
}

TEST(Promotion, a_failed_or_unknown_gate_keeps_it_out_unless_it_is_waived) {
  Shop shop;
  shop.add_version(Json::array({Json{{"name", "kpi.gain"}, {"passed", false}, {"why", "too low"}},
                                Json{{"name", "fairness"}, {"passed", nullptr}, {"why", "few"}}}));
  PromotionRequest request;
  request.model = "shop/2";
  const Promotion refused = shop.promote_to(Environment::Staging, request).value();
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(shop.live_in(Environment::Staging), "");
  request.waivers = {{"kpi.gain", "the holidays"}};
  EXPECT_FALSE(shop.promote_to(Environment::Staging, request)->allowed);
  request.waivers["fairness"] = "looked at by hand";
  EXPECT_TRUE(shop.promote_to(Environment::Staging, request)->moved);
  const auto attested = shop.models.attestations(shop.name, registry::Version{2}).value();
  EXPECT_EQ(attested.back().kind, registry::AttestationKind::Waiver);
  EXPECT_EQ(attested.back().actor, "ann");

  request.waivers = {{"kpi.gian", "a slip"}};
  EXPECT_EQ(shop.promote_to(Environment::Staging, request).error().code(),
            ErrorCode::InvalidArgument);
  request.waivers = {{"kpi.gain", ""}};
  EXPECT_EQ(shop.promote_to(Environment::Staging, request).error().code(),
            ErrorCode::InvalidArgument);
}

TEST(Promotion, without_attested_gates_nothing_goes_live) {
  Shop shop;
  const auto first = shop.models.version(shop.name, registry::Version{1}).value();
  ASSERT_TRUE(
      shop.models.add_version({shop.name, first.package, RunId()}, metadata::Actor{}).has_value());
  PromotionRequest request;
  request.model = "shop/2";
  EXPECT_FALSE(shop.promote_to(Environment::Staging, request)->allowed);
  request.model = "shop/9";
  EXPECT_EQ(shop.promote_to(Environment::Staging, request).error().code(), ErrorCode::NotFound);
}

TEST(Promotion, a_rollback_puts_the_version_of_before_back_and_a_second_one_undoes_it) {
  Shop shop;
  const auto back = [&] {
    return roll_back(shop.store(), "shop", Environment::Production, "it misbehaves",
                     metadata::Actor{"ann"});
  };
  EXPECT_EQ(back().error().code(), ErrorCode::NotFound);
  ASSERT_TRUE(shop.promote_to(Environment::Production)->moved);
  EXPECT_EQ(back().error().code(), ErrorCode::NotFound);
  shop.add_version(Json::array({Json{{"name", "kpi.gain"}, {"passed", true}, {"why", "good"}}}));
  PromotionRequest second;
  second.model = "shop/2";
  ASSERT_TRUE(shop.promote_to(Environment::Production, second)->moved);
  const Promotion undone = back().value();
  EXPECT_EQ(undone.model, "shop/1");
  EXPECT_EQ(undone.before, "shop/2");
  EXPECT_EQ(shop.live_in(Environment::Production), "shop/1");
  EXPECT_EQ(back()->model, "shop/2");
  EXPECT_EQ(shop.live_in(Environment::Production), "shop/2");
}

}  // namespace
}  // namespace martlet::lifecycle

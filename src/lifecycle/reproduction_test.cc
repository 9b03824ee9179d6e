// What reproduce compares, what lineage follows, and what git is asked, without running a pipeline.
#include "artifacts/blob_store.h"
#include "artifacts/tree.h"
#include "lifecycle/compare_outputs.h"
#include "lifecycle/git_state.h"
#include "lifecycle/lineage.h"
#include "lifecycle/packages.h"
#include "lifecycle/prediction_search.h"
#include "platform/real_file_system.h"
#include "platform/system_random.h"
#include "platform/threads.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace martlet::lifecycle {
namespace {

// A store in a folder of its own, with a calendar that stands still.
class OpenStore {
 public:
  OpenStore()
      : folder_(platform::TemporaryDirectory::create(testing::TempDir(), "martlet-again-").value()),
        pool_({.threads = 1, .queue_limit = 16, .name = "test"}),
        host_{files_, clock_, random_, Log::none(), pool_, "0.1.0", "martlet-0.1.0-test"},
        store_(Store::open(host_, folder_.path(), WhenMissing::Create).value()) {}

  const Store& get() const { return *store_; }
  const std::string& folder() const { return folder_.path(); }
  std::string blob(std::string_view bytes) { return store_->blobs().put(bytes)->text(); }

 private:
  platform::RealFileSystem files_;
  platform::TemporaryDirectory folder_;
  VirtualClock clock_{Timestamp{1'893'456'000'000'000}};
  platform::SystemRandom random_;
  platform::ThreadPool pool_;
  Host host_;
  std::unique_ptr<Store> store_;
};

workflow::StepRecord step(const std::string& name, const std::string& component, Json outputs) {
  workflow::StepRecord record;
  record.name = name;
  record.component = component;
  record.status = static_cast<std::int64_t>(workflow::StepStatus::Succeeded);
  record.outputs = std::move(outputs);
  return record;
}

workflow::RunOutcome outcome(std::vector<workflow::StepRecord> steps) {
  workflow::RunOutcome made;
  made.run.id = RunId("0190");
  made.run.definition = Json{{"name", "lifecycle"}, {"steps", Json::array()}};
  made.steps = std::move(steps);
  return made;
}

class Comparing : public testing::Test {
 protected:
  std::vector<OutputComparison> compare(const workflow::RunOutcome& recorded,
                                        const workflow::RunOutcome& again,
                                        CompareOptions options = {}) {
    return compare_outputs({recorded_.get(), recorded}, {again_.get(), again}, options).value();
  }
  OpenStore recorded_;
  OpenStore again_;
};

Json figures(double value, double low) {
  return Json{{"kpis", Json::array({Json{{"name", "gain"}, {"value", value}, {"low", low}}})},
              {"metrics", Json{{"auc", 0.75}}},
              {"verdict", Json{{"verdict", "required"}}},
              {"gates", Json::array()}};
}

TEST_F(Comparing, figures_are_compared_with_their_intervals) {
  const auto recorded = outcome({step("evaluate", "martlet/evaluate", figures(2, 1))});
  const auto same = compare(recorded, recorded);
  EXPECT_TRUE(std::all_of(same.begin(), same.end(), [](const auto& one) { return one.equal; }));
  const auto other =
      compare(recorded, outcome({step("evaluate", "martlet/evaluate", figures(2, 1.5))}));
  const auto found = std::find_if(other.begin(), other.end(),
                                  [](const OutputComparison& one) { return !one.equal; });
  ASSERT_NE(found, other.end());
  EXPECT_EQ(found->name, "kpi.gain");
  EXPECT_EQ(found->expected, Json(2));
  EXPECT_EQ(found->difference.at("where"), "low");
  EXPECT_EQ(found->difference.at("actual"), Json(1.5));
}

TEST_F(Comparing, a_step_that_failed_this_time_is_a_difference_with_its_reason) {
  const auto recorded = outcome({step("leakage", "martlet/leakage", Json{{"leaks", 1}})});
  workflow::RunOutcome again = recorded;
  again.steps[0].status = static_cast<std::int64_t>(workflow::StepStatus::Failed);
  again.steps[0].error = "out of paper";
  const auto failed = compare(recorded, again);
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_FALSE(failed[0].equal);
  EXPECT_EQ(failed[0].note, "out of paper");
  const auto absent = compare(recorded, outcome({}));
  EXPECT_EQ(absent[0].actual, Json(nullptr));
  EXPECT_NE(absent[0].note.find("no such step"), std::string::npos);
}

TEST_F(Comparing, steps_that_gave_nothing_then_are_not_compared) {
  workflow::RunOutcome recorded = outcome({step("leakage", "martlet/leakage", Json::object())});
  recorded.steps[0].status = static_cast<std::int64_t>(workflow::StepStatus::Skipped);
  EXPECT_TRUE(compare(recorded, outcome({})).empty());
}

TEST_F(Comparing, a_recorded_blob_that_is_gone_is_a_difference_at_the_same_digest) {
  const std::string digest = again_.blob("[1]");
  const auto both = outcome({step("split", "martlet/split", Json{{"rows", digest}})});
  const auto found = compare(both, both);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_FALSE(found[0].equal);
  EXPECT_NE(found[0].note.find("damaged"), std::string::npos);
}

// A package of a manifest and one more file.
Digest package(OpenStore& store, const std::string& code_version, const std::string& card) {
  const Json manifest{{"name", "small"},
                      {"provenance", Json{{"code_version", code_version}}},
                      {"files", Json{{"card.md", digest_of(std::string_view(card)).text()}}}};
  return artifacts::put_tree(store.get().blobs(),
                             {{"card.md", card}, {"martlet.json", to_text(manifest)}})
      .value();
}

TEST_F(Comparing, a_package_may_name_another_program_only_when_the_program_is_another_one) {
  const auto then = outcome({step("package", "martlet/package",
                                  Json{{"package", package(recorded_, "one", "card").text()}})});
  const auto now = outcome({step("package", "martlet/package",
                                 Json{{"package", package(again_, "two", "card").text()}})});
  const auto allowed = compare(then, now, {.same_program = false});
  EXPECT_TRUE(allowed[0].equal);
  EXPECT_NE(allowed[0].note.find("code version"), std::string::npos);
  const auto refused = compare(then, now, {.same_program = true});
  EXPECT_FALSE(refused[0].equal);
  EXPECT_EQ(refused[0].difference.at("where"), "martlet.json: provenance.code_version");
}

TEST_F(Comparing, the_file_of_a_package_that_differs_is_named_before_the_manifest_that_lists_it) {
  const auto then = outcome({step("package", "martlet/package",
                                  Json{{"package", package(recorded_, "one", "card\n").text()}})});
  const auto now = outcome({step("package", "martlet/package",
                                 Json{{"package", package(again_, "two", "cart\n").text()}})});
  const auto found = compare(then, now, {.same_program = false});
  EXPECT_FALSE(found[0].equal);
  EXPECT_EQ(found[0].difference.at("where"), "card.md: line 1");
  EXPECT_EQ(found[0].difference.at("actual"), "cart");
}

TEST(LineageOfRecords, a_version_leads_to_its_package_and_its_deployment) {
  OpenStore store;
  const Digest tree = package(store, "one", "card");
  registry::ModelRegistry models = registry_of(store.get());
  const registry::ModelName name = registry::ModelName::parse("small").value();
  const registry::Actor actor{"test"};
  const auto version = models.add_version({name, tree, RunId("0190")}, actor).value();
  ASSERT_TRUE(models
                  .move_alias({name, registry::Environment::Staging, registry::live_alias(),
                               std::nullopt, version.version, "for the test"},
                              actor)
                  .has_value());
  const Lineage lineage =
      find_lineage(store.get(), "small/1", registry::Environment::Experiment).value();
  const Json json = lineage.to_json();
  EXPECT_EQ(json["start"]["label"], "model small/1 (live in staging)");
  ASSERT_EQ(json["edges"].size(), 2u);
  EXPECT_EQ(json["edges"][0]["relation"], "registered as");
  EXPECT_EQ(json["edges"][1]["relation"], "is live in");
  EXPECT_EQ(json["edges"][1]["to"]["id"], "staging/small");
  EXPECT_EQ(
      find_lineage(store.get(), tree.text(), registry::Environment::Experiment).value().start.kind,
      tracking::NodeKind::Package);
}

TEST(LineageOfRecords, a_name_that_means_nothing_says_what_was_looked_for) {
  OpenStore store;
  for (const char* what : {"nothing", "0190f3c1a2b37d4e8f60718293a4b5c6"}) {
    const auto found = find_lineage(store.get(), what, registry::Environment::Experiment);
    ASSERT_FALSE(found.has_value());
    EXPECT_EQ(found.error().code(), ErrorCode::NotFound);
    EXPECT_NE(found.error().message().find("no prediction, no run"), std::string::npos);
  }
}

TEST(PredictionSearch, what_is_no_id_is_not_looked_for) {
  OpenStore store;
  for (const char* id : {"", "../../x", "0190", "zzzzf3c1a2b37d4e8f60718293a4b5c6",
                         "0190f3c1a2b37d4e8f60718293a4b5c6"}) {
    const auto found = find_prediction(store.get(), id);
    ASSERT_TRUE(found.has_value()) << found.error().message();
    EXPECT_FALSE(found->has_value());
  }
}

TEST(GitState, a_folder_outside_any_repository_has_none) {
  platform::RealFileSystem files;
  const auto folder = platform::TemporaryDirectory::create("/tmp", "martlet-nogit-").value();
  EXPECT_FALSE(git_state_of(files, folder.path()).has_value());
}

TEST(GitState, a_repository_that_git_refuses_is_no_error) {
  platform::RealFileSystem files;
  const auto folder = platform::TemporaryDirectory::create("/tmp", "martlet-badgit-").value();
  ASSERT_TRUE(files.write_file_durably(folder.path() + "/.git", "gitdir: nowhere\n").has_value());
  EXPECT_FALSE(git_state_of(files, folder.path()).has_value());
}

}  // namespace
}  // namespace martlet::lifecycle

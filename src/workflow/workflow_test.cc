#include "artifacts/memory_blob_store.h"
#include "base/fake_file_system.h"
#include "metadata/database.h"
#include "platform/real_clock.h"
#include "platform/real_file_system.h"
#include "workflow/graph.h"
#include "workflow/runner.h"
#include "workflow/step_key.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>

namespace martlet::workflow {
namespace {

Step step(const std::string& name, std::vector<std::string> needs = {},
          const std::string& component = "add") {
  Step made;
  made.name = name;
  made.component = component;
  made.parameters = Json{{"amount", 1}};
  made.needs = std::move(needs);
  return made;
}

// a → b → d, a → c → d; each adds one to the sum of its inputs.
Pipeline diamond() {
  Pipeline pipeline{"diamond", {step("a"), step("b"), step("c"), step("d")}};
  pipeline.steps[1].inputs = {{"x", {"a", "sum"}}};
  pipeline.steps[2].inputs = {{"x", {"a", "sum"}}};
  pipeline.steps[3].inputs = {{"x", {"b", "sum"}}, {"y", {"c", "sum"}}};
  return pipeline;
}

struct Fixture {
  platform::TemporaryDirectory directory = platform::TemporaryDirectory::create().value();
  platform::RealClock clock;
  SeededRandom random{1};
  FakeFileSystem files;
  artifacts::MemoryBlobStore blobs;
  std::unique_ptr<metadata::Database> database =
      metadata::Database::open(directory.path() + "/metadata.db", {.schema = {workflow_schema()}})
          .value();
  std::atomic<int> calls{0};
  std::atomic<int> failures_left{0};
  std::set<std::string> living;
  ComponentTable components;

  Fixture() {
    components["add"] = {"add", "1", [this](const StepContext& context) -> Result<Json> {
                           ++calls;
                           if (failures_left > 0) {
                             --failures_left;
                             return unavailable("the adder is tired; try again");
                           }
                           context.log("adding");
                           std::int64_t sum = context.parameters["amount"].get<std::int64_t>();
                           for (const auto& [name, value] : context.inputs)
                             sum += value.get<std::int64_t>();
                           return Json{{"sum", sum}};
                         }};
    components["blob"] = {"blob", "1", [this](const StepContext&) -> Result<Json> {
                            ++calls;
                            MARTLET_TRY_SET(const Digest digest, blobs.put("bytes"));
                            return Json{{"sum", 1}, {"blob", digest.text()}};
                          }};
    components["throw"] = {"throw", "1", [](const StepContext&) -> Result<Json> {
                             throw std::runtime_error("thrown");
                           }};
  }
  Runner runner(const std::string& process = "here:1:1") {
    return Runner({*database, blobs, files, clock, random, Log::none(), components, "code-1",
                   "/logs", process,
                   [this](const std::string& other) { return living.contains(other); }});
  }
};

TEST(Pipeline, every_problem_is_found_at_once) {
  Pipeline pipeline{
      "p", {step("a", {"b"}), step("b", {"a"}), step("b"), step("bad name"), step("e", {"f"})}};
  pipeline.steps[4].max_attempts = 0;
  const auto findings = check(pipeline);
  std::set<std::string> rules;
  for (const Finding& finding : findings) rules.insert(finding.rule);
  EXPECT_EQ(rules, (std::set<std::string>{"duplicate", "name", "range", "unknown_step"}));
  EXPECT_EQ(check({"p", {step("a", {"b"}), step("b", {"a"}), step("c")}}).front().message,
            "these steps wait for each other: a, b");
}

TEST(Pipeline, json_round_trip) {
  const Json json = to_json(diamond());
  EXPECT_EQ(to_json(pipeline_from_json(json).value()), json);
  EXPECT_FALSE(pipeline_from_json(Json::parse(R"({"name":"x"})")).has_value());
}

TEST(Graph, all_formats_draw_all_steps) {
  for (const char* format : {"text", "mermaid", "dot", "svg", "json"}) {
    const std::string drawn = draw(diamond(), format, {{"b", "cached"}}).value();
    EXPECT_NE(drawn.find("cached"), std::string::npos) << format;
  }
  EXPECT_EQ(draw(diamond(), "text").value(), "a\n  b  <- a\n  c  <- a\n    d  <- b, c\n");
  EXPECT_FALSE(draw(diamond(), "mermiad").has_value());
}

TEST(Runner, runs_each_step_once_and_a_second_run_hits_every_step) {
  Fixture f;
  auto runner = f.runner();
  const RunOutcome first = runner.run(diamond(), Json::object(), {}).value();
  EXPECT_EQ(first.run.run_status(), RunStatus::Succeeded);
  EXPECT_EQ(first.steps[3].outputs["sum"], 5);
  EXPECT_EQ(f.calls, 4);
  const RunOutcome second = runner.run(diamond(), Json::object(), {}).value();
  EXPECT_EQ(f.calls, 4);
  for (const StepRecord& record : second.steps) EXPECT_EQ(record.step_status(), StepStatus::Cached);
  EXPECT_EQ(second.steps[3].outputs, first.steps[3].outputs);
  EXPECT_NE(runner.log_of(first.run.id, "a").value().find("adding"), std::string::npos);
  EXPECT_FALSE(runner.log_of(first.run.id, "x").has_value());
}

TEST(Runner, a_run_of_hits_alone_is_recorded_in_two_commits_and_told_step_by_step) {
  Fixture f;
  auto runner = f.runner();
  (void)runner.run(diamond(), Json::object(), {}).value();
  const std::int64_t before = f.database->write_counts().writes;
  std::vector<std::string> told;
  RunOptions options;
  options.on_step = [&](const StepRecord& record) { told.push_back(record.name); };
  const RunOutcome second = runner.run(diamond(), Json::object(), options).value();
  EXPECT_EQ(f.database->write_counts().writes - before, 2);
  EXPECT_EQ(told, (std::vector<std::string>{"a", "b", "c", "d"}));
  const RunOutcome stored = runner.look(second.run.id).value();
  EXPECT_EQ(stored.run.run_status(), RunStatus::Succeeded);
  for (const StepRecord& record : stored.steps) EXPECT_EQ(record.step_status(), StepStatus::Cached);
}

TEST(Runner, a_changed_parameter_recomputes_only_what_depends_on_it_and_says_why) {
  Fixture f;
  auto runner = f.runner();
  (void)runner.run(diamond(), Json::object(), {}).value();
  Pipeline changed = diamond();
  changed.steps[1].parameters["amount"] = 7;
  const RunOutcome again = runner.run(changed, Json::object(), {}).value();
  EXPECT_EQ(f.calls, 6);
  EXPECT_EQ(again.steps[0].step_status(), StepStatus::Cached);
  EXPECT_EQ(again.steps[1].step_status(), StepStatus::Succeeded);
  EXPECT_EQ(again.steps[2].step_status(), StepStatus::Cached);
  EXPECT_EQ(again.steps[3].outputs["sum"], 11);
  EXPECT_NE(again.steps[1].explanation.find("parameters.amount was 1, is 7"), std::string::npos)
      << again.steps[1].explanation;
}

TEST(Runner, asked_to_compute_from_a_step_it_computes_all_that_follow) {
  Fixture f;
  auto runner = f.runner();
  (void)runner.run(diamond(), Json::object(), {}).value();
  const RunOutcome again = runner.run(diamond(), Json::object(), {.from = {"b"}}).value();
  EXPECT_EQ(f.calls, 6);
  EXPECT_EQ(again.steps[2].step_status(), StepStatus::Cached);
  EXPECT_FALSE(runner.run(diamond(), Json::object(), {.from = {"nothing"}}).has_value());
}

TEST(Runner, a_hit_whose_blob_is_gone_is_computed_again) {
  Fixture f;
  auto runner = f.runner();
  const Pipeline pipeline{"p", {step("a", {}, "blob")}};
  (void)runner.run(pipeline, Json::object(), {}).value();
  ASSERT_TRUE(f.blobs.remove(digest_of("bytes")).has_value());
  const RunOutcome again = runner.run(pipeline, Json::object(), {}).value();
  EXPECT_EQ(again.steps[0].step_status(), StepStatus::Succeeded);
  EXPECT_EQ(f.calls, 2);
}

TEST(Runner, a_failure_skips_what_follows_and_resume_goes_on_from_there) {
  Fixture f;
  auto runner = f.runner();
  f.failures_left = 1;
  const RunOutcome failed = runner.run(diamond(), Json::object(), {}).value();
  EXPECT_EQ(failed.run.run_status(), RunStatus::Failed);
  EXPECT_NE(failed.run.error.find("the adder is tired"), std::string::npos);
  EXPECT_EQ(failed.steps[3].step_status(), StepStatus::Skipped);
  const RunOutcome resumed = runner.resume(failed.run.id, {}).value();
  EXPECT_EQ(resumed.run.run_status(), RunStatus::Succeeded);
  EXPECT_EQ(resumed.steps[3].outputs["sum"], 5);
  EXPECT_EQ(resumed.steps[0].attempt, 2);
  EXPECT_EQ(runner.resume(failed.run.id, {}).value().run.run_status(),
            RunStatus::Succeeded);  // nothing left to do
}

TEST(Runner, a_step_is_tried_as_often_as_it_may) {
  Fixture f;
  Pipeline pipeline{"p", {step("a")}};
  pipeline.steps[0].max_attempts = 3;
  f.failures_left = 2;
  EXPECT_EQ(f.runner().run(pipeline, Json::object(), {}).value().run.run_status(),
            RunStatus::Succeeded);
  EXPECT_EQ(f.calls, 3);
}

TEST(Runner, an_exception_fails_its_step_and_not_the_process) {
  Fixture f;
  const RunOutcome outcome =
      f.runner().run({"p", {step("a", {}, "throw")}}, Json::object(), {}).value();
  EXPECT_EQ(outcome.steps[0].step_status(), StepStatus::Failed);
  EXPECT_NE(outcome.steps[0].error.find("thrown"), std::string::npos);
}

TEST(Runner, cancelling_leaves_a_run_that_can_be_resumed) {
  Fixture f;
  auto runner = f.runner();
  CancelToken cancel;
  RunOptions options{.workers = 1, .cancel = cancel};
  options.on_step = [&](const StepRecord& record) {
    if (record.name == "a" && record.step_status() == StepStatus::Succeeded) cancel.cancel();
  };
  const RunOutcome cancelled = runner.run(diamond(), Json::object(), options).value();
  EXPECT_EQ(cancelled.run.run_status(), RunStatus::Cancelled);
  EXPECT_EQ(f.calls, 1);
  EXPECT_EQ(runner.resume(cancelled.run.id, {}).value().run.run_status(), RunStatus::Succeeded);
  EXPECT_EQ(f.calls, 4);
}

TEST(Runner, a_run_that_a_living_process_drives_is_not_taken_over_and_a_dead_ones_is) {
  Fixture f;
  auto first = f.runner("here:1:1");
  f.failures_left = 1;
  const RunId id = first.run(diamond(), Json::object(), {}).value().run.id;
  // As after kill -9: still marked as driven.
  ASSERT_TRUE(f.database
                  ->write([&](metadata::Transaction& tx) -> Result<void> {
                    MARTLET_TRY_SET(PipelineRunRecord run,
                                    tx.require<PipelineRunRecord>("run", id));
                    run.owner = "here:2:2";
                    run.status = static_cast<std::int64_t>(RunStatus::Running);
                    return tx.update(run);
                  })
                  .has_value());
  f.living = {"here:2:2"};
  const auto refused = first.resume(id, {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::Conflict);
  f.living.clear();
  EXPECT_EQ(first.resume(id, {}).value().run.run_status(), RunStatus::Succeeded);
}

TEST(Runner, a_driver_that_lost_its_run_cannot_record_a_late_result) {
  Fixture f;
  RunId id;
  f.components["steal"] = {
      "steal", "1", [&](const StepContext& context) -> Result<Json> {
        id = context.run;
        MARTLET_TRY(f.database->write([&](metadata::Transaction& tx) -> Result<void> {
          MARTLET_TRY_SET(PipelineRunRecord run, tx.require<PipelineRunRecord>("run", context.run));
          run.fence += 1;
          run.owner = "there:9:9";
          return tx.update(run);
        }));
        return Json{{"sum", 1}};
      }};
  const auto late = f.runner().run({"p", {step("a", {}, "steal")}}, Json::object(), {});
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code(), ErrorCode::Conflict);
  EXPECT_EQ(f.runner().look(id).value().steps[0].step_status(), StepStatus::Running);
}

TEST(Runner, unknown_components_are_named_before_anything_runs) {
  Fixture f;
  const auto refused = f.runner().run({"p", {step("a"), step("b", {}, "ad")}}, Json::object(), {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message().find("did you mean \"add\""), std::string::npos);
  EXPECT_TRUE(f.runner().list(10).value().empty());
}

}  // namespace
}  // namespace martlet::workflow

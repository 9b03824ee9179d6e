#include "lifecycle/internal/lineage_events.h"
#include "lifecycle/openlineage.h"
#include "lifecycle/testing/store_fixture.h"
#include "lifecycle/track.h"
#include "metadata/database.h"
#include "platform/real_file_system.h"
#include "platform/threads.h"
#include "tracking/openlineage_outbox.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace martlet::lifecycle {
namespace {

using workflow::RunStatus;
using workflow::StepStatus;

constexpr const char* kRun = "0190d9a2b3c47def8123456789abcdef";

class OpenLineageTest : public testing::StoreFixture {
 protected:
  OpenLineageTest() {
    store_ = open("store");
    receiver_.directory = directory_.path();
    receiver_.config.declared = true;
    receiver_.config.file = "events.ndjson";
    record(RunStatus::Running, StepStatus::Running);
  }

  // The run's records as the runner would leave them.
  void record(RunStatus run_status, StepStatus step_status) {
    workflow::PipelineRunRecord run;
    run.id = RunId(kRun);
    run.pipeline = "lifecycle";
    run.definition = Json{{"name", "lifecycle"}, {"steps", Json::array()}};
    run.parameters = Json{{"project", "orders"}};
    run.status = static_cast<std::int64_t>(run_status);
    run.created = Timestamp{1'000'000};
    if (run_status != RunStatus::Running) run.ended = Timestamp{9'000'000};
    if (run_status == RunStatus::Failed) run.error = "step split failed";
    workflow::StepRecord step;
    step.run = run.id;
    step.name = "split";
    step.component = "martlet/split";
    step.status = static_cast<std::int64_t>(step_status);
    step.attempt = 1;
    step.started = Timestamp{2'000'000};
    step.outputs = Json::object();
    if (workflow::is_finished(step_status)) step.ended = Timestamp{3'000'000};
    if (step_status == StepStatus::Failed) step.error = "no rows";
    const auto written = store_->database().write([&](metadata::Transaction& tx) -> Result<void> {
      MARTLET_TRY(tx.put(run));
      return tx.put(step);
    });
    ASSERT_TRUE(written.has_value()) << written.error().message();
  }

  std::vector<std::string> types() {
    std::vector<std::string> found;
    const auto events = openlineage_of(*store_, kRun, "shop");
    EXPECT_TRUE(events.has_value()) << events.error().message();
    for (const Json& event : *events)
      found.push_back(event["job"]["name"].get<std::string>() + " " +
                      event["eventType"].get<std::string>());
    return found;
  }
  void owe() { ASSERT_TRUE(owe_lineage(*store_, RunId(kRun), "shop").has_value()); }
  LineageTally send() {
    return send_lineage(*store_, receiver_, {}, Deadline::none(), CancelToken()).value();
  }
  std::vector<Json> lines() const {
    std::ifstream file(directory_.path() + "/events.ndjson");
    std::vector<Json> found;
    for (std::string line; std::getline(file, line);) {
      if (auto json = parse_json(line); json.has_value()) found.push_back(std::move(*json));
    }
    return found;
  }

  std::unique_ptr<Store> store_;
  LineageReceiver receiver_;
};

TEST_F(OpenLineageTest, a_run_that_goes_on_has_begun_with_its_steps_and_nothing_has_ended) {
  EXPECT_EQ(types(),
            (std::vector<std::string>{"orders.lifecycle START", "orders.lifecycle.split START"}));
}

TEST_F(OpenLineageTest, steps_end_before_their_run_and_belong_to_it) {
  record(RunStatus::Succeeded, StepStatus::Cached);
  EXPECT_EQ(types(), (std::vector<std::string>{
                         "orders.lifecycle START", "orders.lifecycle.split START",
                         "orders.lifecycle.split COMPLETE", "orders.lifecycle COMPLETE"}));
  const auto events = openlineage_of(*store_, kRun, "shop");
  const Json& parent = (*events)[1]["run"]["facets"]["parent"];
  EXPECT_EQ(parent["run"]["runId"], (*events)[0]["run"]["runId"]);
}

TEST_F(OpenLineageTest, failures_tell_why) {
  record(RunStatus::Failed, StepStatus::Failed);
  const auto events = openlineage_of(*store_, kRun, "shop");
  ASSERT_EQ(events->size(), 4u);
  EXPECT_EQ((*events)[2]["eventType"], "FAIL");
  EXPECT_EQ((*events)[2]["run"]["facets"]["errorMessage"]["message"], "no rows");
  EXPECT_EQ((*events)[3]["run"]["facets"]["errorMessage"]["message"], "step split failed");
}

TEST_F(OpenLineageTest, events_are_written_once_however_often_they_are_told) {
  owe();
  EXPECT_EQ(send().sent, 2);
  owe();
  EXPECT_EQ(send().sent, 0);
  record(RunStatus::Succeeded, StepStatus::Succeeded);
  owe();
  EXPECT_EQ(send().sent, 2);
  ASSERT_EQ(lines().size(), 4u);
  EXPECT_EQ(lines().back()["eventType"], "COMPLETE");
  EXPECT_EQ(lines().back()["job"]["namespace"], "shop");
}

TEST_F(OpenLineageTest, a_torn_last_line_spoils_nothing) {
  std::ofstream(directory_.path() + "/events.ndjson") << R"({"eventType": "ST)";
  owe();
  EXPECT_EQ(send().sent, 2);
  EXPECT_EQ(lines().size(), 2u);
}

TEST_F(OpenLineageTest, what_cant_be_written_waits_and_goes_out_later) {
  receiver_.config.file = "absent/events.ndjson";
  owe();
  const LineageTally failed = send();
  EXPECT_EQ(failed.sent, 0);
  EXPECT_EQ(failed.waiting, 2);
  std::filesystem::create_directory(directory_.path() + "/absent");
  EXPECT_EQ(send().sent, 0);  // not due yet
  clock_.advance(std::chrono::seconds(3));
  EXPECT_EQ(send().sent, 2);
}

TEST_F(OpenLineageTest, an_event_that_never_can_be_sent_is_given_up_in_the_end) {
  receiver_.config.file = "absent/events.ndjson";
  owe();
  for (int attempt = 0; attempt < 2 * kLineageAttempts; ++attempt) {
    send();
    clock_.advance(std::chrono::hours(2));
  }
  const LineageTally tally = send();
  EXPECT_EQ(tally.waiting, 0);
}

TEST_F(OpenLineageTest, addresses_are_guarded_where_the_caller_says_so) {
  receiver_.config.file.clear();
  receiver_.config.url = "http://127.0.0.1:9/api/v1/lineage";
  LineageOptions options;
  options.policy = net::UrlPolicy{};
  owe();
  const auto tally = send_lineage(*store_, receiver_, options, Deadline::none(), CancelToken());
  ASSERT_TRUE(tally.has_value());
  EXPECT_EQ(tally->given_up, 2);  // a private address: trying again would not help
}

TEST_F(OpenLineageTest, a_reporter_sends_what_it_was_told_before_it_stops) {
  {
    LineageReporter reporter(*store_, receiver_, {});
    reporter.tell(RunId(kRun));
    record(RunStatus::Succeeded, StepStatus::Succeeded);
    reporter.tell_end(RunId(kRun));
    reporter.stop();
  }
  EXPECT_EQ(lines().size(), 4u);
}

TEST_F(OpenLineageTest, the_end_of_a_run_waits_until_the_run_was_tracked) {
  record(RunStatus::Succeeded, StepStatus::Succeeded);
  ASSERT_TRUE(owe_lineage(*store_, RunId(kRun), "shop", RunEnd::NotYet).has_value());
  EXPECT_EQ(send().sent, 3);
  EXPECT_EQ(lines().back()["job"]["name"], "orders.lifecycle.split");
}

TEST_F(OpenLineageTest, a_run_that_ended_untold_is_told_later_one_that_was_never_told_is_not) {
  record(RunStatus::Succeeded, StepStatus::Succeeded);
  ASSERT_TRUE(catch_up_on_lineage(*store_, "shop").has_value());
  EXPECT_EQ(send().sent, 0);
  ASSERT_TRUE(owe_lineage(*store_, RunId(kRun), "shop", RunEnd::NotYet).has_value());
  ASSERT_TRUE(catch_up_on_lineage(*store_, "shop").has_value());
  EXPECT_EQ(send().sent, 4);
}

TEST_F(OpenLineageTest, nobody_is_told_without_the_section) {
  receiver_ = {};
  LineageReporter reporter(*store_, receiver_, {});
  reporter.tell(RunId(kRun));
  reporter.stop();
  EXPECT_TRUE(lines().empty());
  EXPECT_EQ(send().waiting, 0);
}

TEST_F(OpenLineageTest, runs_of_clients_are_told_with_their_inputs_and_parents) {
  tracking::NewRun request;
  request.experiment = ExperimentId("0");
  request.first.tags["mlflow.parentRunId"] = "abc";
  request.first.inputs.push_back({"customers", "1234", "training", Json::object()});
  const auto run = tracker_of(*store_).start_run(request);
  ASSERT_TRUE(run.has_value());
  ASSERT_TRUE(tracker_of(*store_).set_status(run->id, tracking::RunStatus::Finished).has_value());
  const auto events = openlineage_of(*store_, run->id.text(), "shop");
  ASSERT_TRUE(events.has_value());
  ASSERT_EQ(events->size(), 2u);
  EXPECT_EQ((*events)[1]["eventType"], "COMPLETE");
  EXPECT_EQ((*events)[1]["inputs"][0]["facets"]["version"]["datasetVersion"], "1234");
  EXPECT_TRUE((*events)[0]["run"]["facets"].contains("parent"));
}

}  // namespace
}  // namespace martlet::lifecycle

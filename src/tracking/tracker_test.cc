#include "artifacts/memory_blob_store.h"
#include "metadata/database.h"
#include "tracking/lineage.h"
#include "tracking/schema.h"
#include "tracking/tracker.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <stdlib.h>
#include <thread>

namespace martlet::tracking {
namespace {

class TrackerTest : public ::testing::Test {
 protected:
  TrackerTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "martlet-test-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    auto opened =
        metadata::Database::open(directory_ + "/metadata.db", {.schema = {tracking_schema()}});
    EXPECT_TRUE(opened.has_value());
    database_ = std::move(*opened);
    tracker_.emplace(*database_, blobs_, clock_, random_);
  }
  ~TrackerTest() override {
    tracker_.reset();
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  tracking::Run start(const std::string& name = "", const RunBatch& first = {}) {
    clock_.advance(std::chrono::seconds(1));
    NewRun request;
    request.experiment = ExperimentId("0");
    request.name = name;
    request.first = first;
    auto run = tracker_->start_run(request);
    EXPECT_TRUE(run.has_value()) << run.error().message();
    return *run;
  }
  Result<void> log_metric(const RunId& run, double value, std::int64_t step, std::int64_t at) {
    RunBatch batch;
    batch.metrics.push_back({"loss", value, step, Timestamp{at}});
    return tracker_->log(run, batch);
  }
  Metric latest(const RunId& run) { return tracker_->run(run)->metrics.at("loss"); }

  std::string directory_;
  artifacts::MemoryBlobStore blobs_;
  VirtualClock clock_{Timestamp{1'893'456'000'000'000}};  // 2030-01-01
  SeededRandom random_{1};
  std::unique_ptr<metadata::Database> database_;
  std::optional<Tracker> tracker_;
};

TEST_F(TrackerTest, a_run_reads_back_with_all_it_said) {
  const auto experiment = tracker_->create_experiment("delays", {{"team", "ops"}});
  ASSERT_TRUE(experiment.has_value());
  NewRun request;
  request.experiment = experiment->id;
  request.user = "ann";
  request.facts = {{"commit", "abc"}, {"seed", 7}};
  request.first.params = {{"leaves", "31"}};
  request.first.inputs = {{"departures", "sha256:00", "training", {{"rows", 5}}}};
  const auto started = tracker_->start_run(request);
  ASSERT_TRUE(started.has_value()) << started.error().message();
  EXPECT_EQ(started->id.text().size(), 32U);
  EXPECT_EQ(started->status, RunStatus::Running);
  RunBatch batch;
  batch.metrics = {{"auc", 0.75, 0, clock_.now()}};
  batch.tags = {{"mlflow.note", "first"}};
  ASSERT_TRUE(tracker_->log(started->id, batch).has_value());
  ASSERT_TRUE(tracker_->log_artifact(started->id, "report/index.html", "<p>").has_value());
  clock_.advance(std::chrono::seconds(5));
  ASSERT_TRUE(tracker_->set_status(started->id, RunStatus::Finished).has_value());

  const auto run = tracker_->run(started->id);
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->status, RunStatus::Finished);
  EXPECT_EQ(*run->ended, clock_.now());
  EXPECT_EQ(run->facts["seed"], 7);
  EXPECT_EQ(run->params.at("leaves"), "31");
  EXPECT_EQ(run->metrics.at("auc").value, 0.75);
  EXPECT_EQ(run->tags.at("mlflow.note"), "first");
  ASSERT_EQ(run->inputs.size(), 1U);
  EXPECT_EQ(run->inputs[0].details["rows"], 5);
  ASSERT_EQ(run->artifacts.size(), 1U);
  EXPECT_EQ(run->artifacts[0].digest, digest_of("<p>"));
  EXPECT_EQ(*tracker_->read_artifact(run->id, "report/index.html"), "<p>");
}

TEST_F(TrackerTest, a_param_never_changes_and_a_refused_batch_leaves_nothing) {
  const RunId run =
      start("", {.params = {{"depth", "3"}}, .metrics = {}, .tags = {}, .inputs = {}}).id;
  RunBatch batch;
  batch.params = {{"alpha", "1"}, {"depth", "4"}};
  batch.metrics = {{"loss", 1, 0, {}}};
  batch.tags = {{"a", "b"}};
  const auto refused = tracker_->log(run, batch);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::InvalidArgument);
  EXPECT_NE(refused.error().message().find("\"3\" to \"4\""), std::string::npos);
  const tracking::Run after = *tracker_->run(run);
  EXPECT_EQ(after.params, (Texts{{"depth", "3"}}));
  EXPECT_TRUE(after.metrics.empty());
  EXPECT_FALSE(after.tags.contains("a"));
  batch.params = {{"depth", "3"}};
  EXPECT_TRUE(tracker_->log(run, batch).has_value());  // the same value again is fine
}

TEST_F(TrackerTest, logging_a_batch_again_changes_nothing) {
  const RunId run = start().id;
  RunBatch batch;
  batch.params = {{"a", ""}};
  batch.metrics = {{"loss", std::nan(""), 1, Timestamp{5}},
                   {"loss", std::nan(""), 1, Timestamp{5}},
                   {"loss", 0.5, 1, Timestamp{5}}};
  batch.tags = {{"t", "1"}};
  batch.inputs = {{"d", "x", "training", Json::object()}};
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(tracker_->log(run, batch).has_value());
  EXPECT_EQ(tracker_->history(run, "loss")->size(), 2U);
  EXPECT_EQ(tracker_->run(run)->inputs.size(), 1U);
}

// MLflow's rule: the greatest (step, time, value), NaN counting as 0.
TEST_F(TrackerTest, the_latest_metric_is_the_greatest_by_step_then_time_then_value) {
  const RunId run = start().id;
  ASSERT_TRUE(log_metric(run, 5, 3, 100).has_value());
  ASSERT_TRUE(log_metric(run, 9, 2, 900).has_value());
  EXPECT_EQ(latest(run).value, 5);
  ASSERT_TRUE(log_metric(run, 1, 3, 200).has_value());
  EXPECT_EQ(latest(run).value, 1);
  ASSERT_TRUE(log_metric(run, 0.5, 3, 200).has_value());
  EXPECT_EQ(latest(run).value, 1);
  ASSERT_TRUE(log_metric(run, std::nan(""), 3, 200).has_value());
  EXPECT_EQ(latest(run).value, 1);
  ASSERT_TRUE(log_metric(run, -1, 4, 0).has_value());
  ASSERT_TRUE(log_metric(run, std::nan(""), 4, 0).has_value());
  EXPECT_TRUE(std::isnan(latest(run).value));
  ASSERT_TRUE(log_metric(run, std::numeric_limits<double>::infinity(), -9, 0).has_value());
  const auto history = tracker_->history(run, "loss");
  ASSERT_EQ(history->size(), 8U);
  EXPECT_EQ(history->at(0).step, -9);  // by time, step, value
  EXPECT_TRUE(std::isinf(history->at(0).value));
  EXPECT_EQ(history->at(1).value, -1);
  EXPECT_EQ(history->back().at.micros, 900);
  EXPECT_TRUE(tracker_->history(run, "unknown")->empty());
}

TEST_F(TrackerTest, concurrent_loggers_lose_no_point_and_agree_on_the_latest) {
  const RunId run = start().id;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) EXPECT_TRUE(log_metric(run, t, i, t).has_value());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(tracker_->history(run, "loss")->size(), 200U);
  EXPECT_EQ(latest(run).step, 24);
  EXPECT_EQ(latest(run).value, 7);
}

TEST_F(TrackerTest, every_problem_of_a_batch_is_reported) {
  RunBatch batch;
  batch.params = {{"", "x"},
                  {"fine", std::string(6001, 'x')},
                  {"a/../b", "x"},
                  {"semi;colon", "x"},
                  {"größe/µ.1 - a:b_c", "x"}};
  batch.metrics = {{"/absolute", 1, 0, {}}};
  batch.tags = {{"t", std::string("\xff")}};
  batch.inputs = {{"", "", "", {}}};
  const auto checked = check_batch(batch);
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().findings().size(), 8U) << checked.error().message();
}

TEST_F(TrackerTest, deleted_runs_and_experiments_refuse_writes_until_restored) {
  const RunId run = start().id;
  ASSERT_TRUE(tracker_->set_run_lifecycle(run, Lifecycle::Deleted).has_value());
  EXPECT_EQ(log_metric(run, 1, 0, 0).error().code(), ErrorCode::InvalidArgument);
  EXPECT_TRUE(tracker_->search({})->runs.empty());
  ASSERT_TRUE(tracker_->set_run_lifecycle(run, Lifecycle::Active).has_value());
  EXPECT_TRUE(log_metric(run, 1, 0, 0).has_value());
  ASSERT_TRUE(
      tracker_->set_experiment_lifecycle(ExperimentId("0"), Lifecycle::Deleted).has_value());
  NewRun request;
  request.experiment = ExperimentId("0");
  EXPECT_EQ(tracker_->start_run(request).error().code(), ErrorCode::InvalidArgument);
  EXPECT_TRUE(tracker_->experiments()->empty());
}

TEST_F(TrackerTest, what_is_unknown_is_not_found_and_names_are_taken_once) {
  EXPECT_EQ(tracker_->run(RunId("nope")).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(log_metric(RunId("nope"), 1, 0, 0).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(tracker_->experiment(ExperimentId("77")).error().code(), ErrorCode::NotFound);
  NewRun request;
  request.experiment = ExperimentId("77");
  EXPECT_EQ(tracker_->start_run(request).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(tracker_->experiment(ExperimentId("0"))->name, "Default");
  const auto one = tracker_->create_experiment("x");
  EXPECT_EQ(one->id.text(), "1");
  EXPECT_EQ(tracker_->create_experiment("x").error().code(), ErrorCode::AlreadyExists);
  EXPECT_EQ(tracker_->get_or_create_experiment("x")->id, one->id);
  EXPECT_EQ(tracker_->rename_experiment(ExperimentId("0"), "x").error().code(),
            ErrorCode::AlreadyExists);
  EXPECT_EQ(tracker_->remove_tag(start().id, "none").error().code(), ErrorCode::NotFound);
}

TEST_F(TrackerTest, artifact_paths_are_confined_and_never_both_file_and_directory) {
  const RunId run = start().id;
  EXPECT_EQ(tracker_->log_artifact(run, "../escape", "x").error().code(),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(tracker_->log_stored_artifact(run, "a", digest_of("absent")).error().code(),
            ErrorCode::NotFound);
  ASSERT_TRUE(tracker_->log_artifact(run, "a/b", "x").has_value());
  EXPECT_EQ(tracker_->log_artifact(run, "a", "x").error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(tracker_->log_artifact(run, "a/b/c", "x").error().code(), ErrorCode::InvalidArgument);
  ASSERT_TRUE(tracker_->log_artifact(run, "a/b", "new").has_value());
  EXPECT_EQ(*tracker_->read_artifact(run, "a/b"), "new");
  EXPECT_EQ(tracker_->read_artifact(run, "zzz").error().code(), ErrorCode::NotFound);
  EXPECT_EQ(tracker_->log_artifact(RunId("nope"), "a", "x").error().code(), ErrorCode::NotFound);
}

TEST_F(TrackerTest, status_moves_by_one_function) {
  const RunId run = start().id;
  ASSERT_TRUE(tracker_->set_status(run, RunStatus::Failed).has_value());
  EXPECT_EQ(tracker_->set_status(run, RunStatus::Scheduled).error().code(), ErrorCode::Conflict);
  ASSERT_TRUE(tracker_->set_status(run, RunStatus::Running).has_value());
  EXPECT_FALSE(tracker_->run(run)->ended.has_value());  // resumed
}

TEST_F(TrackerTest, compare_names_what_differs) {
  RunBatch first;
  first.params = {{"a", "1"}, {"b", "x"}};
  first.metrics = {{"auc", std::nan(""), 0, {}}};
  RunBatch second;
  second.params = {{"a", "2"}, {"c", "y"}};
  second.metrics = {{"auc", std::nan(""), 0, {}}};
  const auto lines = tracker_->compare(start("", first).id, start("", second).id);
  ASSERT_TRUE(lines.has_value());
  ASSERT_EQ(lines->size(), 4U);
  EXPECT_EQ(lines->at(0).first, "1");
  EXPECT_EQ(lines->at(0).second, "2");
  EXPECT_FALSE(lines->at(0).equal);
  EXPECT_TRUE(lines->at(1).second.is_null());
  EXPECT_TRUE(lines->at(3).equal);
}

TEST_F(TrackerTest, lineage_walks_both_ways_through_diamonds_and_cycles_and_stops_at_its_limit) {
  const Node data{NodeKind::DatasetVersion, "d"};
  const Node run{NodeKind::Run, "r"};
  const Node package{NodeKind::Package, "p"};
  const Node version{NodeKind::ModelVersion, "churn/1"};
  const std::vector<LineageEdge> edges{
      edge(data, run, "trained on"), edge(run, package, "made"), edge(data, package, "reference"),
      edge(package, version, "registered as"), edge(version, data, "scored")};
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(database_->write([&](metadata::Transaction& tx) { return add_lineage(tx, edges); })
                    .has_value());
  }
  const auto walk = [&](const Node& node, Direction direction, std::size_t limit) {
    return *database_->read([&](const metadata::ReadTransaction& tx) {
      return walk_lineage(tx, node, direction, limit);
    });
  };
  const LineageWalk up = walk(package, Direction::Upstream, 100);
  EXPECT_EQ(up.nodes, (std::vector<Node>{data, run, version}));
  EXPECT_EQ(up.edges.size(), 5U);
  EXPECT_TRUE(up.complete);
  const LineageWalk down = walk(run, Direction::Downstream, 2);
  EXPECT_EQ(down.nodes, (std::vector<Node>{package, version}));
  EXPECT_FALSE(down.complete);
  EXPECT_EQ(to_json(up)["nodes"][0]["kind"], "dataset_version");
}

TEST_F(TrackerTest, lineage_follows_edges_that_other_records_imply_and_counts_none_twice) {
  const Node run{NodeKind::Run, "r"};
  const Node package{NodeKind::Package, "p"};
  const Node version{NodeKind::ModelVersion, "churn/1"};
  const std::vector<LineageEdge> edges{edge(run, package, "built")};
  ASSERT_TRUE(database_->write([&](metadata::Transaction& tx) { return add_lineage(tx, edges); })
                  .has_value());
  const MoreEdges more = [&](const Node& node,
                             Direction direction) -> Result<std::vector<LineageEdge>> {
    if (direction == Direction::Upstream) return std::vector<LineageEdge>();
    if (node == run) return edges;  // stored already
    if (node == package) return std::vector{edge(package, version, "registered as")};
    return std::vector<LineageEdge>();
  };
  const LineageWalk down = *database_->read([&](const metadata::ReadTransaction& tx) {
    return walk_lineage(tx, run, Direction::Downstream, 100, more);
  });
  EXPECT_EQ(down.nodes, (std::vector<Node>{package, version}));
  EXPECT_EQ(down.edges.size(), 2U);
  const auto failed = database_->read([&](const metadata::ReadTransaction& tx) {
    return walk_lineage(tx, run, Direction::Downstream, 100,
                        [](const Node&, Direction) -> Result<std::vector<LineageEdge>> {
                          return unavailable("no records");
                        });
  });
  EXPECT_EQ(failed.error().code(), ErrorCode::Unavailable);
}

}  // namespace
}  // namespace martlet::tracking

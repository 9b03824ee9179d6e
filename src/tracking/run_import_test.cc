#include "artifacts/memory_blob_store.h"
#include "metadata/database.h"
#include "tracking/references.h"
#include "tracking/run_import.h"
#include "tracking/schema.h"
#include "tracking/tracker.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <stdlib.h>

namespace martlet::tracking {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class RunImportTest : public ::testing::Test {
 protected:
  RunImportTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "martlet-test-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    auto opened =
        metadata::Database::open(directory_ + "/metadata.db", {.schema = {tracking_schema()}});
    EXPECT_TRUE(opened.has_value());
    database_ = std::move(*opened);
    tracker_.emplace(*database_, blobs_, clock_, random_);
  }
  ~RunImportTest() override {
    tracker_.reset();
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  static Experiment churn() {
    Experiment experiment;
    experiment.id = ExperimentId("7");
    experiment.name = "churn";
    experiment.created = Timestamp{1'000'000};
    experiment.updated = Timestamp{2'000'000};
    experiment.tags["team"] = "a";
    return experiment;
  }
  static tracking::Run ended_run() {
    tracking::Run run;
    run.id = RunId("c374fff8d8ac44bdbb91b86f09a1a10a");
    run.name = "first";
    run.user = "ada";
    run.status = RunStatus::Failed;
    run.lifecycle = Lifecycle::Deleted;
    run.started = Timestamp{5'000'000};
    run.ended = Timestamp{9'000'000};
    run.params["lr"] = "0.1";
    run.tags["team"] = "a";
    run.inputs.push_back({"train", "abc", "training", Json{{"source", "x"}}});
    return run;
  }
  static std::vector<Metric> points() {
    return {{"loss", 0.5, 1, Timestamp{1'000}},
            {"loss", kNan, 2, Timestamp{2'000}},
            {"loss", kInfinity, 3, Timestamp{3'000}},
            {"auc", -kInfinity, 0, Timestamp{1'000}}};
  }

  // All of one run.
  ImportTally import(const tracking::Run& run, const std::vector<Metric>& of_run,
                     ImportMode mode = ImportMode::Write) {
    RunImporter importer(*database_, clock_, mode);
    const auto placed = importer.experiment(churn());
    EXPECT_TRUE(placed.has_value());
    const auto begun = importer.begin_run(run, placed->id, findings_);
    EXPECT_TRUE(begun.has_value()) << begun.error().message();
    const auto added = importer.add_points(of_run, findings_);
    EXPECT_TRUE(added.has_value());
    ImportTally tally = *begun;
    tally += *added;
    return tally;
  }

  std::string directory_;
  artifacts::MemoryBlobStore blobs_;
  VirtualClock clock_{Timestamp{1'893'456'000'000'000}};
  SeededRandom random_{1};
  std::unique_ptr<metadata::Database> database_;
  std::optional<Tracker> tracker_;
  std::vector<Finding> findings_;
};

TEST_F(RunImportTest, a_run_keeps_its_id_times_status_lifecycle_and_every_point) {
  const ImportTally tally = import(ended_run(), points());
  EXPECT_EQ(tally.runs, 1);
  EXPECT_EQ(tally.points, 4);
  EXPECT_TRUE(findings_.empty());
  const auto run = tracker_->run(ended_run().id);
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->experiment.text(), "7");
  EXPECT_EQ(run->name, "first");
  EXPECT_EQ(run->user, "ada");
  EXPECT_EQ(run->status, RunStatus::Failed);
  EXPECT_EQ(run->lifecycle, Lifecycle::Deleted);
  EXPECT_EQ(run->started.micros, 5'000'000);
  EXPECT_EQ(run->ended->micros, 9'000'000);
  EXPECT_EQ(run->params.at("lr"), "0.1");
  EXPECT_EQ(run->tags.at("mlflow.runName"), "first");
  ASSERT_EQ(run->inputs.size(), 1u);
  EXPECT_EQ(run->inputs[0].context, "training");
  const auto loss = tracker_->history(run->id, "loss");
  ASSERT_EQ(loss->size(), 3u);
  EXPECT_TRUE(std::isnan((*loss)[1].value));
  EXPECT_EQ((*loss)[2].value, kInfinity);
  EXPECT_EQ(run->metrics.at("auc").value, -kInfinity);
  const auto checked =
      database_->read([](const metadata::ReadTransaction& tx) { return check_records(tx); });
  EXPECT_TRUE(checked->empty());
}

TEST_F(RunImportTest, importing_again_adds_nothing_and_changes_nothing) {
  import(ended_run(), points());
  ASSERT_TRUE(tracker_->set_run_lifecycle(ended_run().id, Lifecycle::Active).has_value());
  RunBatch ours;
  ours.tags["team"] = "b";
  ASSERT_TRUE(tracker_->log(ended_run().id, ours).has_value());
  EXPECT_TRUE(import(ended_run(), points()).nothing());
  const auto run = tracker_->run(ended_run().id);
  EXPECT_EQ(run->lifecycle, Lifecycle::Active);
  EXPECT_EQ(run->tags.at("team"), "b");
  EXPECT_EQ(tracker_->history(run->id, "loss")->size(), 3u);
}

TEST_F(RunImportTest, an_import_that_was_killed_goes_on) {
  const std::vector<Metric> all = points();
  import(ended_run(), {all[0], all[1]});
  const ImportTally rest = import(ended_run(), all);
  EXPECT_EQ(rest.runs, 0);
  EXPECT_EQ(rest.points, 2);
  EXPECT_EQ(tracker_->history(ended_run().id, "loss")->size(), 3u);
}

TEST_F(RunImportTest, a_run_that_went_on_gets_its_ending_and_its_new_points) {
  tracking::Run running = ended_run();
  running.status = RunStatus::Running;
  running.lifecycle = Lifecycle::Active;
  running.ended.reset();
  import(running, {points()[0]});
  EXPECT_EQ(tracker_->run(running.id)->status, RunStatus::Running);
  import(ended_run(), points());
  const auto run = tracker_->run(running.id);
  EXPECT_EQ(run->status, RunStatus::Failed);
  EXPECT_EQ(run->ended->micros, 9'000'000);
  EXPECT_EQ(tracker_->history(run->id, "loss")->size(), 3u);
}

TEST_F(RunImportTest, what_our_rules_forbid_is_told_and_left_out_never_cut) {
  tracking::Run run = ended_run();
  run.params["long"] = std::string(6001, 'x');
  run.params["a/../b"] = "1";
  run.tags["note"] = std::string(8001, 'x');
  std::vector<Metric> of_run = points();
  of_run.push_back({"bad\nkey", 1, 0, Timestamp{1}});
  of_run.push_back({"bad\nkey", 2, 1, Timestamp{2}});
  const ImportTally tally = import(run, of_run);
  EXPECT_EQ(tally.points, 4);
  ASSERT_EQ(findings_.size(), 4u);  // a key is told once, however many points it has
  const auto kept = tracker_->run(run.id);
  EXPECT_FALSE(kept->params.contains("long"));
  EXPECT_FALSE(kept->params.contains("a/../b"));
  EXPECT_EQ(kept->params.at("lr"), "0.1");
  EXPECT_FALSE(kept->tags.contains("note"));
  for (const Finding& finding : findings_)
    EXPECT_NE(finding.path.find(run.id.text()), std::string::npos);
}

TEST_F(RunImportTest, a_param_with_another_value_is_kept_as_it_is_here) {
  import(ended_run(), {});
  tracking::Run other = ended_run();
  other.params["lr"] = "0.2";
  import(other, {});
  ASSERT_EQ(findings_.size(), 1u);
  EXPECT_EQ(findings_[0].rule, "param_differs");
  EXPECT_EQ(tracker_->run(other.id)->params.at("lr"), "0.1");
}

TEST_F(RunImportTest, a_rehearsal_counts_the_same_and_writes_nothing) {
  const ImportTally rehearsed = import(ended_run(), points(), ImportMode::Rehearse);
  EXPECT_FALSE(tracker_->run(ended_run().id).has_value());
  EXPECT_FALSE(tracker_->experiment_named("churn")->has_value());
  const ImportTally real = import(ended_run(), points());
  EXPECT_EQ(rehearsed.runs, real.runs);
  EXPECT_EQ(rehearsed.points, real.points);
  EXPECT_EQ(rehearsed.params, real.params);
  EXPECT_TRUE(import(ended_run(), points(), ImportMode::Rehearse).nothing());
}

TEST_F(RunImportTest, an_experiment_keeps_its_id_unless_somebody_has_it) {
  RunImporter importer(*database_, clock_, ImportMode::Write);
  ASSERT_TRUE(tracker_->create_experiment("ours").has_value());  // 1
  Experiment first = churn();
  first.id = ExperimentId("1");
  const auto placed = importer.experiment(first);
  ASSERT_TRUE(placed.has_value());
  EXPECT_TRUE(placed->added);
  EXPECT_EQ(placed->id.text(), "2");
  Experiment second = churn();
  second.name = "other";
  second.id = ExperimentId("9");
  EXPECT_EQ(importer.experiment(second)->id.text(), "9");
  // File stores have numbers of 18 digits; the next one here would be larger still.
  Experiment third = churn();
  third.name = "files";
  third.id = ExperimentId("845362276623731126");
  third.lifecycle = Lifecycle::Deleted;
  EXPECT_EQ(importer.experiment(third)->id.text(), "10");
  const auto read = tracker_->experiment(ExperimentId("10"));
  EXPECT_EQ(read->lifecycle, Lifecycle::Deleted);
  EXPECT_EQ(read->created.micros, 1'000'000);
  EXPECT_EQ(read->tags.at("team"), "a");
  EXPECT_FALSE(importer.experiment(third)->added);
}

TEST_F(RunImportTest, a_run_of_the_same_id_in_another_experiment_is_another_run) {
  import(ended_run(), points());
  RunImporter importer(*database_, clock_, ImportMode::Write);
  const auto begun = importer.begin_run(ended_run(), ExperimentId("0"), findings_);
  ASSERT_FALSE(begun.has_value());
  EXPECT_EQ(begun.error().code(), ErrorCode::Conflict);
}

TEST_F(RunImportTest, artifacts_are_added_once) {
  import(ended_run(), {});
  RunImporter importer(*database_, clock_, ImportMode::Write);
  ASSERT_TRUE(importer.begin_run(ended_run(), ExperimentId("7"), findings_).has_value());
  const Digest digest = *blobs_.put("hello");
  EXPECT_EQ(importer.add_artifact({"sub/hello.txt", digest, 5, {}})->artifacts, 1);
  EXPECT_EQ(importer.add_artifact({"sub/hello.txt", digest, 5, {}})->artifacts, 0);
  EXPECT_EQ(importer.artifact_size("sub/hello.txt").value(), 5);
  EXPECT_EQ(importer.add_artifact({"../up", digest, 5, {}}).error().code(),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(tracker_->read_artifact(ended_run().id, "sub/hello.txt").value(), "hello");
}

}  // namespace
}  // namespace martlet::tracking

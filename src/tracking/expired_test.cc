#include "artifacts/memory_blob_store.h"
#include "metadata/database.h"
#include "tracking/expired.h"
#include "tracking/logged_model.h"
#include "tracking/schema.h"
#include "tracking/tracker.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <stdlib.h>

namespace martlet::tracking {
namespace {

using metadata::ReadTransaction;
using metadata::Transaction;

class ExpiredTest : public ::testing::Test {
 protected:
  ExpiredTest() {
    std::string pattern = std::filesystem::temp_directory_path().string() + "/expired-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    auto opened = metadata::Database::open(directory_ + "/m.db", {.schema = {tracking_schema()}});
    EXPECT_TRUE(opened.has_value());
    database_ = std::move(*opened);
    tracker_ = std::make_unique<Tracker>(*database_, blobs_, clock_, random_);
    models_ = std::make_unique<LoggedModels>(*database_, clock_, model_random_);
  }
  ~ExpiredTest() override {
    tracker_.reset();
    models_.reset();
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  Expired expired_now() {
    return database_->read([&](const ReadTransaction& tx) { return expired(tx, clock_.now()); })
        .value();
  }
  template <class Function>
  void purge(Function function) {
    ASSERT_TRUE(database_->write([&](Transaction& tx) -> Result<void> { return function(tx); })
                    .has_value());
  }
  RunId run_in(const ExperimentId& experiment) {
    NewRun request;
    request.experiment = experiment;
    request.first.params = {{"a", "1"}};
    request.first.metrics.push_back({"m", 1, 0, clock_.now()});
    request.first.tags = {{"t", "v"}};
    request.first.inputs.push_back({"d", "1", "training", Json::object()});
    const RunId run = tracker_->start_run(request).value().id;
    EXPECT_TRUE(tracker_->log_artifact(run, "x.txt", "bytes of " + run.text()).has_value());
    return run;
  }

  std::string directory_;
  VirtualClock clock_{Timestamp{1'893'456'000'000'000}};
  SeededRandom random_{1};
  SeededRandom model_random_{2};
  artifacts::MemoryBlobStore blobs_;
  std::unique_ptr<metadata::Database> database_;
  std::unique_ptr<Tracker> tracker_;
  std::unique_ptr<LoggedModels> models_;
};

TEST_F(ExpiredTest, only_what_was_deleted_before_the_instant_goes_and_all_of_it) {
  const ExperimentId experiment = tracker_->create_experiment("e").value().id;
  const RunId kept = run_in(experiment);
  const RunId going = run_in(experiment);
  NewLoggedModel request;
  request.experiment = experiment;
  request.source_run = going;
  request.params = {{"p", "1"}};
  const std::string model = models_->create(request).value().id;
  ASSERT_TRUE(tracker_->set_run_lifecycle(going, Lifecycle::Deleted).has_value());
  ASSERT_TRUE(models_->remove(model).has_value());
  EXPECT_TRUE(expired_now().empty());  // deleted at this very instant
  clock_.advance(std::chrono::seconds(1));
  const Expired found = expired_now();
  EXPECT_EQ(found.runs, (std::vector<RunId>{going}));
  EXPECT_EQ(found.models, (std::vector<std::string>{model}));
  EXPECT_TRUE(found.experiments.empty());
  EXPECT_TRUE(is_among(found, "run", going.text()));
  EXPECT_FALSE(is_among(found, "run", kept.text()));
  EXPECT_TRUE(is_among(found, "logged model", model));
  purge([&](Transaction& tx) { return purge_run(tx, going); });
  purge([&](Transaction& tx) { return purge_run(tx, kept); });  // active: stays
  purge([&](Transaction& tx) { return purge_model(tx, model); });
  EXPECT_EQ(tracker_->run(going).error().code(), ErrorCode::NotFound);
  EXPECT_TRUE(tracker_->run(kept).has_value());
  EXPECT_FALSE(models_->model(model, true).has_value());
  EXPECT_TRUE(expired_now().empty());
}

TEST_F(ExpiredTest, an_experiment_goes_when_nothing_is_left_in_it_and_frees_its_name) {
  const ExperimentId experiment = tracker_->create_experiment("e").value().id;
  const RunId run = run_in(experiment);
  ASSERT_TRUE(tracker_->set_experiment_lifecycle(experiment, Lifecycle::Deleted).has_value());
  clock_.advance(std::chrono::seconds(1));
  const Expired found = expired_now();
  EXPECT_EQ(found.experiments, (std::vector<ExperimentId>{experiment}));
  purge([&](Transaction& tx) { return purge_experiment(tx, experiment); });
  EXPECT_TRUE(tracker_->experiment(experiment).has_value());  // its run is still there
  purge([&](Transaction& tx) { return purge_run(tx, run); });
  purge([&](Transaction& tx) { return purge_experiment(tx, experiment); });
  EXPECT_FALSE(tracker_->experiment(experiment).has_value());
  EXPECT_TRUE(tracker_->create_experiment("e").has_value());
}

TEST_F(ExpiredTest, with_an_experiment_come_back_the_runs_that_went_with_it_and_no_others) {
  const ExperimentId experiment = tracker_->create_experiment("e").value().id;
  const RunId before = run_in(experiment);
  const RunId with = run_in(experiment);
  ASSERT_TRUE(tracker_->set_run_lifecycle(before, Lifecycle::Deleted).has_value());
  clock_.advance(std::chrono::seconds(1));
  ASSERT_TRUE(tracker_->set_experiment_lifecycle(experiment, Lifecycle::Deleted).has_value());
  EXPECT_EQ(tracker_->run(with)->lifecycle, Lifecycle::Deleted);
  EXPECT_EQ(tracker_->set_experiment_lifecycle(experiment, Lifecycle::Deleted).error().code(),
            ErrorCode::Conflict);
  clock_.advance(std::chrono::seconds(1));
  ASSERT_TRUE(tracker_->set_experiment_lifecycle(experiment, Lifecycle::Active).has_value());
  EXPECT_EQ(tracker_->run(with)->lifecycle, Lifecycle::Active);
  EXPECT_EQ(tracker_->run(before)->lifecycle, Lifecycle::Deleted);
}

}  // namespace
}  // namespace martlet::tracking

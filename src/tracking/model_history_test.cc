#include "artifacts/memory_blob_store.h"
#include "metadata/database.h"
#include "tracking/model_history.h"
#include "tracking/schema.h"
#include "tracking/tracker.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <stdlib.h>

namespace martlet::tracking {
namespace {

class ModelHistoryTest : public ::testing::Test {
 protected:
  ModelHistoryTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "martlet-test-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    database_ =
        metadata::Database::open(directory_ + "/m.db", {.schema = {tracking_schema()}}).value();
    tracker_ = std::make_unique<Tracker>(*database_, blobs_, clock_, random_);
    NewRun request;
    request.experiment = ExperimentId("0");
    run_ = tracker_->start_run(request).value().id;
  }
  ~ModelHistoryTest() override {
    tracker_.reset();
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  Result<void> add(const RunId& run, const Json& model) {
    return database_->write(
        [&](metadata::Transaction& tx) { return add_to_model_history(tx, run, model); });
  }
  void set_tag(const std::string& value) {
    RunBatch batch;
    batch.tags[std::string(kModelHistoryTag)] = value;
    ASSERT_TRUE(tracker_->log(run_, batch).has_value());
  }
  std::string tag() { return tracker_->run(run_).value().tags[std::string(kModelHistoryTag)]; }

  std::string directory_;
  VirtualClock clock_{Timestamp{1'893'456'000'000'000}};
  SeededRandom random_{1};
  artifacts::MemoryBlobStore blobs_;
  std::unique_ptr<metadata::Database> database_;
  std::unique_ptr<Tracker> tracker_;
  RunId run_;
};

TEST_F(ModelHistoryTest, models_are_listed_in_the_order_in_which_they_came) {
  ASSERT_TRUE(add(run_, {{"artifact_path", "b"}}).has_value());
  ASSERT_TRUE(add(run_, {{"artifact_path", "a"}}).has_value());
  EXPECT_EQ(tag(), R"([{"artifact_path":"b"},{"artifact_path":"a"}])");
}

TEST_F(ModelHistoryTest, what_is_no_list_is_replaced_by_one) {
  for (const char* nonsense : {"not JSON", R"({"artifact_path":"a"})"}) {
    set_tag(nonsense);
    ASSERT_TRUE(add(run_, {{"artifact_path", "b"}}).has_value());
    EXPECT_EQ(tag(), R"([{"artifact_path":"b"}])");
  }
}

TEST_F(ModelHistoryTest, a_list_that_is_too_long_for_a_tag_is_refused_and_stays) {
  ASSERT_TRUE(add(run_, {{"artifact_path", "a"}}).has_value());
  const std::string before = tag();
  const auto refused = add(run_, {{"artifact_path", std::string(8000, 'x')}});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(tag(), before);
}

TEST_F(ModelHistoryTest, runs_that_are_deleted_or_unknown_take_none) {
  const auto unknown = add(RunId("none"), Json::object());
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code(), ErrorCode::NotFound);
  ASSERT_TRUE(tracker_->set_run_lifecycle(run_, Lifecycle::Deleted).has_value());
  const auto deleted = add(run_, Json::object());
  ASSERT_FALSE(deleted.has_value());
  EXPECT_EQ(deleted.error().code(), ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace martlet::tracking

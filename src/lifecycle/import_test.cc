#include "artifacts/blob_store.h"
#include "lifecycle/import.h"
#include "lifecycle/internal/import_source.h"
#include "lifecycle/internal/version_places.h"
#include "lifecycle/testing/store_fixture.h"
#include "lifecycle/track.h"
#include "platform/real_file_system.h"
#include "platform/threads.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

namespace martlet::lifecycle {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRun = "c374fff8d8ac44bdbb91b86f09a1a10a";

class ImportTest : public testing::StoreFixture {
 protected:
  ImportTest() {
    store_ = open("store");
    write("0/meta.yaml", "artifact_location: file:///elsewhere/mlruns/0\nexperiment_id: '0'\n"
                         "lifecycle_stage: active\nname: Default\n");
    write("12/meta.yaml",
          "creation_time: 1700000000000\nexperiment_id: '12'\n"
          "last_update_time: 1700000001000\nlifecycle_stage: active\nname: churn\n");
    write_run(kRun, "status: 3\nend_time: 1700000009000\nlifecycle_stage: active\n");
    write(run_file("params/lr"), "0.1");
    write(run_file("params/model/depth"), "7");
    write(run_file("tags/note"), "two\nlines");
    write(run_file("metrics/val/loss"),
          "1700000000001 nan 2\n1700000000001 inf 3\n1700000000000 0.5 1\n");
    write(run_file("artifacts/sub/hello.txt"), "hello");
  }

  static std::string run_file(const std::string& name) {
    return std::string("12/") + kRun + "/" + name;
  }
  void write(const std::string& path, const std::string& text) const {
    const fs::path file = fs::path(mlruns()) / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }
  void write_run(const std::string& id, const std::string& more) const {
    write("12/" + id + "/meta.yaml",
          "artifact_uri: file:///elsewhere/mlruns/12/" + id +
              "/artifacts\nexperiment_id: '12'\n"
              "run_id: " +
              id + "\nrun_name: first\nstart_time: 1700000000000\nuser_id: ada\n" + more);
  }
  std::string mlruns() const { return directory_.path() + "/mlruns"; }

  Result<ImportReport> import(tracking::ImportMode mode = tracking::ImportMode::Write) {
    ImportRequest request = request_;
    if (request.source.empty()) request.source = mlruns();
    request.mode = mode;
    return import_runs(*store_, request);
  }
  tracking::Tracker tracker() { return tracker_of(*store_); }
  static bool told(const ImportReport& report, const std::string& rule) {
    for (const Finding& finding : report.findings) {
      if (finding.rule == rule) return true;
    }
    return false;
  }

  std::unique_ptr<Store> store_;
  ImportRequest request_;
};

TEST_F(ImportTest, a_folder_of_runs_is_taken_over_as_it_is) {
  const auto report = import();
  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_TRUE(report->findings.empty());
  EXPECT_EQ(report->experiments_found, 2);
  EXPECT_EQ(report->experiments_added, 1);
  EXPECT_EQ(report->added.runs, 1);
  EXPECT_EQ(report->added.points, 3);
  EXPECT_EQ(report->artifact_bytes_added, 5);
  const auto run = tracker().run(RunId(kRun));
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->experiment.text(), "12");
  EXPECT_EQ(run->name, "first");
  EXPECT_EQ(run->user, "ada");
  EXPECT_EQ(run->status, tracking::RunStatus::Finished);
  EXPECT_EQ(run->started.micros, 1'700'000'000'000'000);
  EXPECT_EQ(run->ended->micros, 1'700'000'009'000'000);
  EXPECT_EQ(run->params.at("model/depth"), "7");
  EXPECT_EQ(run->tags.at("note"), "two\nlines");
  const auto loss = tracker().history(run->id, "val/loss");
  ASSERT_EQ(loss->size(), 3u);
  EXPECT_EQ((*loss)[0].value, 0.5);
  EXPECT_TRUE(std::isnan((*loss)[1].value));
  EXPECT_EQ((*loss)[2].value, std::numeric_limits<double>::infinity());
  EXPECT_EQ(tracker().read_artifact(run->id, "sub/hello.txt").value(), "hello");
}

TEST_F(ImportTest, importing_again_adds_nothing_but_what_is_new) {
  ASSERT_TRUE(import().has_value());
  const auto again = import();
  EXPECT_TRUE(again->added.nothing());
  EXPECT_EQ(again->experiments_added, 0);
  write(run_file("metrics/auc"), "1700000000500 0.9 0\n");
  write(run_file("artifacts/new.txt"), "new");
  const auto grown = import();
  EXPECT_EQ(grown->added.points, 1);
  EXPECT_EQ(grown->added.artifacts, 1);
  EXPECT_EQ(grown->added.runs, 0);
}

TEST_F(ImportTest, a_rehearsal_tells_the_same_and_leaves_the_store_alone) {
  const auto rehearsed = import(tracking::ImportMode::Rehearse);
  ASSERT_TRUE(rehearsed.has_value());
  EXPECT_EQ(rehearsed->added.runs, 1);
  EXPECT_EQ(rehearsed->added.artifacts, 1);
  EXPECT_FALSE(tracker().run(RunId(kRun)).has_value());
  EXPECT_TRUE(store_->blobs().list()->empty());
}

TEST_F(ImportTest, what_is_damaged_is_told_and_everything_else_is_imported) {
  write("12/0123456789abcdef0123456789abcdef/meta.yaml", "run_id: [");
  write_run("1123456789abcdef0123456789abcdef", "status: 9\n");
  write(run_file("metrics/bad"), "yesterday 1 2\n1700000000000 0.1 1\n");
  write(run_file("params/long"), std::string(7000, 'x'));
  const auto report = import();
  ASSERT_TRUE(report.has_value());
  for (const char* rule : {"bad_meta", "bad_run", "bad_point", "too_long"})
    EXPECT_TRUE(told(*report, rule)) << rule;
  EXPECT_EQ(report->added.runs, 1);
  EXPECT_EQ(report->added.points, 4);
  EXPECT_FALSE(tracker().run(RunId(kRun))->params.contains("long"));
}

TEST_F(ImportTest, links_and_folders_outside_are_not_read) {
  std::ofstream(directory_.path() + "/secret") << "secret";
  fs::create_symlink(directory_.path() + "/secret", mlruns() + "/" + run_file("params/stolen"));
  fs::create_symlink(directory_.path() + "/secret", mlruns() + "/" + run_file("artifacts/stolen"));
  // Another run has no artifacts here, and says that they lie in a folder of ours.
  const std::string other = "2123456789abcdef0123456789abcdef";
  write_run(other, "status: 3\nend_time: 1700000009000\n");
  fs::create_directories(directory_.path() + "/outside");
  std::ofstream(directory_.path() + "/outside/a.txt") << "a";
  write("12/" + other + "/meta.yaml", "artifact_uri: file://" + directory_.path() +
                                          "/outside\nrun_id: " + other +
                                          "\nstatus: 3\nstart_time: 1\nend_time: 2\n");
  const auto report = import();
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(told(*report, "no_file"));
  EXPECT_TRUE(told(*report, "artifacts_elsewhere"));
  EXPECT_FALSE(tracker().run(RunId(kRun))->params.contains("stolen"));
  EXPECT_EQ(tracker().run(RunId(kRun))->artifacts.size(), 1u);
  EXPECT_TRUE(tracker().run(RunId(other))->artifacts.empty());
  // The person may name that folder.
  request_.artifacts_directory = directory_.path() + "/outside";
  EXPECT_EQ(import()->added.artifacts, 1);
}

TEST_F(ImportTest, artifacts_can_be_left_out_and_come_later) {
  request_.artifacts = ImportArtifacts::Leave;
  EXPECT_EQ(import()->artifacts_found, 0);
  request_.artifacts = ImportArtifacts::Copy;
  EXPECT_EQ(import()->added.artifacts, 1);
}

TEST_F(ImportTest, experiments_are_chosen_by_name) {
  request_.experiments = {"Default"};
  EXPECT_EQ(import()->runs_found, 0);
  request_.experiments = {"churm"};
  const auto missing = import();
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code(), ErrorCode::NotFound);
  EXPECT_NE(missing.error().message().find("churn"), std::string::npos);
}

TEST_F(ImportTest, a_cancelled_import_keeps_what_it_has_and_goes_on_later) {
  request_.on_progress = [&](const ImportProgress&) { request_.cancel.cancel(); };
  const auto cancelled = import();
  ASSERT_FALSE(cancelled.has_value());
  EXPECT_EQ(cancelled.error().code(), ErrorCode::Cancelled);
  EXPECT_TRUE(tracker().run(RunId(kRun)).has_value());
  request_ = {};
  const auto rest = import();
  ASSERT_TRUE(rest.has_value());
  EXPECT_EQ(rest->added.points, 3);
  EXPECT_EQ(rest->added.runs, 0);
}

TEST_F(ImportTest, what_is_no_store_of_mlflow_is_refused) {
  const auto code = [&](const std::string& source) {
    request_.source = source;
    const auto report = import();
    return report.has_value() ? ErrorCode::Internal : report.error().code();
  };
  EXPECT_EQ(code(directory_.path() + "/absent"), ErrorCode::NotFound);
  EXPECT_EQ(code(directory_.path() + "/store"), ErrorCode::InvalidArgument);
  EXPECT_EQ(code(directory_.path() + "/store/metadata.db"), ErrorCode::InvalidArgument);
  EXPECT_EQ(code("postgresql://host/db"), ErrorCode::InvalidArgument);
  std::ofstream(directory_.path() + "/text") << std::string(4096, 'x');
  EXPECT_EQ(code(directory_.path() + "/text"), ErrorCode::InvalidArgument);
}

TEST(MlflowValues, statuses_times_and_values_read_as_mlflow_means_them) {
  EXPECT_EQ(mlflow_status("FINISHED"), tracking::RunStatus::Finished);
  EXPECT_EQ(mlflow_status("5"), tracking::RunStatus::Killed);
  EXPECT_FALSE(mlflow_status("6").has_value());
  EXPECT_FALSE(mlflow_time(std::numeric_limits<std::int64_t>::max()).has_value());
  EXPECT_EQ(mlflow_value(std::numeric_limits<double>::max()),
            std::numeric_limits<double>::infinity());
  EXPECT_EQ(mlflow_value(1e308), 1e308);
  EXPECT_TRUE(is_run_id(kRun));
  for (const char* wrong : {"", "../x", "a/b", "-a", ".hidden"}) EXPECT_FALSE(is_run_id(wrong));
}

TEST_F(ImportTest, the_age_of_what_was_deleted_is_kept) {
  const std::string gone(32, 'a');
  write_run(gone, "status: 3\nlifecycle_stage: deleted\ndeleted_time: 1700000500000\n");
  ASSERT_TRUE(import().has_value());
  const auto run = tracker().run(RunId(gone));
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->lifecycle, tracking::Lifecycle::Deleted);
  EXPECT_EQ(run->deleted, Timestamp{1'700'000'500'000'000});
}

class VersionPlacesTest : public ::testing::Test {
 protected:
  VersionPlacesTest() {
    places_.add({SourceOwner::Kind::Run, "1", "r1", "file:///old%20place/1/r1/artifacts", ""},
                ExperimentId("7"));
    places_.add({SourceOwner::Kind::LoggedModel, "1", "m-1",
                 "mlflow-artifacts:/1/models/m-1/artifacts", "/now/1/models/m-1"},
                ExperimentId("7"));
  }
  Result<registry::ModelVersion> placed(const std::string& source, const std::string& storage = "",
                                        const registry::Texts& tags = {}) const {
    SourceVersion version;
    version.version.model = *registry::ModelName::parse("churn");
    version.version.version = {1};
    version.version.source = source;
    version.storage = storage;
    return places_.placed(version, tags);
  }
  std::string source_of(const std::string& source) const {
    const auto made = placed(source);
    return made.has_value() ? made->source : "error";
  }
  VersionPlaces places_;
};

TEST_F(VersionPlacesTest, what_lies_within_imported_artifacts_lies_within_ours) {
  EXPECT_EQ(source_of("/old place/1/r1/artifacts/model"), "mlflow-artifacts:/7/r1/artifacts/model");
  EXPECT_EQ(source_of("file:///old%20place/1/r1/artifacts"), "mlflow-artifacts:/7/r1/artifacts");
  const auto logged = placed("mlflow-artifacts:/1/models/m-1/artifacts/");
  ASSERT_TRUE(logged.has_value()) << logged.error().message();
  EXPECT_EQ(logged->source, "mlflow-artifacts:/7/models/m-1/artifacts");
  EXPECT_EQ(logged->model_id, "m-1");
  EXPECT_EQ(source_of("/now/1/models/m-1/artifacts"), "mlflow-artifacts:/7/models/m-1/artifacts");
}

TEST_F(VersionPlacesTest, names_stay_and_their_place_is_found) {
  const auto logged = placed("models:/m-1");
  ASSERT_TRUE(logged.has_value()) << logged.error().message();
  EXPECT_EQ(logged->source, "models:/m-1");
  EXPECT_EQ(logged->location, "mlflow-artifacts:/7/models/m-1/artifacts");
  const auto of_run = placed("runs:/r1/model");
  ASSERT_TRUE(of_run.has_value()) << of_run.error().message();
  EXPECT_EQ(of_run->location, "mlflow-artifacts:/7/r1/artifacts/model");
  const auto copy = placed("models:/churn/3", "/old place/1/r1/artifacts/model");
  ASSERT_TRUE(copy.has_value()) << copy.error().message();
  EXPECT_EQ(copy->source, "models:/churn/3");
  EXPECT_EQ(copy->location, "mlflow-artifacts:/7/r1/artifacts/model");
  EXPECT_EQ(source_of("s3://bucket/model"), "s3://bucket/model");
  EXPECT_TRUE(placed("dummy-source", "", {{"mlflow.prompt.is_prompt", "true"}}).has_value());
}

TEST_F(VersionPlacesTest, what_nobody_may_read_is_refused) {
  for (const char* source :
       {"/etc", "file:///etc/passwd", "/old place/1/r1/artifacts/../../../../etc", "models:/m-2",
        "runs:/r2/model", "mlflow-artifacts:/1/models/m-2/artifacts", "/old place/1/r1/artifactsx",
        "", "s3://bucket/..%2f.."}) {
    const auto refused = placed(source);
    ASSERT_FALSE(refused.has_value()) << source;
    EXPECT_EQ(refused.error().code(), ErrorCode::InvalidArgument);
  }
}

}  // namespace
}  // namespace martlet::lifecycle

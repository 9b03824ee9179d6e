#include "artifacts/directory_blob_store.h"
#include "lifecycle/migrate.h"
#include "lifecycle/testing/store_fixture.h"
#include "lifecycle/track.h"
#include "lifecycle/verify.h"
#include "metadata/database.h"
#include "metadata/shared_key.h"
#include "platform/file_lock.h"
#include "platform/real_file_system.h"
#include "platform/threads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace martlet::lifecycle {
namespace {

namespace fs = std::filesystem;

// Folders here; between all pairs of databases: metadata/table_copy_test.cc, tests/test_migrate.py.
class MigrateTest : public testing::StoreFixture {
 protected:
  MigrateTest() {
    source_ = open("source");
    target_.records = path("target");
  }
  // Gives its id.
  RunId add_run(const Store& store, const std::string& artifact) {
    tracking::Tracker tracker = tracker_of(store);
    const auto experiment = tracker.get_or_create_experiment("churn").value();
    tracking::NewRun run;
    run.experiment = experiment.id;
    const RunId id = tracker.start_run(run).value().id;
    EXPECT_TRUE(tracker.log_artifact(id, "model.txt", artifact).has_value());
    return id;
  }
  void write_file(const std::string& name, const std::string& bytes) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << bytes;
  }
  std::string read_file(const std::string& name) {
    return files_.read_file(path(name)).value_or("none");
  }
  Result<MigrateReport> call(MigrateOptions options = {}) {
    return migrate(*source_, target_, options);
  }
  MigrateReport done(MigrateOptions options = {}) {
    auto report = call(std::move(options));
    EXPECT_TRUE(report.has_value()) << report.error().message();
    return report.has_value() ? std::move(*report) : MigrateReport();
  }
  static metadata::TableDifference of(const MigrateReport& report, const std::string& table) {
    for (const metadata::TableDifference& each : report.tables) {
      if (each.table == table) return each;
    }
    ADD_FAILURE() << "no table " << table;
    return {};
  }
  void expect_like_source() {
    const auto target = open("target");
    const auto sums = [](const Store& store) {
      return store.database()
          .read([](const metadata::ReadTransaction& tx) { return metadata::sum_tables(tx); })
          .value();
    };
    EXPECT_EQ(sums(*target), sums(*source_));
    const auto verified = verify_store(*target);
    ASSERT_TRUE(verified.has_value());
    for (const Damage& damage : verified->damages) {
      // Segments here are any bytes.
      if (damage.rule != "damaged_segment") ADD_FAILURE() << damage.message;
    }
  }

  std::unique_ptr<Store> source_;
  MigrateTarget target_;
};

TEST_F(MigrateTest, records_blobs_and_files_are_at_the_target_and_the_source_is_as_it_was) {
  const RunId run = add_run(*source_, "a model");
  source_->blobs().put("nobody's yet").value();
  write_file("source/predictions/production/shop/2030-01-01-a.log", "segment");
  write_file("source/logs/run/train.log", "said");
  write_file("source/tmp/part", "scratch");
  const MigrateReport report = done();
  EXPECT_EQ(of(report, "runs").missing, 1);
  EXPECT_EQ(report.blobs.all, 2);
  EXPECT_EQ(report.blobs.copied, 2);
  EXPECT_EQ(report.blobs.read, 2);
  EXPECT_EQ(report.files.copied, 2);
  EXPECT_TRUE(report.newer.empty());
  EXPECT_EQ(read_file("target/predictions/production/shop/2030-01-01-a.log"), "segment");
  EXPECT_EQ(read_file("target/logs/run/train.log"), "said");
  EXPECT_EQ(read_file("target/tmp/part"), "none");
  expect_like_source();
  EXPECT_EQ(tracker_of(*open("target")).read_artifact(run, "model.txt").value(), "a model");
  EXPECT_EQ(tracker_of(*source_).read_artifact(run, "model.txt").value(), "a model");
}

TEST_F(MigrateTest, called_again_it_copies_what_has_changed) {
  const RunId run = add_run(*source_, "a model");
  write_file("source/predictions/production/shop/a.log", "one");
  done();
  const MigrateReport nothing = done();
  EXPECT_EQ(nothing.blobs.copied, 0);
  EXPECT_EQ(nothing.files.copied, 0);
  for (const metadata::TableDifference& table : nothing.tables) EXPECT_TRUE(table.none());

  tracking::Tracker tracker = tracker_of(*source_);
  ASSERT_TRUE(tracker.rename_run(run, "another name").has_value());
  const auto experiment = tracker.experiment_named("churn").value().value();
  ASSERT_TRUE(tracker.rename_experiment(experiment.id, "renamed").has_value());
  ASSERT_TRUE(tracker.create_experiment("churn").has_value()) << "the name that one had";
  add_run(*source_, "another model");
  write_file("source/predictions/production/shop/a.log", "one two");
  write_file("source/predictions/production/shop/b.log", "new");
  const MigrateReport more = done();
  EXPECT_EQ(of(more, "runs").missing, 1);
  EXPECT_EQ(of(more, "runs").changed, 1);
  EXPECT_EQ(of(more, "experiments").changed, 1);
  EXPECT_EQ(more.blobs.copied, 1);
  EXPECT_EQ(more.files.copied, 2);
  EXPECT_EQ(read_file("target/predictions/production/shop/a.log"), "one two");
  expect_like_source();
}

TEST_F(MigrateTest, what_is_counted_is_what_is_copied_and_counting_makes_nothing) {
  add_run(*source_, "a model");
  write_file("source/logs/run/train.log", "said");
  MigrateOptions dry;
  dry.mode = MigrateOptions::Mode::OnlyCount;
  const auto compare = [&] {
    const MigrateReport counted = done(dry);
    const bool was_there = fs::exists(path("target"));
    EXPECT_TRUE(counted.only_counted);
    const MigrateReport copied = done();
    EXPECT_EQ(counted.blobs.copied, copied.blobs.copied);
    EXPECT_EQ(counted.blobs.copied_bytes, copied.blobs.copied_bytes);
    EXPECT_EQ(counted.files.copied, copied.files.copied);
    EXPECT_EQ(of(counted, "runs").missing, of(copied, "runs").missing);
    EXPECT_EQ(of(counted, "runs").changed, of(copied, "runs").changed);
    return was_there;
  };
  EXPECT_FALSE(compare());
  tracking::Tracker(tracker_of(*source_)).create_experiment("more").value();
  add_run(*source_, "more");
  EXPECT_TRUE(compare());
}

TEST_F(MigrateTest, another_store_is_left_alone) {
  add_run(*source_, "a model");
  {
    const auto target = open("target");
    add_run(*target, "another one's");
  }
  for (const auto written_since : {TargetFiles::Keep, TargetFiles::Overwrite}) {
    MigrateOptions options;
    options.written_since = written_since;
    const auto refused = call(options);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code(), ErrorCode::AlreadyExists);
    EXPECT_NE(refused.error().message().find("1 in runs"), std::string::npos)
        << refused.error().message();
    options.mode = MigrateOptions::Mode::OnlyCount;
    EXPECT_EQ(call(options).error().code(), ErrorCode::AlreadyExists);
  }
  const auto target = open("target");
  EXPECT_EQ(target->blobs().list().value().size(), 1u);
  EXPECT_EQ(tracker_of(*target).experiments().value().size(), 2u) << "the default one, and its own";
}

TEST_F(MigrateTest, a_folder_that_is_no_store_and_the_stores_own_are_refused) {
  write_file("target/holiday.jpg", "x");
  EXPECT_EQ(call().error().code(), ErrorCode::AlreadyExists);
  EXPECT_EQ(std::distance(fs::directory_iterator(path("target")), {}), 1);
  fs::create_directory_symlink(path("source"), path("link"));
  for (const std::string& same : {path("source"), path("source/"), path("link"),
                                  path("source/metadata.db"), "sqlite:" + path("source")}) {
    target_.records = same;
    EXPECT_EQ(call().error().code(), ErrorCode::InvalidArgument) << same;
  }
  for (const char* bad : {"", "mysql://host/db", "s3://bucket"}) {
    target_.records = bad;
    EXPECT_EQ(call().error().code(), ErrorCode::InvalidArgument) << bad;
  }
  target_ = {path("new"), path("files"), {}};
  EXPECT_EQ(call().error().code(), ErrorCode::InvalidArgument);
}

TEST_F(MigrateTest, a_copy_that_was_written_to_is_not_overwritten_unless_that_is_said) {
  add_run(*source_, "a model");
  done();
  {
    const auto target = open("target");
    add_run(*target, "written since");
  }
  for (const auto mode : {MigrateOptions::Mode::OnlyCount, MigrateOptions::Mode::Copy}) {
    MigrateOptions options;
    options.mode = mode;
    const auto refused = call(options);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code(), ErrorCode::Conflict);
    EXPECT_NE(refused.error().message().find("runs"), std::string::npos);
    EXPECT_NE(refused.error().message().find("--overwrite"), std::string::npos);
  }
  {
    const auto target = open("target");
    const auto runs = target->database().read(
        [](const metadata::ReadTransaction& tx) { return metadata::sum_tables(tx); });
    EXPECT_EQ(runs.value().at("runs").rows, 2);
  }
  MigrateOptions overwrite;
  overwrite.written_since = TargetFiles::Overwrite;
  EXPECT_EQ(of(done(overwrite), "runs").extra, 1);
  expect_like_source();
  done();
}

TEST_F(MigrateTest, predictions_that_the_target_has_logged_are_not_overwritten) {
  add_run(*source_, "a model");
  write_file("source/predictions/production/shop/a.log", "one");
  done();
  write_file("target/predictions/production/shop/own.log", "the target's");
  EXPECT_EQ(done().files.only_there, 1);
  write_file("target/predictions/production/shop/a.log", "one and more");
  EXPECT_EQ(call().error().code(), ErrorCode::Conflict);
  write_file("target/predictions/production/shop/a.log", "two");
  EXPECT_EQ(call().error().code(), ErrorCode::Conflict) << "of the same length";
  EXPECT_EQ(read_file("target/predictions/production/shop/own.log"), "the target's");
  MigrateOptions overwrite;
  overwrite.written_since = TargetFiles::Overwrite;
  EXPECT_EQ(done(overwrite).files.removed, 1);
  EXPECT_EQ(read_file("target/predictions/production/shop/a.log"), "one");
  EXPECT_EQ(read_file("target/predictions/production/shop/own.log"), "none");
}

TEST_F(MigrateTest, a_damaged_blob_stops_it_when_something_needs_it_and_the_target_stays) {
  add_run(*source_, "a model");
  done();
  const Digest needed = digest_of("needed");
  add_run(*source_, "needed");
  const std::string file = source_->durable_blobs().place_of(needed);
  fs::permissions(file, fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(file, std::ios::binary) << "nEeded";
  source_ = open("source");  // which hasn't seen it whole
  const auto refused = call();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::Corrupt);
  EXPECT_NE(refused.error().message().find(needed.text()), std::string::npos)
      << refused.error().message();
  {
    const auto target = open("target");
    EXPECT_TRUE(verify_store(*target)->sound());
    EXPECT_EQ(
        target->database()
            .read([](const metadata::ReadTransaction& tx) { return metadata::sum_tables(tx); })
            .value()
            .at("runs")
            .rows,
        1);
  }
  std::ofstream(file, std::ios::binary) << "needed";
  done();
  expect_like_source();
}

TEST_F(MigrateTest, a_damaged_blob_that_nothing_needs_is_left_out) {
  add_run(*source_, "a model");
  const Digest orphan = source_->blobs().put("nobody's").value();
  const std::string file = source_->durable_blobs().place_of(orphan);
  fs::permissions(file, fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(file, std::ios::binary) << "nObody's";
  const auto again = open("source");  // which hasn't seen it whole
  const auto report = migrate(*again, target_, {});
  ASSERT_TRUE(report.has_value()) << report.error().message();
  ASSERT_EQ(report->left_out.size(), 1u);
  EXPECT_EQ(report->left_out[0], orphan);
  EXPECT_EQ(report->blobs.all, 1);
}

TEST_F(MigrateTest, damage_at_the_target_is_mended) {
  add_run(*source_, "a model");
  done();
  std::string file;
  {
    const auto target = open("target");
    file = target->durable_blobs().place_of(digest_of("a model"));
  }
  fs::permissions(file, fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(file, std::ios::binary) << "A model";
  MigrateOptions quick;
  quick.present = PresentBlobs::Trust;
  EXPECT_EQ(done(quick).blobs.copied, 0) << "it has the right size";
  EXPECT_EQ(done().blobs.copied, 1);
  fs::remove(file);
  EXPECT_EQ(done(quick).blobs.copied, 1);
  expect_like_source();
}

TEST_F(MigrateTest, a_migration_that_was_stopped_anywhere_goes_on) {
  for (int i = 0; i < 20; ++i) add_run(*source_, "model " + std::to_string(i));
  write_file("source/logs/run/train.log", "said");
  for (const std::string_view phase : {"blobs", "records", "check", "files"}) {
    MigrateOptions options;
    options.progress = [&](std::string_view at, std::string_view, const std::string&) {
      if (at == phase) options.cancel.cancel();
    };
    const auto stopped = call(options);
    ASSERT_FALSE(stopped.has_value()) << phase;
    EXPECT_EQ(stopped.error().code(), ErrorCode::Cancelled) << phase;
    add_run(*source_, "after " + std::string(phase));
  }
  done();
  expect_like_source();
}

TEST_F(MigrateTest, what_the_source_has_written_meanwhile_is_told_and_brought_over_next_time) {
  add_run(*source_, "a model");
  MigrateOptions options;
  options.progress = [&](std::string_view at, std::string_view status, const std::string&) {
    if (at == "records" && status == "running") add_run(*source_, "while it was copied");
  };
  const MigrateReport report = done(options);
  EXPECT_EQ(of(report, "runs").from.rows, 1);
  EXPECT_NE(std::find(report.newer.begin(), report.newer.end(), "runs"), report.newer.end());
  EXPECT_EQ(std::find(report.newer.begin(), report.newer.end(), "traces"), report.newer.end());
  EXPECT_TRUE(verify_store(*open("target"))->sound());
  EXPECT_TRUE(done().newer.empty());
  expect_like_source();
}

TEST_F(MigrateTest, blobs_that_came_while_others_were_copied_are_there_for_their_records) {
  add_run(*source_, "a model");
  MigrateOptions options;
  options.progress = [&](std::string_view at, std::string_view status, const std::string& detail) {
    const bool all_were_copied = at == "blobs" && status == "running" && !detail.empty();
    if (all_were_copied) add_run(*source_, "came in time");
  };
  const MigrateReport report = done(options);
  EXPECT_EQ(of(report, "runs").from.rows, 2);
  EXPECT_EQ(report.blobs.copied, 2);
  expect_like_source();
}

TEST_F(MigrateTest, it_is_alone_with_gc_and_other_migrations) {
  add_run(*source_, "a model");
  done();
  for (const char* name : {"source/garbage.lock", "target/garbage.lock", "target/migrate.lock"}) {
    const auto held = platform::FileLock::acquire(path(name));
    ASSERT_TRUE(held.has_value());
    EXPECT_EQ(call().error().code(), ErrorCode::Conflict) << name;
  }
  done();
}

}  // namespace
}  // namespace martlet::lifecycle

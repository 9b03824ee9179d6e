#include "artifacts/directory_blob_store.h"
#include "artifacts/memory_blob_store.h"
#include "data/references.h"
#include "data/version_store.h"
#include "metadata/database.h"
#include "platform/real_file_system.h"

#include <gtest/gtest.h>

namespace martlet::data {
namespace {

using columns::Batch;
using columns::Column;
using columns::Schema;
using columns::Type;

class Versions : public testing::Test {
 protected:
  Versions()
      : directory_(
            platform::TemporaryDirectory::create(testing::TempDir(), "martlet-versions-").value()) {
    auto database =
        metadata::Database::open(directory_.path() + "/metadata.db", {.schema = {data_schema()}});
    auto blobs = artifacts::DirectoryBlobStore::open(files_, directory_.path() + "/blobs");
    EXPECT_TRUE(database.has_value()) << database.error().message();
    EXPECT_TRUE(blobs.has_value()) << blobs.error().message();
    database_ = std::move(*database);
    blobs_ = std::move(*blobs);
    store_ = std::make_unique<VersionStore>(*database_, *blobs_, files_, clock_,
                                            directory_.path() + "/scratch", 4);
  }

  static Batch rows(std::vector<std::int64_t> ids, std::vector<double> values) {
    return Batch(Schema({{"id", Type::Int64}, {"value", Type::Double}}),
                 {Column::of_int64s(std::move(ids)), Column::of_doubles(std::move(values))});
  }
  static BuiltDataset built(Batch batch, const std::string& name = "flights") {
    BuiltDataset made{.name = name};
    made.rows = std::move(batch);
    made.sql = "select 1";
    made.rows_read = static_cast<std::int64_t>(made.rows.rows());
    return made;
  }
  DatasetVersion publish(Batch batch) {
    auto published = store_->publish(built(std::move(batch)));
    EXPECT_TRUE(published.has_value())
        << (published.has_value() ? "" : published.error().message());
    return published.has_value() ? published->version : DatasetVersion{};
  }

  platform::RealFileSystem files_;
  platform::TemporaryDirectory directory_;
  VirtualClock clock_{Timestamp{1'893'456'000'000'000}};
  std::unique_ptr<metadata::Database> database_;
  std::unique_ptr<artifacts::BlobStore> blobs_;
  std::unique_ptr<VersionStore> store_;
};

TEST_F(Versions, are_numbered_and_found_by_every_kind_of_name) {
  const DatasetVersion first = publish(rows({1, 2, 3, 4, 5}, {1, 2, 3, 4, 5}));
  clock_.advance(std::chrono::hours(1));
  const DatasetVersion second = publish(rows({1, 2}, {1, 2}));
  EXPECT_EQ(first.name(), "flights@v1");
  EXPECT_EQ(second.name(), "flights@v2");
  EXPECT_EQ(first.parts.size(), 2U);
  EXPECT_EQ(first.rows(), 5);
  for (const auto& [reference, number] :
       std::vector<std::pair<std::string, std::int64_t>>{{"flights", 2},
                                                         {"flights@latest", 2},
                                                         {"flights@v1", 1},
                                                         {"flights@1", 1},
                                                         {"flights@" + first.digest.text(), 1},
                                                         {first.digest.text(), 1}}) {
    const auto found = store_->find(reference);
    ASSERT_TRUE(found.has_value()) << found.error().message();
    EXPECT_EQ(found->number, number) << reference;
  }
  EXPECT_EQ(to_json(*store_->find("flights@v1")), to_json(first));
  const auto all = store_->versions("flights");
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ(all->front().number, 2);
  const auto list = store_->list();
  ASSERT_EQ(list->size(), 1U);
  EXPECT_EQ(list->front().versions, 2);
  EXPECT_EQ(list->front().latest.number, 2);
}

TEST_F(Versions, names_that_lead_nowhere_say_what_there_is) {
  EXPECT_FALSE(store_->latest("flights")->has_value());
  EXPECT_EQ(store_->find("flights").error().code(), ErrorCode::NotFound);
  publish(rows({1}, {1}));
  EXPECT_NE(store_->find("fligths").error().message().find("did you mean \"flights\""),
            std::string::npos);
  EXPECT_NE(store_->find("flights@v7").error().message().find("1 to 1"), std::string::npos);
  EXPECT_EQ(store_->find("flights@seven").error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(store_->find("sha256:" + std::string(64, '0')).error().code(), ErrorCode::NotFound);
}

TEST_F(Versions, the_same_rows_are_the_same_version) {
  const DatasetVersion first = publish(rows({1, 2}, {0.5, 0.25}));
  const auto again = store_->publish(built(rows({1, 2}, {0.5, 0.25})));
  ASSERT_TRUE(again.has_value());
  EXPECT_FALSE(again->is_new);
  EXPECT_EQ(again->version.number, 1);
  publish(rows({1, 2}, {0.5, 0.75}));
  const DatasetVersion back = publish(rows({1, 2}, {0.5, 0.25}));
  EXPECT_EQ(back.number, 3) << "an older content that returns is a version of its own";
  EXPECT_EQ(back.digest, first.digest);
  EXPECT_EQ(store_->find(first.digest.text())->number, 3);
}

TEST_F(Versions, the_digest_is_that_of_schema_and_parts) {
  const DatasetVersion version = publish(rows({1, 2}, {0.5, 0.25}));
  const std::string text = "{\"parts\":[\"" + version.parts[0].digest.text() +
                           "\"],\"schema\":[{\"name\":\"id\",\"type\":\"integer\"},{\"name\":"
                           "\"value\",\"type\":\"number\"}]}";
  EXPECT_EQ(version.digest, digest_of(std::string_view(text)));
  EXPECT_EQ(blobs_->get(version.digest).value(), text) << "the digest alone leads to the manifest";
}

TEST_F(Versions, rows_come_back_whole_or_by_column) {
  const Batch batch = rows({1, 2, 3, 4, 5}, {1, 2, 3, 4, 5});
  const DatasetVersion version = publish(batch);
  EXPECT_TRUE(store_->load(version)->equals(batch));
  const std::vector<std::string> one{"value"};
  EXPECT_EQ(store_->load(version, one)->schema().names(), one);
  const DatasetVersion empty = publish(batch.slice(0, 0));
  EXPECT_EQ(store_->load(empty)->rows(), 0U);
  EXPECT_EQ(store_->load(empty)->schema(), batch.schema());
}

TEST_F(Versions, appending_shares_the_parts_and_never_rewrites_them) {
  const DatasetVersion first = publish(rows({1, 2, 3, 4, 5}, {1, 2, 3, 4, 5}));
  const auto grown = store_->append("flights", rows({6}, {6}));
  ASSERT_TRUE(grown.has_value()) << grown.error().message();
  EXPECT_EQ(grown->version.number, 2);
  ASSERT_EQ(grown->version.parts.size(), 3U);
  EXPECT_EQ(grown->version.parts[1].digest, first.parts[1].digest);
  EXPECT_EQ(grown->version.provenance.parents.front().digest, first.digest);
  EXPECT_TRUE(store_->load(grown->version)->equals(rows({1, 2, 3, 4, 5, 6}, {1, 2, 3, 4, 5, 6})));
  EXPECT_FALSE(store_->append("flights", rows({}, {}))->is_new);
  const Batch other(Schema({{"id", Type::Text}}), {Column::of_texts({"x"})});
  EXPECT_EQ(store_->append("flights", other).error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(store_->append("nothing", other).error().code(), ErrorCode::NotFound);
}

TEST_F(Versions, growing_data_shares_its_full_parts) {
  const DatasetVersion first = publish(rows({1, 2, 3, 4, 5}, {1, 2, 3, 4, 5}));
  const DatasetVersion second = publish(rows({1, 2, 3, 4, 5, 6}, {1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(second.parts[0].digest, first.parts[0].digest);
  EXPECT_NE(second.parts[1].digest, first.parts[1].digest);
}

TEST_F(Versions, unmet_expectations_are_not_published) {
  BuiltDataset bad = built(rows({1, 1}, {1, 2}));
  bad.expectations =
      validate(bad.rows,
               std::vector<Expectation>{{.kind = ExpectationKind::Unique, .columns = {"id"}}}, {})
          .value();
  const auto refused = store_->publish(bad);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::Conflict);
  EXPECT_NE(refused.error().message().find("id unique (1 rows break it)"), std::string::npos)
      << refused.error().message();
  EXPECT_FALSE(store_->latest("flights")->has_value());
}

TEST_F(Versions, quarantined_rows_and_provenance_are_kept_beside_the_rows) {
  BuiltDataset made = built(rows({1, 2}, {1, -2}));
  made.expectations = validate(made.rows,
                               std::vector<Expectation>{{.kind = ExpectationKind::Between,
                                                         .columns = {"value"},
                                                         .severity = Severity::Quarantine,
                                                         .low = "0"}},
                               {})
                          .value();
  Separated separated = set_aside(made.rows, made.expectations);
  made.rows = separated.kept;
  made.quarantined = separated.quarantined;
  const auto published = store_->publish(made, {{"planes", 3, digest_of(std::string_view("x"))}});
  ASSERT_TRUE(published.has_value()) << published.error().message();
  const auto found = store_->find("flights");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->rows(), 1);
  EXPECT_EQ(found->provenance.parents.front().dataset, "planes");
  const auto aside = store_->load_quarantined(*found);
  // Loaded with the dataset's columns and the reason behind them.
  ASSERT_TRUE(aside.has_value()) << aside.error().message();
  EXPECT_EQ(aside->rows(), 1U);
  EXPECT_EQ((*aside->column(kReason))->text(0), "value >= 0");
}

TEST_F(Versions, users_sql_runs_over_all_of_them) {
  const std::vector<DatasetVersion> versions{publish(rows({1, 2, 3, 4, 5}, {1, 2, 3, 4, 5}))};
  auto engine = store_->open_sql(versions);
  ASSERT_TRUE(engine.has_value()) << engine.error().message();
  const auto sum = (*engine)->query("select sum(value) as s from flights");
  ASSERT_TRUE(sum.has_value()) << sum.error().message();
  EXPECT_EQ(sum->column(0).doubles()[0], 15);
  EXPECT_EQ((*engine)->query("select * from read_csv('/etc/hostname')").error().code(),
            ErrorCode::PermissionDenied);
}

TEST_F(Versions, a_diff_counts_rows_by_key_and_parts) {
  const DatasetVersion first = publish(rows({1, 2, 3, 4, 5}, {1, 2, 3, 4, 5}));
  const DatasetVersion second = publish(
      rows({1, 2, 3, 4, 6}, {1, 2, 3, 4, 9}).with("late", Column::of_bools({1, 0, 0, 1, 1})));
  const std::vector<std::string> key{"id"};
  const auto diff = store_->diff(first, second, key);
  ASSERT_TRUE(diff.has_value()) << diff.error().message();
  EXPECT_EQ(diff->table.rows_added, 1);
  EXPECT_EQ(diff->table.rows_removed, 1);
  EXPECT_EQ(diff->table.rows_changed, 0);
  EXPECT_EQ(diff->table.columns_added.front().name, "late");
  EXPECT_EQ(diff->parts_shared, 0);
  const auto changed = store_->diff(first, publish(rows({5, 1, 2, 3, 4}, {5, 1, 2, 3, 7})), key);
  EXPECT_EQ(changed->table.rows_changed, 1);
  EXPECT_EQ(changed->table.rows_added, 0);
  const Json json = to_json(*changed);
  EXPECT_EQ(json["rows"]["changed"], 1);
  EXPECT_EQ(json["columns"][1]["max"], Json::array({5.0, 7.0}));
}

TEST_F(Versions, a_damaged_part_is_named_as_corrupt) {
  const DatasetVersion version = publish(rows({1, 2}, {1, 2}));
  const auto path = store_->local_parts(version);
  ASSERT_TRUE(path.has_value());
  auto bytes = files_.read_file(path->front());
  ASSERT_TRUE(bytes.has_value());
  bytes->back() = 'x';
  ASSERT_TRUE(files_.remove(path->front()).has_value());
  ASSERT_TRUE(files_.write_file_durably(path->front(), *bytes).has_value());
  // A process that has not yet verified the blob.
  auto blobs = artifacts::DirectoryBlobStore::open(files_, directory_.path() + "/blobs");
  const VersionStore other(*database_, **blobs, files_, clock_, directory_.path() + "/scratch2");
  const auto loaded = other.load(version);
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().code(), ErrorCode::Corrupt);
  EXPECT_NE(loaded.error().message().find("flights@v1"), std::string::npos);
}

TEST_F(Versions, parts_of_a_store_elsewhere_are_copied_here) {
  artifacts::MemoryBlobStore elsewhere(files_);
  VersionStore store(*database_, elsewhere, files_, clock_, directory_.path() + "/copies", 4);
  const Batch batch = rows({1, 2, 3, 4, 5}, {1, 2, 3, 4, 5});
  const auto published = store.publish(built(batch));
  ASSERT_TRUE(published.has_value()) << published.error().message();
  EXPECT_TRUE(store.load(published->version)->equals(batch));
}

TEST_F(Versions, every_needed_blob_is_listed) {
  const DatasetVersion first = publish(rows({1, 2, 3, 4, 5}, {1, 2, 3, 4, 5}));
  artifacts::BlobReferences needed;
  ASSERT_TRUE(
      database_
          ->read([&](const metadata::ReadTransaction& tx) { return add_references(tx, needed); })
          .has_value());
  EXPECT_TRUE(needed.unreadable.empty());
  ASSERT_EQ(needed.blobs.size(), 3U);
  EXPECT_EQ(needed.blobs[0].digest, first.digest);
  EXPECT_EQ(needed.blobs[2].digest, first.parts[1].digest);
  EXPECT_EQ(needed.blobs[2].holder.name, "flights@v1");
  EXPECT_EQ(needed.blobs[2].holder.part, "part 2 of 2");
  EXPECT_EQ(store_->referenced_blobs()->size(), 3U);
  EXPECT_EQ(blobs_->list()->size(), 3U) << "nothing else was stored";
  EXPECT_TRUE(files_.list(directory_.path() + "/scratch")->empty()) << "no temporary file stays";
}

TEST_F(Versions, a_changed_record_is_refused) {
  const Json json = to_json(publish(rows({1}, {1})));
  EXPECT_TRUE(version_from_json(json).has_value());
  Json changed = json;
  changed["schema"][0]["name"] = "other";
  EXPECT_EQ(version_from_json(changed).error().code(), ErrorCode::Corrupt);
}

}  // namespace
}  // namespace martlet::data

#include "metadata/database.h"
#include "platform/real_file_system.h"
#include "tracking/openlineage.h"
#include "tracking/openlineage_config.h"
#include "tracking/openlineage_outbox.h"

#include <gtest/gtest.h>

#include <optional>

namespace martlet::tracking {
namespace {

using openlineage::EventType;
using openlineage::RunEvent;

RunEvent started() {
  RunEvent event;
  event.at = Timestamp{1'700'000'000'000'000};
  event.run = openlineage::run_uuid("0190d9a2b3c47def8123456789abcdef");
  event.job = {"shop", "orders.lifecycle"};
  event.job_type = "PIPELINE";
  event.program_version = "0.1.0";
  return event;
}

TEST(OpenLineage, a_start_names_run_job_time_producer_and_schema) {
  const Json json = to_json(started());
  EXPECT_EQ(json["eventType"], "START");
  EXPECT_EQ(json["eventTime"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(json["run"]["runId"], "0190d9a2-b3c4-7def-8123-456789abcdef");
  EXPECT_EQ(json["job"]["namespace"], "shop");
  EXPECT_EQ(json["job"]["facets"]["jobType"]["processingType"], "BATCH");
  EXPECT_EQ(json["schemaURL"],
            "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent");
  EXPECT_FALSE(json["producer"].get<std::string>().empty());
  EXPECT_TRUE(json["inputs"].empty());
  EXPECT_FALSE(json["run"]["facets"].contains("parent"));
  EXPECT_FALSE(json["run"]["facets"].contains("errorMessage"));
}

TEST(OpenLineage, a_time_beyond_the_years_of_a_date_time_becomes_the_nearest_one) {
  RunEvent event = started();
  event.at = Timestamp{253'402'300'799'999'999};
  EXPECT_EQ(to_json(event)["eventTime"], "9999-12-31T23:59:59.999999Z");
  event.at = Timestamp{253'402'300'800'000'000};
  EXPECT_EQ(to_json(event)["eventTime"], "9999-12-31T23:59:59.999999Z");
  event.at = Timestamp{-62'135'596'800'000'001};
  EXPECT_EQ(to_json(event)["eventTime"], "0001-01-01T00:00:00Z");
}

TEST(OpenLineage, a_failed_step_tells_its_parent_and_its_error) {
  RunEvent event = started();
  event.type = EventType::Fail;
  event.parent = openlineage::Parent{event.run, event.job};
  event.error = "no such file";
  const Json facets = to_json(event)["run"]["facets"];
  EXPECT_EQ(facets["parent"]["run"]["runId"], event.run);
  EXPECT_EQ(facets["parent"]["job"]["name"], "orders.lifecycle");
  EXPECT_EQ(facets["errorMessage"]["message"], "no such file");
  for (const auto& [name, facet] : facets.items()) {
    EXPECT_TRUE(facet.contains("_producer")) << name;
    EXPECT_TRUE(facet.contains("_schemaURL")) << name;
  }
}

TEST(OpenLineage, datasets_tell_schema_version_and_what_is_known_of_their_columns) {
  RunEvent event = started();
  openlineage::Dataset dataset{"shop", "orders", "sha256:1", {}, 10, 400};
  openlineage::ColumnMetrics metrics;
  metrics.nulls = 1;
  metrics.max = 2.5;
  metrics.quantiles["0.5"] = 1.5;
  dataset.columns = {{"x", "number", metrics}, {"colour", "text", {}}};
  event.inputs = {dataset};
  event.outputs = {dataset};
  const Json json = to_json(event);
  const Json& input = json["inputs"][0];
  EXPECT_EQ(input["facets"]["version"]["datasetVersion"], "sha256:1");
  EXPECT_EQ(input["facets"]["schema"]["fields"].size(), 2u);
  const Json& quality = input["inputFacets"]["dataQualityMetrics"];
  EXPECT_EQ(quality["rowCount"], 10);
  EXPECT_EQ(quality["columnMetrics"]["x"]["nullCount"], 1);
  EXPECT_EQ(quality["columnMetrics"]["x"]["quantiles"]["0.5"], 1.5);
  EXPECT_FALSE(quality["columnMetrics"]["x"].contains("min"));
  EXPECT_FALSE(quality["columnMetrics"].contains("colour"));
  EXPECT_EQ(json["outputs"][0]["outputFacets"]["outputStatistics"]["size"], 400);
}

TEST(OpenLineage, ids_that_are_no_uuid_become_the_same_one_every_time) {
  const std::string uuid = openlineage::run_uuid("my-run");
  EXPECT_EQ(uuid.size(), 36u);
  EXPECT_EQ(uuid[14], '8');
  EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos);
  EXPECT_EQ(openlineage::run_uuid("my-run"), uuid);
  EXPECT_NE(openlineage::run_uuid("my-run2"), uuid);
  EXPECT_NE(openlineage::step_uuid("a", "b"), openlineage::step_uuid("a", "c"));
}

OpenLineageConfig parsed(const std::string& text, std::vector<Finding>& findings) {
  auto yaml = Yaml::parse(text, "martlet.yaml");
  EXPECT_TRUE(yaml.has_value());
  return read_openlineage(*yaml, findings);
}

TEST(OpenLineageConfig, events_go_to_a_file_or_to_a_url) {
  std::vector<Finding> findings;
  EXPECT_EQ(parsed("file: events.ndjson", findings).file, "events.ndjson");
  const OpenLineageConfig config = parsed(
      "{url: \"${env:LINEAGE_URL}\", token: \"${env:LINEAGE_TOKEN}\", namespace: shop}", findings);
  EXPECT_TRUE(findings.empty());
  EXPECT_EQ(config.name_space, "shop");
  EXPECT_EQ(config.variables(), (std::vector<std::string>{"LINEAGE_URL", "LINEAGE_TOKEN"}));
}

TEST(OpenLineageConfig, what_nothing_acts_on_is_refused) {
  for (const char* wrong : {"{}", "{file: a, url: \"http://b\"}", "{url: \"ftp://b\"}",
                            "{file: a, fil: b}", "{url: \"http://b\", token: secret}",
                            "{file: a, token: \"${env:T}\"}", "{file: a, namespace: \"\"}"}) {
    std::vector<Finding> findings;
    parsed(wrong, findings);
    EXPECT_FALSE(findings.empty()) << wrong;
  }
}

class OutboxTest : public ::testing::Test {
 protected:
  OutboxTest() : directory_(platform::TemporaryDirectory::create().value()) {
    database_ = metadata::Database::open(directory_.path() + "/metadata.db",
                                         {.schema = {openlineage_schema()}})
                    .value();
  }
  bool owe(const std::string& id) {
    return database_
        ->write([&](metadata::Transaction& tx) {
          return owe_event(tx, id, Json{{"id", id}}, Timestamp{5});
        })
        .value();
  }
  std::optional<LineageEventRecord> next() { return database_->read(&next_event).value(); }
  void settle(LineageEventRecord event, EventState state) {
    event.state = state;
    EXPECT_TRUE(database_->write([&](metadata::Transaction& tx) { return settle_event(tx, event); })
                    .has_value());
  }

  platform::TemporaryDirectory directory_;
  std::unique_ptr<metadata::Database> database_;
};

TEST_F(OutboxTest, events_are_sent_in_their_order_and_owed_once) {
  EXPECT_TRUE(owe("r/START"));
  EXPECT_TRUE(owe("r/COMPLETE"));
  EXPECT_FALSE(owe("r/START"));
  ASSERT_TRUE(next().has_value());
  EXPECT_EQ(next()->id, "r/START");
  settle(*next(), EventState::Sent);
  EXPECT_EQ(next()->id, "r/COMPLETE");
  EXPECT_FALSE(owe("r/START"));  // what was sent is remembered
  settle(*next(), EventState::GivenUp);
  EXPECT_FALSE(next().has_value());
  EXPECT_TRUE(database_->read(&check_openlineage)->empty());
}

TEST_F(OutboxTest, an_event_that_failed_keeps_its_place) {
  owe("r/START");
  owe("r/COMPLETE");
  LineageEventRecord first = *next();
  first.attempts = 1;
  first.answer = "503";
  settle(first, EventState::Waiting);
  EXPECT_EQ(next()->id, "r/START");
  EXPECT_EQ(next()->body["id"], "r/START");
  EXPECT_EQ(next()->attempts, 1);
}

TEST_F(OutboxTest, an_event_that_waits_without_a_document_is_told) {
  owe("r/START");
  EXPECT_TRUE(database_
                  ->write([&](metadata::Transaction& tx) {
                    LineageEventRecord event = *next_event(tx).value();
                    event.body = nullptr;
                    return tx.update(event);
                  })
                  .has_value());
  EXPECT_EQ(database_->read(&check_openlineage)->size(), 1u);
}

}  // namespace
}  // namespace martlet::tracking

#include "tracking/schema.h"

#include "metadata/database.h"
#include "tracking/internal/metric_points.h"
#include "tracking/internal/records.h"
#include "tracking/lineage.h"

namespace martlet::tracking {

namespace {

using metadata::SchemaEditor;
using metadata::Uniqueness;

Result<void> experiments_and_runs(SchemaEditor& schema) {
  MARTLET_TRY(schema.create_table<ExperimentRecord>());
  MARTLET_TRY(schema.create_index<ExperimentRecord>({"name"}, Uniqueness::Unique));
  MARTLET_TRY(schema.create_index<ExperimentRecord>({"number"}, Uniqueness::Unique));
  MARTLET_TRY(schema.create_table<RunRecord>({.references = {{"experiment", "experiments"}}}));
  MARTLET_TRY(schema.create_index<RunRecord>({"experiment", "started"}));
  const metadata::TableOptions of_run{.references = {{"run", "runs"}}};
  MARTLET_TRY(schema.create_table<ParamRecord>(of_run));
  MARTLET_TRY(schema.create_table<TagRecord>(of_run));
  MARTLET_TRY(schema.create_index<TagRecord>({"key", "value"}));
  MARTLET_TRY(schema.create_table<MetricRecord>(of_run));
  MARTLET_TRY(schema.create_index<MetricRecord>({"key", "value"}));
  MARTLET_TRY(schema.create_table<MetricPointRecord>(of_run));
  MARTLET_TRY(schema.create_table<InputRecord>(of_run));
  MARTLET_TRY(schema.create_index<InputRecord>({"digest"}));
  MARTLET_TRY(schema.create_table<ArtifactRecord>(of_run));
  return schema.create_index<ArtifactRecord>({"digest"});
}

// MLflow's clients use experiment 0 when none is named.
Result<void> default_experiment(SchemaEditor& schema) {
  return schema.with_records([](metadata::Transaction& tx) {
    ExperimentRecord record;
    record.id = ExperimentId("0");
    record.name = "Default";
    return tx.insert(record);
  });
}

// Points are kept in chunks; the latest of each metric knows its run's experiment and start.
Result<void> metric_chunks(SchemaEditor& schema) {
  MARTLET_TRY(schema.create_table<MetricChunkRecord>({.references = {{"run", "runs"}}}));
  MARTLET_TRY(schema.add_column<MetricRecord>("experiment", metadata::Value(std::string())));
  MARTLET_TRY(schema.add_column<MetricRecord>("started", metadata::Value(std::int64_t{0})));
  MARTLET_TRY(schema.add_column<MetricRecord>("last_chunk", metadata::Value(std::int64_t{0})));
  MARTLET_TRY(schema.create_index<MetricRecord>({"experiment", "key", "value"}));
  MARTLET_TRY(schema.create_index<ParamRecord>({"key", "value"}));
  MARTLET_TRY(schema.create_index<RunRecord>({"started"}));
  MARTLET_TRY(schema.with_records([](metadata::Transaction& tx) -> Result<void> {
    MARTLET_TRY_SET(const std::vector<RunRecord> runs, tx.select<RunRecord>());
    for (const RunRecord& run : runs) {
      const auto of_run = metadata::equal("run", run.id);
      MARTLET_TRY(tx.set_where<MetricRecord>(of_run, "experiment", run.experiment));
      MARTLET_TRY(tx.set_where<MetricRecord>(of_run, "started", run.started));
      MARTLET_TRY_SET(const auto points, tx.select<MetricPointRecord>(of_run));
      std::vector<Metric> metrics;
      for (const MetricPointRecord& point : points)
        metrics.push_back({point.key, point.value, point.step, point.at});
      MARTLET_TRY(write_points(tx, run, metrics));
    }
    return {};
  }));
  return schema.drop_table("run_metric_points");
}

Result<void> lineage(SchemaEditor& schema) {
  MARTLET_TRY(schema.create_table<LineageEdge>());
  return schema.create_index<LineageEdge>({"to_kind", "to_id"});
}

}  // namespace

metadata::SchemaGroup tracking_schema() {
  return {"tracking",
          {{1, "experiments and runs", experiments_and_runs},
           {2, "lineage", lineage},
           {3, "the default experiment", default_experiment},
           {4, "points of metrics in chunks", metric_chunks}}};
}

}  // namespace martlet::tracking

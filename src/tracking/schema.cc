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

// Before any record is read or written below: records are described as they are today.
Result<void> deletion_times(SchemaEditor& schema) {
  MARTLET_TRY(schema.add_column<ExperimentRecord>("deleted", metadata::Value()));
  return schema.add_column<RunRecord>("deleted", metadata::Value());
}

// MLflow's clients use experiment 0 when none is named.
Result<void> default_experiment(SchemaEditor& schema) {
  MARTLET_TRY(deletion_times(schema));
  return schema.with_records([](metadata::Transaction& tx) {
    ExperimentRecord record;
    record.id = ExperimentId("0");
    record.name = "Default";
    return tx.insert(record);
  });
}

// Points are kept in chunks; the latest of each metric knows its run's experiment and start.
Result<void> metric_chunks(SchemaEditor& schema) {
  MARTLET_TRY(deletion_times(schema));
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

// A run's name is its tag kNameTag as well, so that both are found.
Result<void> name_tags(SchemaEditor& schema) {
  return schema.with_records([](metadata::Transaction& tx) -> Result<void> {
    MARTLET_TRY_SET(const std::vector<RunRecord> runs, tx.select<RunRecord>());
    for (const RunRecord& run : runs)
      MARTLET_TRY(tx.put(TagRecord{run.id, std::string(kNameTag), run.name}));
    return {};
  });
}

Result<void> logged_models(SchemaEditor& schema) {
  MARTLET_TRY(schema.create_table<RunModelRecord>({.references = {{"run", "runs"}}}));
  MARTLET_TRY(schema.create_index<RunModelRecord>({"model"}));
  MARTLET_TRY(
      schema.create_table<LoggedModelRecord>({.references = {{"experiment", "experiments"}}}));
  MARTLET_TRY(schema.create_index<LoggedModelRecord>({"experiment", "created"}));
  const metadata::TableOptions of_model{.references = {{"model", "logged_models"}}};
  MARTLET_TRY(schema.create_table<LoggedModelTextRecord>(of_model));
  MARTLET_TRY(schema.create_index<LoggedModelTextRecord>({"kind", "key", "value"}));
  MARTLET_TRY(schema.create_table<LoggedModelMetricRecord>(of_model));
  MARTLET_TRY(schema.create_index<LoggedModelMetricRecord>({"key", "value"}));
  return schema.create_table<LoggedModelFileRecord>(of_model);
}

Result<void> traces(SchemaEditor& schema) {
  MARTLET_TRY(schema.create_table<TraceRecord>({.references = {{"experiment", "experiments"}}}));
  MARTLET_TRY(schema.create_index<TraceRecord>({"experiment", "requested"}));
  const metadata::TableOptions of_trace{.references = {{"trace", "traces"}}};
  MARTLET_TRY(schema.create_table<TraceTextRecord>(of_trace));
  MARTLET_TRY(schema.create_index<TraceTextRecord>({"kind", "key", "value"}));
  return schema.create_table<TraceFileRecord>(of_trace);
}

Result<void> uploads(SchemaEditor& schema) {
  MARTLET_TRY(schema.create_table<UploadRecord>());
  return schema.create_table<UploadPartRecord>({.references = {{"upload", "uploads"}}});
}

// A search walks along the values of a metric, newest first among equal ones, without a look at the
// records themselves.
Result<void> metrics_in_order(SchemaEditor& schema) {
  MARTLET_TRY(schema.create_index<MetricRecord>({"experiment", "key", "value", "started", "run"}));
  return schema.drop_index<MetricRecord>({"experiment", "key", "value"});
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
           {4, "points of metrics in chunks", metric_chunks},
           {5, "names of runs as tags", name_tags},
           {6, "logged models", logged_models},
           {7, "traces", traces},
           {8, "uploads in parts", uploads},
           {9, "metrics in the order of a search", metrics_in_order}}};
}

}  // namespace martlet::tracking

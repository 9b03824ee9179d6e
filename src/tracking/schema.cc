#include "tracking/schema.h"

#include "metadata/database.h"
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

Result<void> lineage(SchemaEditor& schema) {
  MARTLET_TRY(schema.create_table<LineageEdge>());
  return schema.create_index<LineageEdge>({"to_kind", "to_id"});
}

}  // namespace

metadata::SchemaGroup tracking_schema() {
  return {"tracking",
          {{1, "experiments and runs", experiments_and_runs},
           {2, "lineage", lineage},
           {3, "the default experiment", default_experiment}}};
}

}  // namespace martlet::tracking

// lifecycle/internal/mlflow_tables.h: the tables of MLflow's own database that an import reads, as
// MLflow 2.4 and later lay them out. Facts of its schema; times are milliseconds.
#pragma once
#include "metadata/record.h"

#include <cstdint>
#include <optional>
#include <string>

namespace martlet::lifecycle::mlflow {

using Text = std::optional<std::string>;
using Number = std::optional<std::int64_t>;

struct ExperimentRow {
  std::int64_t id = 0;
  Text name, lifecycle;
  Number created, updated;
  static constexpr metadata::RecordInfo kRecord{"experiments", "experiment_id"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("experiment_id", self.id);
    field("name", self.name);
    field("lifecycle_stage", self.lifecycle);
    field("creation_time", self.created);
    field("last_update_time", self.updated);
  }
};

struct ExperimentTagRow {
  std::int64_t experiment = 0;
  std::string key;
  Text value;
  static constexpr metadata::RecordInfo kRecord{"experiment_tags", "key, experiment_id"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("experiment_id", self.experiment);
    field("key", self.key);
    field("value", self.value);
  }
};

struct RunRow {
  std::string id;
  Text name, user, status, lifecycle, artifact_uri;
  Number started, ended, deleted, experiment;
  static constexpr metadata::RecordInfo kRecord{"runs", "run_uuid"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("run_uuid", self.id);
    field("name", self.name);
    field("user_id", self.user);
    field("status", self.status);
    field("lifecycle_stage", self.lifecycle);
    field("artifact_uri", self.artifact_uri);
    field("start_time", self.started);
    field("end_time", self.ended);
    field("deleted_time", self.deleted);
    field("experiment_id", self.experiment);
  }
};

// Of params and tags.
struct ParamRow {
  std::string run, key;
  Text value;
  static constexpr metadata::RecordInfo kRecord{"params", "key, run_uuid"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("run_uuid", self.run);
    field("key", self.key);
    field("value", self.value);
  }
};
struct TagRow {
  std::string run, key;
  Text value;
  static constexpr metadata::RecordInfo kRecord{"tags", "key, run_uuid"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("run_uuid", self.run);
    field("key", self.key);
    field("value", self.value);
  }
};

struct MetricRow {
  std::string run, key;
  double value = 0;  // 0 where is_nan says so
  std::int64_t at = 0, step = 0;
  Number is_nan;
  // MLflow's key has value and is_nan, too. Nothing here is found by it; rows are read one by one.
  static constexpr metadata::RecordInfo kRecord{"metrics", "key, timestamp, step, run_uuid"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("run_uuid", self.run);
    field("key", self.key);
    field("value", self.value);
    field("timestamp", self.at);
    field("step", self.step);
    field("is_nan", self.is_nan);
  }
};

struct DatasetRow {
  std::string id, name, digest;
  Text source_type, source, schema, profile;
  static constexpr metadata::RecordInfo kRecord{"datasets", "dataset_uuid"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("dataset_uuid", self.id);
    field("name", self.name);
    field("digest", self.digest);
    field("dataset_source_type", self.source_type);
    field("dataset_source", self.source);
    field("dataset_schema", self.schema);
    field("dataset_profile", self.profile);
  }
};

struct InputRow {
  std::string id, source_type, source_id, destination_type, destination_id;
  static constexpr metadata::RecordInfo kRecord{
      "inputs", "source_type, source_id, destination_type, destination_id"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("input_uuid", self.id);
    field("source_type", self.source_type);
    field("source_id", self.source_id);
    field("destination_type", self.destination_type);
    field("destination_id", self.destination_id);
  }
};

struct InputTagRow {
  std::string input, name, value;
  static constexpr metadata::RecordInfo kRecord{"input_tags", "input_uuid, name"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("input_uuid", self.input);
    field("name", self.name);
    field("value", self.value);
  }
};

}  // namespace martlet::lifecycle::mlflow

// lifecycle/internal/mlflow_model_tables.h: the tables of MLflow's own database about models, as
// mlflow_tables.h. Those of logged models are there since MLflow 3.0.
#pragma once
#include "lifecycle/internal/mlflow_tables.h"

namespace martlet::lifecycle::mlflow {

struct LoggedModelRow {
  std::string id, name, artifact_location;
  std::int64_t experiment = 0, created = 0, updated = 0, status = 0;
  Text lifecycle, type, source_run, status_message;
  static constexpr metadata::RecordInfo kRecord{"logged_models", "model_id"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("model_id", self.id);
    field("experiment_id", self.experiment);
    field("name", self.name);
    field("artifact_location", self.artifact_location);
    field("creation_timestamp_ms", self.created);
    field("last_updated_timestamp_ms", self.updated);
    field("status", self.status);
    field("lifecycle_stage", self.lifecycle);
    field("model_type", self.type);
    field("source_run_id", self.source_run);
    field("status_message", self.status_message);
  }
};

struct LoggedModelParamRow {
  std::string model, key, value;
  static constexpr metadata::RecordInfo kRecord{"logged_model_params", "model_id, param_key"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("model_id", self.model);
    field("param_key", self.key);
    field("param_value", self.value);
  }
};

struct LoggedModelTagRow {
  std::string model, key, value;
  static constexpr metadata::RecordInfo kRecord{"logged_model_tags", "model_id, tag_key"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("model_id", self.model);
    field("tag_key", self.key);
    field("tag_value", self.value);
  }
};

struct LoggedModelMetricRow {
  std::string model, key, run;
  std::int64_t at = 0, step = 0;
  double value = 0;
  Text dataset_name, dataset_digest;
  static constexpr metadata::RecordInfo kRecord{
      "logged_model_metrics", "model_id, metric_name, metric_timestamp_ms, metric_step, run_id"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("model_id", self.model);
    field("metric_name", self.key);
    field("metric_timestamp_ms", self.at);
    field("metric_step", self.step);
    field("metric_value", self.value);
    field("run_id", self.run);
    field("dataset_name", self.dataset_name);
    field("dataset_digest", self.dataset_digest);
  }
};

// Of a run that read or made a logged model.
struct ModelLinkRow {
  std::string source_type, source, destination_type, destination;
  std::int64_t step = 0;
  static constexpr metadata::RecordInfo kRecord{
      "inputs", "source_type, source_id, destination_type, destination_id"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("source_type", self.source_type);
    field("source_id", self.source);
    field("destination_type", self.destination_type);
    field("destination_id", self.destination);
    field("step", self.step);
  }
};

struct RegisteredModelRow {
  std::string name;
  Number created, updated;
  Text description;
  static constexpr metadata::RecordInfo kRecord{"registered_models", "name"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("name", self.name);
    field("creation_time", self.created);
    field("last_updated_time", self.updated);
    field("description", self.description);
  }
};

struct RegisteredModelTagRow {
  std::string name, key;
  Text value;
  static constexpr metadata::RecordInfo kRecord{"registered_model_tags", "name, key"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("name", self.name);
    field("key", self.key);
    field("value", self.value);
  }
};

struct AliasRow {
  std::string name, alias;
  std::int64_t version = 0;
  static constexpr metadata::RecordInfo kRecord{"registered_model_aliases", "name, alias"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("name", self.name);
    field("alias", self.alias);
    field("version", self.version);
  }
};

struct ModelVersionRow {
  std::string name;
  std::int64_t version = 0;
  Number created, updated;
  Text description, user, stage, source, storage, run, run_link, status, status_message;
  static constexpr metadata::RecordInfo kRecord{"model_versions", "name, version"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("name", self.name);
    field("version", self.version);
    field("creation_time", self.created);
    field("last_updated_time", self.updated);
    field("description", self.description);
    field("user_id", self.user);
    field("current_stage", self.stage);
    field("source", self.source);
    field("storage_location", self.storage);
    field("run_id", self.run);
    field("run_link", self.run_link);
    field("status", self.status);
    field("status_message", self.status_message);
  }
};

struct ModelVersionTagRow {
  std::string name, key;
  std::int64_t version = 0;
  Text value;
  static constexpr metadata::RecordInfo kRecord{"model_version_tags", "name, version, key"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("name", self.name);
    field("version", self.version);
    field("key", self.key);
    field("value", self.value);
  }
};

}  // namespace martlet::lifecycle::mlflow

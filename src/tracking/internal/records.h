// tracking/internal/records.h: the tables of tracking.
#pragma once
#include "metadata/record.h"
#include "tracking/logged_model.h"
#include "tracking/run.h"

#include <cstdint>
#include <optional>
#include <string>

namespace martlet::tracking {

struct ExperimentRecord {
  ExperimentId id;
  std::int64_t number = 0;  // the id as a number
  std::string name;
  Lifecycle lifecycle = Lifecycle::Active;
  Timestamp created;
  Timestamp updated;
  Json tags = Json::object();
  std::optional<Timestamp> deleted;
  static constexpr metadata::RecordInfo kRecord{"experiments", "id"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("id", self.id);
    field("number", self.number);
    field("name", self.name);
    field("lifecycle", self.lifecycle);
    field("created", self.created);
    field("updated", self.updated);
    field("tags", self.tags);
    field("deleted", self.deleted);
  }
};

struct RunRecord {
  RunId id;
  ExperimentId experiment;
  std::string name;
  std::string user;
  RunStatus status = RunStatus::Running;
  Lifecycle lifecycle = Lifecycle::Active;
  Timestamp started;
  std::optional<Timestamp> ended;
  Json facts = Json::object();
  std::optional<Timestamp> deleted;  // with its experiment when both are deleted at one instant
  static constexpr metadata::RecordInfo kRecord{"runs", "id"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("id", self.id);
    field("experiment", self.experiment);
    field("name", self.name);
    field("user", self.user);
    field("status", self.status);
    field("lifecycle", self.lifecycle);
    field("started", self.started);
    field("ended", self.ended);
    field("facts", self.facts);
    field("deleted", self.deleted);
  }
};

struct ParamRecord {
  RunId run;
  std::string key;
  std::string value;
  static constexpr metadata::RecordInfo kRecord{"run_params", "run, key"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("run", self.run);
    field("key", self.key);
    field("value", self.value);
  }
};

struct TagRecord {
  RunId run;
  std::string key;
  std::string value;
  static constexpr metadata::RecordInfo kRecord{"run_tags", "run, key"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("run", self.run);
    field("key", self.key);
    field("value", self.value);
  }
};

// The latest point of each metric, with what a search orders and narrows by, so that it needs to
// look at no run that it doesn't return.
struct MetricRecord {
  RunId run;
  std::string key;
  double value = 0;
  std::int64_t step = 0;
  Timestamp at;
  ExperimentId experiment;  // of the run; neither of these ever changes
  Timestamp started;
  std::int64_t last_chunk = 0;  // the number of the newest chunk of points
  static constexpr metadata::RecordInfo kRecord{"run_metrics", "run, key"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("run", self.run);
    field("key", self.key);
    field("value", self.value);
    field("step", self.step);
    field("at", self.at);
    field("experiment", self.experiment);
    field("started", self.started);
    field("last_chunk", self.last_chunk);
  }
};

// The points of a metric as they came, many to a record: see metric_points.h.
struct MetricChunkRecord {
  RunId run;
  std::string key;
  std::int64_t number = 0;  // 1, 2, 3 … of the metric
  metadata::Blob points;
  static constexpr metadata::RecordInfo kRecord{"run_metric_chunks", "run, key, number"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("run", self.run);
    field("key", self.key);
    field("number", self.number);
    field("points", self.points);
  }
};

// Every point, as stores kept them before there were chunks; only migrations read it.
struct MetricPointRecord {
  RunId run;
  std::string key;
  Timestamp at;
  std::int64_t step = 0;
  std::int64_t ordinal = 0;  // the value as an integer of the same order
  double value = 0;
  static constexpr metadata::RecordInfo kRecord{"run_metric_points", "run, key, at, step, ordinal"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("run", self.run);
    field("key", self.key);
    field("at", self.at);
    field("step", self.step);
    field("ordinal", self.ordinal);
    field("value", self.value);
  }
};

struct InputRecord {
  RunId run;
  std::string name;
  std::string digest;
  std::string context;
  Json details = Json::object();
  static constexpr metadata::RecordInfo kRecord{"run_inputs", "run, name, digest, context"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("run", self.run);
    field("name", self.name);
    field("digest", self.digest);
    field("context", self.context);
    field("details", self.details);
  }
};

struct RunModelRecord {
  RunId run;
  std::string model;
  bool made = false;  // by the run; else it was read
  std::int64_t step = 0;
  static constexpr metadata::RecordInfo kRecord{"run_models", "run, model, made, step"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("run", self.run);
    field("model", self.model);
    field("made", self.made);
    field("step", self.step);
  }
};

struct ArtifactRecord {
  RunId run;
  std::string path;
  Digest digest;
  std::int64_t size_bytes = 0;
  Timestamp logged;
  static constexpr metadata::RecordInfo kRecord{"run_artifacts", "run, path"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("run", self.run);
    field("path", self.path);
    field("digest", self.digest);
    field("size_bytes", self.size_bytes);
    field("logged", self.logged);
  }
};

struct LoggedModelRecord {
  std::string id;
  ExperimentId experiment;
  std::string name;
  std::string type;
  RunId source_run;  // empty: none
  std::string creator;
  LoggedModelStatus status = LoggedModelStatus::Pending;
  std::string status_message;
  Lifecycle lifecycle = Lifecycle::Active;
  Timestamp created;
  Timestamp updated;
  static constexpr metadata::RecordInfo kRecord{"logged_models", "id"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("id", self.id);
    field("experiment", self.experiment);
    field("name", self.name);
    field("type", self.type);
    field("source_run", self.source_run);
    field("creator", self.creator);
    field("status", self.status);
    field("status_message", self.status_message);
    field("lifecycle", self.lifecycle);
    field("created", self.created);
    field("updated", self.updated);
  }
};

// A param or a tag of a logged model.
struct LoggedModelTextRecord {
  std::string model;
  std::string kind;  // "param", "tag"
  std::string key;
  std::string value;
  static constexpr metadata::RecordInfo kRecord{"logged_model_texts", "model, kind, key"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("model", self.model);
    field("kind", self.kind);
    field("key", self.key);
    field("value", self.value);
  }
};

struct LoggedModelMetricRecord {
  std::string model;
  std::string key;
  std::string dataset_name;
  std::string dataset_digest;
  double value = 0;
  std::int64_t step = 0;
  Timestamp at;
  RunId run;
  static constexpr metadata::RecordInfo kRecord{"logged_model_metrics",
                                                "model, key, dataset_name, dataset_digest"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("model", self.model);
    field("key", self.key);
    field("dataset_name", self.dataset_name);
    field("dataset_digest", self.dataset_digest);
    field("value", self.value);
    field("step", self.step);
    field("at", self.at);
    field("run", self.run);
  }
};

struct LoggedModelFileRecord {
  std::string model;
  std::string path;
  Digest digest;
  std::int64_t size_bytes = 0;
  Timestamp logged;
  static constexpr metadata::RecordInfo kRecord{"logged_model_files", "model, path"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("model", self.model);
    field("path", self.path);
    field("digest", self.digest);
    field("size_bytes", self.size_bytes);
    field("logged", self.logged);
  }
};

struct TraceRecord {
  std::string id;
  ExperimentId experiment;
  Timestamp requested;
  std::optional<std::int64_t> duration_micros;
  std::string state;
  Json details = Json::object();
  static constexpr metadata::RecordInfo kRecord{"traces", "id"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("id", self.id);
    field("experiment", self.experiment);
    field("requested", self.requested);
    field("duration_micros", self.duration_micros);
    field("state", self.state);
    field("details", self.details);
  }
};

struct TraceTextRecord {
  std::string trace;
  std::string kind;  // "tag", "metadata"
  std::string key;
  std::string value;
  static constexpr metadata::RecordInfo kRecord{"trace_texts", "trace, kind, key"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("trace", self.trace);
    field("kind", self.kind);
    field("key", self.key);
    field("value", self.value);
  }
};

struct TraceFileRecord {
  std::string trace;
  std::string path;
  Digest digest;
  std::int64_t size_bytes = 0;
  Timestamp logged;
  static constexpr metadata::RecordInfo kRecord{"trace_files", "trace, path"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("trace", self.trace);
    field("path", self.path);
    field("digest", self.digest);
    field("size_bytes", self.size_bytes);
    field("logged", self.logged);
  }
};

struct UploadRecord {
  std::string id;
  std::string run;  // one of these three is the owner
  std::string model;
  std::string trace;
  std::string path;
  std::int64_t parts = 1;
  Timestamp started;
  static constexpr metadata::RecordInfo kRecord{"uploads", "id"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("id", self.id);
    field("run", self.run);
    field("model", self.model);
    field("trace", self.trace);
    field("path", self.path);
    field("parts", self.parts);
    field("started", self.started);
  }
};

struct UploadPartRecord {
  std::string upload;
  std::int64_t number = 0;
  Digest digest;
  std::int64_t size_bytes = 0;
  static constexpr metadata::RecordInfo kRecord{"upload_parts", "upload, number"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("upload", self.upload);
    field("number", self.number);
    field("digest", self.digest);
    field("size_bytes", self.size_bytes);
  }
};

}  // namespace martlet::tracking

// tracking/internal/records.h: the tables of tracking.
#pragma once
#include "metadata/record.h"
#include "tracking/run.h"

#include <bit>
#include <cstdint>
#include <limits>
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

// The latest point of each metric.
struct MetricRecord {
  RunId run;
  std::string key;
  double value = 0;
  std::int64_t step = 0;
  Timestamp at;
  static constexpr metadata::RecordInfo kRecord{"run_metrics", "run, key"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("run", self.run);
    field("key", self.key);
    field("value", self.value);
    field("step", self.step);
    field("at", self.at);
  }
};

// Every point. A point's identity is all of it, so the same point again is one record.
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

// Doubles as integers that sort alike: -0 is 0, every NaN is the greatest.
inline std::int64_t ordinal_of(double value) {
  if (value != value) return std::numeric_limits<std::int64_t>::max();
  const auto bits = std::bit_cast<std::int64_t>(value == 0 ? 0.0 : value);
  return bits >= 0 ? bits : std::numeric_limits<std::int64_t>::min() - bits;
}

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

}  // namespace martlet::tracking

// tracking/internal/run_rows.h: what a search looks at of the many records that it doesn't return:
// the tables of records.h with fewer fields.
#pragma once
#include "metadata/record.h"
#include "tracking/run.h"

#include <optional>
#include <string>

namespace martlet::tracking {

// Of a RunRecord: all that can be ordered by.
struct RunRow {
  RunId id;
  ExperimentId experiment;
  std::string name;
  std::string user;
  RunStatus status = RunStatus::Running;
  Lifecycle lifecycle = Lifecycle::Active;
  Timestamp started;
  std::optional<Timestamp> ended;
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
  }
};

// Of a MetricRecord.
struct MetricRow {
  RunId run;
  std::string key;
  double value = 0;
  ExperimentId experiment;
  Timestamp started;
  static constexpr metadata::RecordInfo kRecord{"run_metrics", "run, key"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("run", self.run);
    field("key", self.key);
    field("value", self.value);
    field("experiment", self.experiment);
    field("started", self.started);
  }
};

// Of an InputRecord.
struct InputRow {
  RunId run;
  std::string name;
  std::string digest;
  std::string context;
  static constexpr metadata::RecordInfo kRecord{"run_inputs", "run, name, digest, context"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("run", self.run);
    field("name", self.name);
    field("digest", self.digest);
    field("context", self.context);
  }
};

}  // namespace martlet::tracking

// workflow/records.h: what the store knows of pipeline runs and their steps.
#pragma once
#include "base/ids.h"
#include "base/json.h"
#include "base/time.h"
#include "metadata/record.h"
#include "metadata/schema.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace martlet::workflow {

enum class RunStatus : std::uint8_t { Running, Succeeded, Failed, Cancelled };
// Waiting → Running → Succeeded | Failed | Cancelled; Waiting → Cached | Skipped | Cancelled;
// Running → Waiting when it is to be tried again.
enum class StepStatus : std::uint8_t {
  Waiting,
  Running,
  Succeeded,
  Cached,
  Failed,
  Skipped,
  Cancelled
};

std::string_view name_of(RunStatus status);   // "running", …
std::string_view name_of(StepStatus status);  // "waiting", …
// The one place that knows which changes are allowed.
bool may_become(StepStatus from, StepStatus to);
inline bool is_finished(StepStatus status) {
  return status != StepStatus::Waiting && status != StepStatus::Running;
}
inline bool gave_outputs(StepStatus status) {
  return status == StepStatus::Succeeded || status == StepStatus::Cached;
}

struct PipelineRunRecord {
  RunId id;
  std::string pipeline;
  Json definition;          // the pipeline as it was when the run began
  Json parameters;          // what the caller said of the run, for people: environment, as_of …
  std::int64_t status = 0;  // RunStatus
  std::string owner;        // "host:pid:start" of the process that drives it; "" when none does
  std::int64_t fence = 0;   // grows whenever another process takes over
  Timestamp created;
  std::optional<Timestamp> ended;
  std::string error;
  static constexpr metadata::RecordInfo kRecord{"pipeline_runs", "id"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("id", self.id);
    field("pipeline", self.pipeline);
    field("definition", self.definition);
    field("parameters", self.parameters);
    field("status", self.status);
    field("owner", self.owner);
    field("fence", self.fence);
    field("created", self.created);
    field("ended", self.ended);
    field("error", self.error);
  }
  RunStatus run_status() const { return static_cast<RunStatus>(status); }
};

struct StepRecord {
  RunId run;
  std::string name;
  std::int64_t position = 0;  // in the pipeline
  std::string component;
  std::int64_t status = 0;  // StepStatus
  std::int64_t attempt = 0;
  std::string
      key;  // digest of everything that the outputs depend on; "" before its inputs are known
  std::string explanation;  // why it was a hit or a miss, for `martlet explain`
  std::optional<Timestamp> started;
  std::optional<Timestamp> ended;
  double seconds = 0;  // of the last attempt, by the monotonic clock
  Json outputs;        // an object once it has succeeded
  std::string error;
  static constexpr metadata::RecordInfo kRecord{"pipeline_steps", "run, name"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("run", self.run);
    field("name", self.name);
    field("position", self.position);
    field("component", self.component);
    field("status", self.status);
    field("attempt", self.attempt);
    field("key", self.key);
    field("explanation", self.explanation);
    field("started", self.started);
    field("ended", self.ended);
    field("seconds", self.seconds);
    field("outputs", self.outputs);
    field("error", self.error);
  }
  StepStatus step_status() const { return static_cast<StepStatus>(status); }
};

// The outputs that a key gave before.
struct StepCacheRecord {
  std::string key;
  std::string component;
  Json ingredients;  // what the key is the digest of, so that a miss can be explained
  Json outputs;
  RunId run;  // that computed them
  std::string step;
  Timestamp created;
  static constexpr metadata::RecordInfo kRecord{"step_cache", "key"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("key", self.key);
    field("component", self.component);
    field("ingredients", self.ingredients);
    field("outputs", self.outputs);
    field("run", self.run);
    field("step", self.step);
    field("created", self.created);
  }
};

metadata::SchemaGroup workflow_schema();

}  // namespace martlet::workflow

#include "workflow/records.h"

namespace martlet::workflow {

std::string_view name_of(RunStatus status) {
  switch (status) {
    case RunStatus::Running: return "running";
    case RunStatus::Succeeded: return "succeeded";
    case RunStatus::Failed: return "failed";
    case RunStatus::Cancelled: return "cancelled";
  }
  return "failed";
}

std::string_view name_of(StepStatus status) {
  switch (status) {
    case StepStatus::Waiting: return "waiting";
    case StepStatus::Running: return "running";
    case StepStatus::Succeeded: return "succeeded";
    case StepStatus::Cached: return "cached";
    case StepStatus::Failed: return "failed";
    case StepStatus::Skipped: return "skipped";
    case StepStatus::Cancelled: return "cancelled";
  }
  return "failed";
}

bool may_become(StepStatus from, StepStatus to) {
  switch (from) {
    case StepStatus::Waiting:
      return to == StepStatus::Running || to == StepStatus::Cached || to == StepStatus::Skipped ||
             to == StepStatus::Cancelled;
    case StepStatus::Running:
      return to == StepStatus::Succeeded || to == StepStatus::Failed ||
             to == StepStatus::Cancelled || to == StepStatus::Waiting;
    case StepStatus::Failed:
    case StepStatus::Skipped:
    case StepStatus::Cancelled: return to == StepStatus::Waiting;  // when a failed run is resumed
    case StepStatus::Succeeded:
    case StepStatus::Cached: return false;
  }
  return false;
}

metadata::SchemaGroup workflow_schema() {
  return {
      "workflow",
      {{1, "pipeline runs, steps, step cache", [](metadata::SchemaEditor& schema) -> Result<void> {
          MARTLET_TRY(schema.create_table<PipelineRunRecord>());
          MARTLET_TRY(schema.create_index<PipelineRunRecord>({"status", "created"}));
          MARTLET_TRY(schema.create_table<StepRecord>({.references = {{"run", "pipeline_runs"}}}));
          MARTLET_TRY(schema.create_table<StepCacheRecord>());
          return schema.create_index<StepCacheRecord>({"component", "created"});
        }}}};
}

}  // namespace martlet::workflow

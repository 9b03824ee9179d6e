// lifecycle/run.h: the use case "run": the compiled lifecycle, driven to its end, recorded and
// reported.
#pragma once
#include "base/cancel.h"
#include "base/result.h"
#include "lifecycle/compile.h"
#include "lifecycle/project.h"
#include "lifecycle/store.h"
#include "workflow/runner.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace martlet::lifecycle {

struct RunRequest {
  CompileOptions compile;
  bool use_cache = true;
  std::vector<std::string> from;
  std::vector<std::string> only;  // these steps and what they need
  CancelToken cancel;
  std::function<void(const workflow::StepRecord&)> on_step;
  std::function<void(const std::string& step, std::string_view line)> on_line;
};

struct RunReport {
  workflow::RunOutcome outcome;
  // DESIGN §5's shape of `run --json`.
  Json json;
  bool succeeded = false;  // every step
  bool gates_passed = false;
  std::string verdict;  // "required", "not_required", "undecided"; "" when it wasn't reached
};

// Drives pipelines in this store. Store and components must outlive it.
workflow::Runner runner_of(const Store& store, const workflow::ComponentTable& components);

// Errors: those of compile_lifecycle and of Runner::run. A failed step is in the report.
Result<RunReport> run_lifecycle(const Store& store, const Project& project,
                                const RunRequest& request);
// The same for a pipeline that is compiled already; request.only is applied.
Result<RunReport> run_steps(const Store& store, const Project& project,
                            const workflow::Pipeline& pipeline, const RunRequest& request);
// Goes on with an interrupted or failed run, under the project file of its beginning.
Result<RunReport> resume_lifecycle(const Store& store, const RunId& run, const RunRequest& request);

// A run as it stands, in the same shape. NotFound.
Result<RunReport> look_at_run(const Store& store, const RunId& run);
Result<std::vector<workflow::PipelineRunRecord>> list_runs(const Store& store, std::int64_t limit);
Result<std::string> log_of_step(const Store& store, const RunId& run, const std::string& step);
// The whole id of a run that begins so; "" and "latest" mean the newest. NotFound; InvalidArgument
// when several do.
Result<RunId> find_run(const Store& store, const std::string& prefix);

}  // namespace martlet::lifecycle

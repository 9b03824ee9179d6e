// The part of the workload that runs pipelines: three steps that store blobs, each change of a step told to the ledger.
#include "metadata/database.h"
#include "storage/content.h"
#include "storage/workload.h"

#include <fmt/format.h>

namespace martlet::storage {

workflow::ComponentTable Worker::components() {
  workflow::Component make;
  make.name = "storm/make";
  make.version = "1";
  make.run = [this](const workflow::StepContext& context) -> Result<Json> {
    const auto number = context.parameters.at("operation").get<std::int64_t>();
    ledger_.note({{"kind", "ran"}, {"op_number", number}, {"step", context.step}, {"attempt", context.attempt}});
    context.log("storing");
    MARTLET_TRY_SET(const Digest blob, world_.blobs().put(bytes_of(number, context.step == "a" ? 5 : 6)));
    return Json{{"blob", blob.text()}, {"number", number}};
  };
  return {{make.name, make}};
}

workflow::Runner Worker::runner(const workflow::ComponentTable& table) {
  return workflow::Runner({world_.database(), world_.blobs(), world_.files(), world_.clock(), random_, Log::none(),
                           table, "storm", world_.store().logs_directory(), world_.process(),
                           [](const std::string&) { return false; }});
}

workflow::RunOptions Worker::run_options() {
  workflow::RunOptions options;
  options.workers = 1;
  options.on_step = [this](const workflow::StepRecord& step) {
    ledger_.note({{"kind", "step"},
                  {"run", step.run.text()},
                  {"step", step.name},
                  {"status", step.status},
                  {"attempt", step.attempt},
                  {"key", step.key},
                  {"outputs", step.outputs}});
  };
  return options;
}

Result<Json> Worker::pipeline(std::int64_t number) {
  workflow::Pipeline pipeline;
  pipeline.name = name_;
  for (const char* name : {"a", "b", "c"}) {
    workflow::Step step;
    step.name = name;
    step.component = "storm/make";
    // The last one's inputs are always the same: after the first time it is a hit.
    step.parameters = {{"operation", step.name == "c" ? 1 : number}};
    if (step.name == "b") step.inputs["from"] = {"a", "number"};
    pipeline.steps.push_back(std::move(step));
  }
  const workflow::ComponentTable table = components();
  MARTLET_TRY_SET(const workflow::RunOutcome outcome,
                  runner(table).run(pipeline, {{"operation", number}}, run_options()));
  if (outcome.run.run_status() != workflow::RunStatus::Succeeded)
    return unavailable("the pipeline run ended with: " + outcome.run.error);
  return Json{{"run", outcome.run.id.text()}};
}

Result<void> Worker::resume_pipelines() {
  const workflow::ComponentTable table = components();
  workflow::Runner driver = runner(table);
  MARTLET_TRY_SET(const auto runs, driver.list(1'000'000));
  for (const workflow::PipelineRunRecord& run : runs) {
    if (run.pipeline != name_ || run.run_status() == workflow::RunStatus::Succeeded) continue;
    ledger_.note({{"kind", "resume"}, {"run", run.id.text()}});
    MARTLET_TRY_SET(const workflow::RunOutcome outcome, driver.resume(run.id, run_options()));
    if (outcome.run.run_status() != workflow::RunStatus::Succeeded)
      return unavailable("the resumed pipeline run ended with: " + outcome.run.error);
  }
  return {};
}

}  // namespace martlet::storage

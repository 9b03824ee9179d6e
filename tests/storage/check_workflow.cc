// Pipeline runs: each step's result is recorded once, and what was acknowledged of it stays.
#include "metadata/database.h"
#include "storage/check_parts.h"
#include "storage/content.h"
#include "workflow/records.h"

#include <fmt/format.h>

namespace martlet::storage {

Result<void> check_pipelines(World& world, Expectation& expected, std::set<Digest>& referenced, CheckReport& report) {
  std::vector<workflow::PipelineRunRecord> runs;
  std::vector<workflow::StepRecord> steps;
  std::vector<workflow::StepCacheRecord> cache;
  MARTLET_TRY(world.database().read([&](const metadata::ReadTransaction& tx) -> Result<void> {
    MARTLET_TRY_SET(runs, tx.select<workflow::PipelineRunRecord>());
    MARTLET_TRY_SET(steps, tx.select<workflow::StepRecord>());
    MARTLET_TRY_SET(cache, tx.select<workflow::StepCacheRecord>());
    return {};
  }));
  std::map<std::int64_t, workflow::PipelineRunRecord> by_operation;
  for (const workflow::PipelineRunRecord& run : runs) {
    const std::int64_t operation = run.parameters.value("operation", std::int64_t{0});
    expected.must_be_explained(report, operation, "pipeline", "pipeline run " + run.id.text());
    if (by_operation.contains(operation)) report.violations.push_back({"I7", mark_of(operation) + " made two pipeline runs"});
    by_operation[operation] = run;
  }
  std::map<std::string, std::int64_t> steps_of;
  std::map<std::pair<std::string, std::string>, const workflow::StepRecord*> by_name;
  std::set<std::string> cached;
  for (const workflow::StepCacheRecord& entry : cache) cached.insert(entry.key);
  for (const workflow::StepRecord& step : steps) {
    ++steps_of[step.run.text()];
    by_name[{step.run.text(), step.name}] = &step;
    if (!workflow::gave_outputs(step.step_status())) continue;
    const auto blob = Digest::parse(step.outputs.value("blob", ""));
    if (blob.has_value()) referenced.insert(*blob);
    if (!blob.has_value() || !cached.contains(step.key))
      report.violations.push_back({"I2", "step " + step.name + " of " + step.run.text() + " succeeded without outputs or cache entry"});
    if (step.attempt > 1 + expected.resumes(step.run.text()))
      report.violations.push_back({"I7", fmt::format("step {} of {} has {} attempts after {} resumptions", step.name, step.run.text(),
                                                     step.attempt, expected.resumes(step.run.text()))});
  }
  for (const auto& [name, told] : expected.finished_steps()) {
    const auto found = by_name.find(name);
    if (found == by_name.end() || found->second->status != told.status || found->second->attempt != told.attempt ||
        found->second->outputs != told.outputs || found->second->key != told.key)
      report.violations.push_back({"I7", fmt::format("step {} of {} isn't as it was acknowledged", name.second, name.first)});
  }
  for (const auto& [number, told] : expected.operations()) {
    if (told.op() != "pipeline") continue;
    const auto run = by_operation.find(number);
    const bool there = run != by_operation.end();
    expected.observe(report, number, there ? 1 : 0, 1, "pipeline runs");
    if (there && steps_of[run->second.id.text()] != 3)
      report.violations.push_back({"I2", mark_of(number) + " has a pipeline run without all of its steps"});
    if (there && told.result.contains("run") && run->second.run_status() != workflow::RunStatus::Succeeded)
      report.violations.push_back({"I6", mark_of(number) + " has a pipeline run that is no longer finished"});
  }
  return {};
}

}  // namespace martlet::storage

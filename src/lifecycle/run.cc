#include "lifecycle/run.h"

#include "artifacts/blob_store.h"
#include "lifecycle/process_identity.h"
#include "lifecycle/steps.h"
#include "lifecycle/track.h"
#include "metadata/database.h"
#include "platform/threads.h"

#include <algorithm>
#include <filesystem>

namespace martlet::lifecycle {

workflow::Runner runner_of(const Store& store, const workflow::ComponentTable& components) {
  return workflow::Runner({store.database(), store.blobs(), store.host().files, store.host().clock,
                           store.host().random, store.host().log, components,
                           store.host().code_version, store.logs_directory(), this_process(),
                           &is_alive});
}

namespace {

const workflow::StepRecord* find_step(const workflow::RunOutcome& outcome, std::string_view name) {
  const auto found =
      std::find_if(outcome.steps.begin(), outcome.steps.end(),
                   [&](const workflow::StepRecord& step) { return step.name == name; });
  return found == outcome.steps.end() || !workflow::gave_outputs(found->step_status()) ? nullptr
                                                                                       : &*found;
}

RunReport report_of(workflow::RunOutcome outcome) {
  RunReport report;
  Json model = nullptr;
  Json problem{{"verdict", nullptr},
               {"best_baseline", nullptr},
               {"gain", nullptr},
               {"low", nullptr},
               {"high", nullptr}};
  Json kpis = Json::array();
  Json gates = Json::array();
  Json metrics = Json::object();
  if (const auto* step = find_step(outcome, "register"); step != nullptr) {
    model = Json{{"name", step->outputs["name"]},
                 {"version", step->outputs["version"]},
                 {"digest", step->outputs["digest"]},
                 {"live", step->outputs["live"]},
                 {"is_champion", step->outputs.value("is_champion", false)}};
  }
  if (const auto* step = find_step(outcome, "evaluate"); step != nullptr) {
    problem = step->outputs["verdict"];
    kpis = step->outputs["kpis"];
    gates = step->outputs["gates"];
    metrics = step->outputs["metrics"];
    report.gates_passed = step->outputs["all_passed"].get<bool>();
    report.verdict = problem["verdict"].get<std::string>();
  }
  Json leaks = Json::array();
  if (const auto* step = find_step(outcome, "leakage"); step != nullptr)
    leaks = step->outputs["leaks"];
  Json steps = Json::array();
  for (const workflow::StepRecord& step : outcome.steps) {
    Json item{{"name", step.name},
              {"status", std::string(workflow::name_of(step.step_status()))},
              {"cached", step.step_status() == workflow::StepStatus::Cached},
              {"seconds", step.seconds}};
    if (!step.error.empty()) item["error"] = step.error;
    steps.push_back(std::move(item));
  }
  report.json = Json{{"run", outcome.run.id.text()},
                     {"status", std::string(workflow::name_of(outcome.run.run_status()))},
                     {"model", std::move(model)},
                     {"problem", std::move(problem)},
                     {"kpis", std::move(kpis)},
                     {"gates", std::move(gates)},
                     {"metrics", std::move(metrics)},
                     {"leaks", std::move(leaks)},
                     {"steps", std::move(steps)}};
  if (!outcome.run.error.empty()) report.json["error"] = outcome.run.error;
  report.succeeded = outcome.run.run_status() == workflow::RunStatus::Succeeded;
  report.outcome = std::move(outcome);
  return report;
}

workflow::RunOptions options_of(const RunRequest& request) {
  workflow::RunOptions options;
  options.workers = platform::hardware_threads();
  options.cache =
      request.use_cache ? workflow::CacheUse::ReadAndWrite : workflow::CacheUse::WriteOnly;
  options.from = request.from;
  options.cancel = request.cancel;
  options.on_step = request.on_step;
  options.on_line = request.on_line;
  return options;
}

}  // namespace

Result<RunReport> run_lifecycle(const Store& store, const Project& project,
                                const RunRequest& request) {
  MARTLET_TRY_SET(const workflow::Pipeline pipeline,
                  compile_lifecycle(store, project, request.compile));
  const RunFacts facts = gather_facts(store, project);
  MARTLET_TRY_SET(RunReport report, run_steps(store, project, pipeline, request));
  MARTLET_TRY(track_run(store, project, report, facts));
  return report;
}

Result<RunReport> run_steps(const Store& store, const Project& project,
                            const workflow::Pipeline& whole, const RunRequest& request) {
  workflow::Pipeline pipeline = whole;
  if (!request.only.empty()) {
    MARTLET_TRY_SET(pipeline, workflow::only_what_is_needed_for(pipeline, request.only));
  }
  MARTLET_TRY_SET(const Digest file, store.blobs().put(project.text));
  const Json parameters{
      {"project", project.name},
      {"project_file", file.text()},
      {"project_directory", std::filesystem::absolute(project.directory).string()},
      {"environment", std::string(registry::name_of(request.compile.environment))},
      {"as_of",
       request.compile.as_of.has_value() ? Json(to_text(*request.compile.as_of)) : Json(nullptr)}};
  Workshop workshop(store, project);
  const workflow::ComponentTable components = component_table(workshop);
  workflow::Runner runner = runner_of(store, components);
  MARTLET_TRY_SET(workflow::RunOutcome outcome,
                  runner.run(pipeline, parameters, options_of(request)));
  return report_of(std::move(outcome));
}

Result<RunReport> resume_lifecycle(const Store& store, const RunId& run,
                                   const RunRequest& request) {
  const workflow::ComponentTable none;
  MARTLET_TRY_SET(const workflow::RunOutcome before, runner_of(store, none).look(run));
  MARTLET_TRY_SET(const std::string file,
                  text_member(before.run.parameters, "project_file", "resuming run " + run.text()));
  MARTLET_TRY_SET(
      const std::string project_directory,
      text_member(before.run.parameters, "project_directory", "resuming run " + run.text()));
  MARTLET_TRY_SET(const Digest digest, Digest::parse(file));
  MARTLET_TRY_SET(std::string text, store.blobs().get(digest));
  MARTLET_TRY_SET(const Project project,
                  parse_project(std::move(text), "martlet.yaml", project_directory));
  const RunFacts facts = gather_facts(store, project);
  Workshop workshop(store, project);
  const workflow::ComponentTable components = component_table(workshop);
  workflow::Runner runner = runner_of(store, components);
  MARTLET_TRY_SET(workflow::RunOutcome outcome, runner.resume(run, options_of(request)));
  RunReport report = report_of(std::move(outcome));
  MARTLET_TRY(track_run(store, project, report, facts));
  return report;
}

Result<RunReport> look_at_run(const Store& store, const RunId& run) {
  const workflow::ComponentTable none;
  MARTLET_TRY_SET(workflow::RunOutcome outcome, runner_of(store, none).look(run));
  return report_of(std::move(outcome));
}

Result<std::vector<workflow::PipelineRunRecord>> list_runs(const Store& store, std::int64_t limit) {
  const workflow::ComponentTable none;
  return runner_of(store, none).list(limit);
}

Result<std::string> log_of_step(const Store& store, const RunId& run, const std::string& step) {
  const workflow::ComponentTable none;
  return runner_of(store, none).log_of(run, step);
}

namespace {

// What no id is beyond, of those that begin so: the greatest character follows.
constexpr const char* kBeyondAll = "\xf4\x8f\xbf\xbf";

// Of a run that a client tracked, or of the record that `martlet run` left of its pipeline run.
Result<RunId> pipeline_run_of(const Store& store, const std::string& tracked_id) {
  const auto tracked = tracker_of(store).run(RunId(tracked_id));
  if (!tracked.has_value()) {
    if (tracked.error().code() != ErrorCode::NotFound) return fail(tracked.error());
    return not_found("no run's id begins with \"" + tracked_id + "\"; `martlet ps` lists them");
  }
  const auto tag = tracked->tags.find(std::string(kPipelineRunTag));
  if (tag != tracked->tags.end()) return RunId(tag->second);
  return not_found("run " + tracked_id +
                   " was tracked by a client, not made by `martlet run`: it has no steps");
}

}  // namespace

Result<RunId> find_run(const Store& store, const std::string& prefix) {
  if (prefix.empty() || prefix == "latest") {
    MARTLET_TRY_SET(const auto newest, list_runs(store, 1));
    if (newest.empty())
      return not_found("there are no runs in this store; `martlet run` makes one");
    return newest.front().id;
  }
  const auto begins_so =
      metadata::at_least("id", prefix) && metadata::less("id", prefix + kBeyondAll);
  constexpr std::int64_t kTold = 100;  // more are only called many
  std::int64_t count = 0;
  MARTLET_TRY_SET(
      const auto first,
      store.database().read([&](const metadata::ReadTransaction& tx)
                                -> Result<std::optional<workflow::PipelineRunRecord>> {
        MARTLET_TRY_SET(count, tx.count_at_most<workflow::PipelineRunRecord>(begins_so, kTold));
        return tx.first<workflow::PipelineRunRecord>(metadata::Query(begins_so).order_by("id"));
      }));
  if (!first.has_value()) return pipeline_run_of(store, prefix);
  if (count > 1 && first->id.text() != prefix)
    return invalid_argument(
        (count < kTold ? std::to_string(count) : "at least " + std::to_string(kTold)) +
        " runs' ids begin with \"" + prefix + "\"; give more of it");
  return first->id;
}

}  // namespace martlet::lifecycle

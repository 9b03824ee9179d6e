#include "lifecycle/reproduce.h"

#include "artifacts/blob_store.h"
#include "artifacts/tree.h"
#include "lifecycle/compare_outputs.h"
#include "lifecycle/packages.h"
#include "lifecycle/reproduction_inputs.h"
#include "lifecycle/run.h"
#include "lifecycle/run_facts.h"
#include "lifecycle/steps.h"
#include "lifecycle/track.h"
#include "platform/host.h"
#include "platform/real_file_system.h"
#include "platform/threads.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace martlet::lifecycle {

namespace {

// The calendar stands at the moment of the recorded run, so that what is fresh then is fresh again;
// the monotonic clock goes on.
class RecordedMoment final : public Clock {
 public:
  RecordedMoment(Timestamp moment, const Clock& real) : moment_(moment), real_(real) {}
  Timestamp now() const override { return moment_; }
  std::chrono::steady_clock::time_point monotonic() const override { return real_.monotonic(); }

 private:
  Timestamp moment_;
  const Clock& real_;
};

// What the record holds.
struct Recording {
  workflow::RunOutcome outcome;
  workflow::Pipeline pipeline;  // the steps that gave outputs
  Project project;
  ReproductionInputs inputs;
  std::optional<Digest> champion;  // the package that the model was judged against
  Json facts = Json::object();     // of the tracked run; empty when there is none
};

Result<Project> recorded_project(const Store& store, const workflow::PipelineRunRecord& run) {
  const std::string subject = "reading the recorded project file of run " + run.id.text();
  MARTLET_TRY_SET(const std::string file, text_member(run.parameters, "project_file", subject));
  MARTLET_TRY_SET(const std::string directory,
                  text_member(run.parameters, "project_directory", subject));
  MARTLET_TRY_SET(const Digest digest, Digest::parse(file));
  auto text = store.blobs().get(digest);
  if (!text.has_value()) return fail(std::move(text).error().with_context(subject));
  auto project = parse_project(std::move(*text), "martlet.yaml", directory);
  if (!project.has_value()) return fail(std::move(project).error().with_context(subject));
  return project;
}

Result<workflow::Pipeline> recorded_pipeline(const workflow::RunOutcome& outcome) {
  std::vector<std::string> done;
  for (const workflow::StepRecord& step : outcome.steps) {
    if (workflow::gave_outputs(step.step_status())) done.push_back(step.name);
  }
  if (done.empty()) {
    return invalid_argument("run " + outcome.run.id.text() +
                            " gave no outputs that could be compared; `martlet status " +
                            outcome.run.id.text() + "` says why");
  }
  MARTLET_TRY_SET(const workflow::Pipeline whole,
                  workflow::pipeline_from_json(outcome.run.definition));
  return workflow::only_what_is_needed_for(whole, done);
}

Result<std::optional<Digest>> recorded_champion(const workflow::Pipeline& pipeline) {
  for (const workflow::Step& step : pipeline.steps) {
    const auto champion = step.parameters.find("champion");
    if (champion == step.parameters.end() || !champion->is_string()) continue;
    MARTLET_TRY_SET(const Digest digest, Digest::parse(champion->get<std::string>()));
    return std::optional(digest);
  }
  return std::optional<Digest>();
}

Result<Recording> read_recording(const Store& store, const RunId& run) {
  Recording recording;
  const workflow::ComponentTable none;
  MARTLET_TRY_SET(recording.outcome, runner_of(store, none).look(run));
  if (recording.outcome.run.run_status() == workflow::RunStatus::Running) {
    return conflict("run " + run.text() +
                    " has not ended; wait for it, or `martlet resume` it if it was interrupted");
  }
  MARTLET_TRY_SET(recording.pipeline, recorded_pipeline(recording.outcome));
  MARTLET_TRY_SET(recording.project, recorded_project(store, recording.outcome.run));
  MARTLET_TRY_SET(recording.inputs, find_inputs(store, recording.project, recording.outcome));
  recording.project.directory = recording.inputs.directory;
  MARTLET_TRY_SET(recording.champion, recorded_champion(recording.pipeline));
  MARTLET_TRY_SET(const auto tracked, tracked_run_of(store, run));
  if (tracked.has_value()) recording.facts = tracked->facts;
  return recording;
}

// The champion of that time, live in the scratch store as it was in the other.
Result<void> seat_champion(const Store& recorded, const Recording& recording,
                           const Store& scratch) {
  if (!recording.champion.has_value()) return {};
  if (auto copied = artifacts::copy_tree(recorded.blobs(), scratch.blobs(), *recording.champion);
      !copied.has_value()) {
    return fail(std::move(copied).error().with_context(
        "taking over the champion that the model was judged against"));
  }
  registry::ModelRegistry models = registry_of(scratch);
  MARTLET_TRY_SET(const registry::ModelName name,
                  registry::ModelName::parse(recording.project.name));
  const registry::Actor actor{"reproduce"};
  MARTLET_TRY_SET(const registry::ModelVersion version,
                  models.add_version({name, *recording.champion, RunId()}, actor));
  MARTLET_TRY_SET(const std::string environment,
                  text_member(recording.outcome.run.parameters, "environment", "the run"));
  MARTLET_TRY_SET(const registry::Environment where, registry::parse_environment(environment));
  return models.move_alias({name, where, registry::live_alias(), std::nullopt, version.version,
                            "the champion of that time"},
                           actor);
}

Result<workflow::RunOutcome> run_again(const Store& recorded, const Recording& recording,
                                       const Store& scratch, const ReproduceRequest& request) {
  MARTLET_TRY(seat_champion(recorded, recording, scratch));
  Workshop workshop(scratch, recording.project, request.threads);
  workflow::ComponentTable components = component_table(workshop);
  workflow::Component& ingest = components.at("martlet/ingest");
  ingest = ingest_again(ingest, recording.inputs, recorded, scratch);
  workflow::RunOptions options;
  options.workers = workshop.threads();
  options.cancel = request.cancel;
  options.on_step = request.on_step;
  MARTLET_TRY_SET(workflow::RunOutcome outcome,
                  runner_of(scratch, components)
                      .run(recording.pipeline, recording.outcome.run.parameters, options));
  if (outcome.run.run_status() == workflow::RunStatus::Cancelled || request.cancel.cancelled())
    return fail(ErrorCode::Cancelled, "reproducing run " + request.run.text() + " was interrupted");
  return outcome;
}

Json inputs_json(const ReproductionInputs& inputs) {
  Json list = Json::array();
  for (const auto& [step, input] : inputs.by_step) {
    Json item{{"dataset", input.dataset},
              {"version", input.recorded.value("name", std::string())},
              {"digest", input.recorded.value("version", std::string())},
              {"from", std::string(name_of(input.origin))}};
    if (!input.why.empty()) item["why"] = input.why;
    list.push_back(std::move(item));
  }
  return list;
}

// Bit-identity is claimed per program, libraries and CPU features: what of these is another one
// now.
Json environment_json(const Json& facts) {
  Json differs = Json::array();
  const auto compare = [&](const std::string& name, const Json& now) {
    const auto then = facts.find(name);
    if (then != facts.end() && *then != now)
      differs.push_back(Json{{"name", name}, {"recorded", *then}, {"now", now}});
  };
  compare("cpu_features", platform::describe_host().cpu_features);
  compare("libraries", library_versions());
  return differs;
}

ReproduceReport report_of(const Recording& recording, const ReproduceRequest& request,
                          const std::vector<OutputComparison>& outputs, const Json& code) {
  ReproduceReport report;
  report.equal = std::all_of(outputs.begin(), outputs.end(),
                             [](const OutputComparison& output) { return output.equal; });
  Json list = Json::array();
  for (const OutputComparison& output : outputs) list.push_back(to_json(output));
  report.json = Json{{"run", request.run.text()},
                     {"equal", report.equal},
                     {"outputs", std::move(list)},
                     {"inputs", inputs_json(recording.inputs)},
                     {"code", code},
                     {"environment", environment_json(recording.facts)}};
  return report;
}

// A folder that goes away again, unless it is to stay.
Result<platform::TemporaryDirectory> scratch_folder(const Store& store,
                                                    const ReproduceRequest& request) {
  std::string parent = store.scratch_directory();
  if (request.keep_store) {
    parent = join_path(store.directory(), "reproductions");
    MARTLET_TRY(store.host().files.create_directories(parent));
  }
  return platform::TemporaryDirectory::create(parent, "reproduce-");
}

}  // namespace

Result<ReproduceReport> reproduce_run(const Store& store, const ReproduceRequest& request) {
  const auto began = store.host().clock.monotonic();
  auto recording = read_recording(store, request.run);
  if (!recording.has_value())
    return fail(std::move(recording).error().with_context("reproducing run " + request.run.text()));
  MARTLET_TRY_SET(platform::TemporaryDirectory folder, scratch_folder(store, request));

  const Host& host = store.host();
  const RecordedMoment moment(recording->outcome.run.created, host.clock);
  const int threads = request.threads > 0 ? request.threads : platform::hardware_threads();
  platform::ThreadPool pool({.threads = threads, .queue_limit = 1024, .name = "reproduce"},
                            host.log);
  const Host scratch_host{host.files, moment,       host.random,      host.log,
                          pool,       host.version, host.code_version};
  std::vector<OutputComparison> outputs;
  const Json then = recording->facts.value("code_version", Json(nullptr));
  const Json code{
      {"recorded", then}, {"now", host.code_version}, {"same", then == host.code_version}};
  {
    MARTLET_TRY_SET(const std::unique_ptr<Store> scratch,
                    Store::open(scratch_host, folder.path(), WhenMissing::Create));
    MARTLET_TRY_SET(const workflow::RunOutcome again,
                    run_again(store, *recording, *scratch, request));
    MARTLET_TRY_SET(outputs, compare_outputs({store, recording->outcome}, {*scratch, again},
                                             {.same_program = then == host.code_version}));
  }
  ReproduceReport report = report_of(*recording, request, outputs, code);
  report.json["threads"] = threads;
  report.json["seconds"] = std::chrono::duration<double>(host.clock.monotonic() - began).count();
  report.json["store"] = request.keep_store ? Json(folder.release()) : Json(nullptr);
  return report;
}

}  // namespace martlet::lifecycle

#include "lifecycle/track.h"

#include "lifecycle/lineage.h"

#include <algorithm>
#include <cmath>

namespace martlet::lifecycle {

namespace {

void add_params(const Json& value, const std::string& prefix, tracking::Texts& params) {
  for (const auto& [name, inner] : value.items()) {
    const std::string key = prefix.empty() ? name : prefix + "." + name;
    if (inner.is_object()) {
      add_params(inner, key, params);
    } else {
      params[key] = inner.is_string() ? inner.get<std::string>() : to_text(inner);
    }
  }
}

tracking::RunBatch batch_of(const Project& project, const RunReport& report, Timestamp now) {
  tracking::RunBatch batch;
  batch.tags[std::string(kPipelineRunTag)] = report.outcome.run.id.text();
  batch.tags["martlet.project"] = project.name;
  batch.tags["martlet.verdict"] = report.verdict;
  const auto add_metric = [&](const std::string& key, const Json& value) {
    if (value.is_number()) batch.metrics.push_back({key, value.get<double>(), 0, now});
  };
  for (const Json& kpi : report.json.at("kpis"))
    add_metric("kpi." + kpi.at("name").get<std::string>(), kpi.at("value"));
  for (const auto& [name, figure] : report.json.at("metrics").items())
    add_metric(name, figure.is_object() ? figure.at("value") : figure);
  for (const workflow::StepRecord& step : report.outcome.steps) {
    if (!workflow::gave_outputs(step.step_status())) continue;
    if (step.component == "martlet/ingest") {
      const bool is_main = step.name == "ingest:" + project.main_dataset().name;
      batch.inputs.push_back(
          {step.name.substr(std::string("ingest:").size()),
           step.outputs["version"].get<std::string>(), is_main ? "training" : "lookup",
           Json{{"version", step.outputs["name"]}, {"rows", step.outputs["rows"]}}});
    }
    if (step.name == "select")
      batch.params["candidate"] = step.outputs["chosen"]["candidate"].get<std::string>();
    if (step.component == "martlet/train") {
      const std::string trainer = step.name.substr(std::string("train:").size());
      add_metric("validation." + trainer, step.outputs["validation_kpi"]);
    }
  }
  for (const models::Candidate& candidate : project.models.candidates)
    add_params(candidate.parameters, candidate.trainer, batch.params);
  batch.params["seed"] = std::to_string(project.models.seed);
  if (const Json& as_of = report.outcome.run.parameters["as_of"]; as_of.is_string())
    batch.params["as_of"] = as_of.get<std::string>();
  return batch;
}

}  // namespace

tracking::Tracker tracker_of(const Store& store) {
  return {store.database(), store.blobs(), store.host().clock, store.host().random};
}

Result<void> track_run(const Store& store, const Project& project, const RunReport& report,
                       const RunFacts& facts) {
  MARTLET_TRY(record_lineage(store, report.outcome));
  tracking::Tracker tracker = tracker_of(store);
  MARTLET_TRY_SET(const tracking::Experiment experiment,
                  tracker.get_or_create_experiment(project.name));
  tracking::RunSearch search;
  search.experiments = {experiment.id};
  search.tags[std::string(kPipelineRunTag)] = report.outcome.run.id.text();
  MARTLET_TRY_SET(const tracking::RunPage page, tracker.search(search));
  const std::vector<tracking::Run>& known = page.runs;
  const tracking::RunStatus status =
      report.succeeded ? tracking::RunStatus::Finished : tracking::RunStatus::Failed;
  const tracking::RunBatch batch = batch_of(project, report, store.host().clock.now());
  if (!known.empty()) {
    MARTLET_TRY(tracker.log(known.front().id, batch));
    if (known.front().status == status) return {};
    if (tracking::has_ended(known.front().status))
      MARTLET_TRY(tracker.set_status(known.front().id, tracking::RunStatus::Running));
    return tracker.set_status(known.front().id, status, report.outcome.run.ended);
  }
  tracking::NewRun request;
  request.experiment = experiment.id;
  request.started = report.outcome.run.created;
  request.facts = facts.json;
  request.first = batch;
  MARTLET_TRY_SET(const tracking::Run run, tracker.start_run(request));
  MARTLET_TRY(tracker.log_artifact(run.id, "martlet.yaml", project.text));
  MARTLET_TRY(tracker.log_artifact(run.id, "report.json", to_pretty_text(report.json)));
  if (!facts.diff.empty()) MARTLET_TRY(tracker.log_artifact(run.id, "git.diff", facts.diff));
  return tracker.set_status(run.id, status, report.outcome.run.ended);
}

Result<std::optional<tracking::Run>> tracked_run_of(const Store& store, const RunId& run) {
  tracking::RunSearch search;
  search.tags[std::string(kPipelineRunTag)] = run.text();
  search.limit = 1;
  MARTLET_TRY_SET(tracking::RunPage page, tracker_of(store).search(search));
  if (page.runs.empty()) return std::optional<tracking::Run>();
  // A page's runs come without their artifacts.
  MARTLET_TRY_SET(tracking::Run whole, tracker_of(store).run(page.runs.front().id));
  return std::optional(std::move(whole));
}

namespace {

// The run whose own id begins so. InvalidArgument when several do.
Result<std::optional<tracking::Run>> tracked_run_beginning(const Store& store,
                                                           const std::string& text) {
  // Ids are letters, digits, "-" and "_"; nothing else may become a part of the filter.
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
  if (!plain) return std::optional<tracking::Run>();
  tracking::RunSearch search;
  search.view = tracking::View::All;
  search.filter = "run_id LIKE '" + text + "%'";
  search.order_by = {"run_id"};
  search.limit = 2;
  MARTLET_TRY_SET(tracking::RunPage page, tracker_of(store).search(search));
  // "_" stands for any character in a pattern.
  std::erase_if(page.runs,
                [&](const tracking::Run& run) { return !run.id.text().starts_with(text); });
  if (page.runs.empty()) return std::optional<tracking::Run>();
  if (page.runs.size() > 1)
    return invalid_argument("several runs' ids begin with \"" + text + "\"; give more of it");
  // With its artifacts.
  MARTLET_TRY_SET(tracking::Run run, tracker_of(store).run(page.runs.front().id));
  return std::optional<tracking::Run>(std::move(run));
}

}  // namespace

Result<tracking::Run> find_tracked_run(const Store& store, const std::string& text) {
  auto named = tracker_of(store).run(RunId(text));
  if (named.has_value() || named.error().code() != ErrorCode::NotFound) return named;
  auto pipeline = find_run(store, text);
  if (!pipeline.has_value()) {
    if (pipeline.error().code() != ErrorCode::NotFound) return fail(std::move(pipeline).error());
    MARTLET_TRY_SET(std::optional<tracking::Run> begun, tracked_run_beginning(store, text));
    if (begun.has_value()) return std::move(*begun);
    return not_found("no run has the id \"" + text +
                     "\", and no run's id begins with it; `martlet runs list` and `martlet ps` "
                     "list them");
  }
  MARTLET_TRY_SET(std::optional<tracking::Run> tracked, tracked_run_of(store, *pipeline));
  if (tracked.has_value()) return std::move(*tracked);
  return not_found("run " + pipeline->text() +
                   " is not tracked: it has not ended; `martlet status " + pipeline->text() +
                   "` shows how it stands");
}

}  // namespace martlet::lifecycle

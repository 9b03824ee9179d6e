#include "lifecycle/internal/lineage_events.h"

#include "artifacts/blob_store.h"
#include "base/text.h"
#include "data/version_store.h"
#include "lifecycle/dossier.h"
#include "lifecycle/track.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace martlet::lifecycle {

namespace {

namespace ol = tracking::openlineage;
using workflow::StepRecord;
using workflow::StepStatus;

// Steps that read the rows of the dataset that the model learns from.
bool reads_main_dataset(const std::string& component) {
  for (const char* known : {"martlet/leakage", "martlet/split", "martlet/baselines",
                            "martlet/train", "martlet/evaluate"}) {
    if (component == known) return true;
  }
  return false;
}

class PipelineEvents {
 public:
  PipelineEvents(const Store& store, const workflow::RunOutcome& outcome, std::string name_space)
      : store_(store), outcome_(outcome), name_space_(std::move(name_space)) {
    project_ = text_or(outcome.run.parameters, "project", "project");
    for (const StepRecord& step : outcome.steps) {
      if (step.component == "martlet/ingest") ingests_.push_back(&step);
    }
  }

  std::vector<LineageEvent> starts_and_ends() const {
    std::vector<LineageEvent> events;
    add(events, begin_run(ol::EventType::Start, outcome_.run.created), "START");
    if (const auto ended = end_of_run(); ended.has_value())
      add(events, begin_run(*ended, outcome_.run.ended.value_or(outcome_.run.created)),
          fmt::format("{}@{}", ol::name_of(*ended), outcome_.run.fence));
    for (const StepRecord& step : outcome_.steps) {
      if (!step.started.has_value()) continue;  // neither begun nor a hit of the cache
      add(events, begin_step(step, ol::EventType::Start, *step.started), step.name + "/START");
      if (const auto ended = end_of_step(step); ended.has_value())
        add(events, begin_step(step, *ended, step.ended.value_or(*step.started)),
            fmt::format("{}/{}@{}", step.name, ol::name_of(*ended), step.attempt));
    }
    std::stable_sort(events.begin(), events.end(),
                     [](const LineageEvent& a, const LineageEvent& b) {
                       return std::pair(a.event.at, a.event.type != ol::EventType::Start) <
                              std::pair(b.event.at, b.event.type != ol::EventType::Start);
                     });
    // The run begins before and ends after its steps, whatever the clock says.
    std::stable_partition(events.begin(), events.end(), [&](const LineageEvent& each) {
      return each.event.job_type == "PIPELINE" && each.event.type == ol::EventType::Start;
    });
    std::stable_partition(events.begin(), events.end(), [&](const LineageEvent& each) {
      return each.event.job_type != "PIPELINE" || each.event.type == ol::EventType::Start;
    });
    return events;
  }

  // Looks up what the event's datasets are.
  Result<void> complete(ol::RunEvent& event) const {
    if (event.job_type == "PIPELINE") return complete_run(event);
    const auto step =
        std::find_if(outcome_.steps.begin(), outcome_.steps.end(), [&](const StepRecord& record) {
          return ol::step_uuid(run_id(), record.name) == event.run;
        });
    if (step == outcome_.steps.end()) return {};
    return complete_step(*step, event);
  }

 private:
  const std::string& run_id() const { return outcome_.run.id.text(); }

  void add(std::vector<LineageEvent>& events, ol::RunEvent event, const std::string& what) const {
    events.push_back({run_id() + "/" + what, std::move(event)});
  }

  ol::Job run_job() const { return {name_space_, project_ + "." + outcome_.run.pipeline}; }

  ol::RunEvent begin_run(ol::EventType type, Timestamp at) const {
    ol::RunEvent event;
    event.type = type;
    event.at = at;
    event.run = ol::run_uuid(run_id());
    event.job = run_job();
    event.job_type = "PIPELINE";
    event.program_version = store_.host().version;
    if (type == ol::EventType::Fail || type == ol::EventType::Abort)
      event.error = outcome_.run.error.empty()
                        ? std::string(workflow::name_of(outcome_.run.run_status()))
                        : outcome_.run.error;
    return event;
  }

  ol::RunEvent begin_step(const StepRecord& step, ol::EventType type, Timestamp at) const {
    ol::RunEvent event;
    event.type = type;
    event.at = at;
    event.run = ol::step_uuid(run_id(), step.name);
    event.job = {name_space_, run_job().name + "." + step.name};
    event.job_type = "STEP";
    event.program_version = store_.host().version;
    event.parent = ol::Parent{ol::run_uuid(run_id()), run_job()};
    if (type == ol::EventType::Fail) event.error = step.error.empty() ? "it failed" : step.error;
    if (type == ol::EventType::Complete)
      event.facts = Json{{"component", step.component},
                         {"cached", step.step_status() == StepStatus::Cached},
                         {"seconds", step.seconds}};
    return event;
  }

  std::optional<ol::EventType> end_of_run() const {
    switch (outcome_.run.run_status()) {
      case workflow::RunStatus::Running: return std::nullopt;
      case workflow::RunStatus::Succeeded: return ol::EventType::Complete;
      case workflow::RunStatus::Failed: return ol::EventType::Fail;
      case workflow::RunStatus::Cancelled: return ol::EventType::Abort;
    }
    return std::nullopt;
  }

  static std::optional<ol::EventType> end_of_step(const StepRecord& step) {
    switch (step.step_status()) {
      case StepStatus::Succeeded:
      case StepStatus::Cached: return ol::EventType::Complete;
      case StepStatus::Failed: return ol::EventType::Fail;
      case StepStatus::Cancelled:
      case StepStatus::Skipped: return ol::EventType::Abort;
      case StepStatus::Waiting:
      case StepStatus::Running: return std::nullopt;
    }
    return std::nullopt;
  }

  // --- datasets

  data::VersionStore versions() const {
    return {store_.database(), store_.blobs(), store_.host().files, store_.host().clock,
            store_.scratch_directory()};
  }

  // nullopt when the version is gone.
  std::optional<data::DatasetVersion> version_of(const StepRecord& ingest) const {
    const std::string digest = text_or(ingest.outputs, "version");
    if (digest.empty()) return std::nullopt;
    const std::string dataset = ingest.name.substr(ingest.name.find(':') + 1);
    auto found = versions().find(dataset + "@" + digest);
    if (!found.has_value()) return std::nullopt;
    return std::move(*found);
  }

  ol::Dataset dataset_of(const data::DatasetVersion& version) const {
    ol::Dataset dataset;
    dataset.name_space = name_space_;
    dataset.name = version.dataset;
    dataset.version = version.digest.text();
    for (const columns::Field& field : version.schema.fields())
      dataset.columns.push_back({field.name, std::string(columns::name_of(field.type)), {}});
    dataset.rows = version.rows();
    std::int64_t size_bytes = 0;
    for (const data::DatasetPart& part : version.parts) size_bytes += part.size_bytes;
    dataset.size_bytes = size_bytes;
    return dataset;
  }

  // With what its profile says of its columns.
  void add_quality(const StepRecord& ingest, ol::Dataset& dataset) const {
    const auto digest = Digest::parse(text_or(ingest.outputs, "profile"));
    if (!digest.has_value()) return;
    const auto bytes = store_.blobs().get(*digest);
    if (!bytes.has_value()) return;
    const auto profile = parse_json(*bytes);
    if (!profile.has_value()) return;
    const Json& described = member_or_null(*profile, "columns");
    if (!described.is_array()) return;
    for (const Json& column : described) {
      const std::string name = text_or(column, "name");
      for (ol::Column& known : dataset.columns) {
        if (known.name == name) known.metrics = metrics_of(column);
      }
    }
  }

  static ol::ColumnMetrics metrics_of(const Json& column) {
    ol::ColumnMetrics metrics;
    const auto integer = [&](const char* key, std::optional<std::int64_t>& target) {
      const Json& value = member_or_null(column, key);
      if (value.is_number_integer()) target = value.get<std::int64_t>();
    };
    const auto number = [&](const char* key) -> std::optional<double> {
      const Json& value = member_or_null(column, key);
      return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
    };
    integer("nulls", metrics.nulls);
    integer("distinct", metrics.distinct);
    metrics.min = number("min");
    metrics.max = number("max");
    for (const auto& [key, share] :
         {std::pair{"p25", "0.25"}, std::pair{"p50", "0.5"}, std::pair{"p75", "0.75"}}) {
      if (const auto value = number(key); value.has_value()) metrics.quantiles[share] = *value;
    }
    return metrics;
  }

  // Where its rows came from.
  void add_origins(const data::DatasetVersion& version, std::vector<ol::Dataset>& inputs) const {
    const std::string directory = text_or(outcome_.run.parameters, "project_directory");
    for (const data::SourceFile& file : version.provenance.files) {
      ol::Dataset source;
      // OpenLineage's naming of local files.
      source.name_space = "file";
      source.name = (std::filesystem::path(directory) / file.path).lexically_normal().string();
      source.version = file.digest.text();
      inputs.push_back(std::move(source));
    }
    for (const data::ParentVersion& parent : version.provenance.parents) {
      if (parent.digest == version.digest) continue;
      ol::Dataset above;
      above.name_space = name_space_;
      above.name = parent.dataset;
      above.version = parent.digest.text();
      inputs.push_back(std::move(above));
    }
  }

  // Of the dataset that is split into training and test rows.
  const StepRecord* main_ingest() const {
    const Json& steps = member_or_null(outcome_.run.definition, "steps");
    if (!steps.is_array()) return nullptr;
    for (const Json& step : steps) {
      if (text_or(step, "name") != "split") continue;
      const Json& inputs = member_or_null(step, "inputs");
      if (!inputs.is_object()) return nullptr;
      for (const Json& input : inputs) {
        for (const StepRecord* ingest : ingests_) {
          if (ingest->name == text_or(input, "step")) return ingest;
        }
      }
    }
    return nullptr;
  }

  std::optional<ol::Dataset> model_of(const StepRecord& step) const {
    if (!workflow::gave_outputs(step.step_status())) return std::nullopt;
    ol::Dataset model;
    model.name_space = name_space_;
    if (step.component == "martlet/package") {
      model.name = project_ + ".package";
      model.version = text_or(step.outputs, "package");
    } else if (step.component == "martlet/register") {
      model.name = "models/" + text_or(step.outputs, "name", project_);
      const Json& version = member_or_null(step.outputs, "version");
      model.version =
          version.is_number_integer() ? std::to_string(version.get<std::int64_t>()) : std::string();
    } else {
      return std::nullopt;
    }
    if (model.version.empty()) return std::nullopt;
    return model;
  }

  Result<void> complete_run(ol::RunEvent& event) const {
    if (event.type == ol::EventType::Start) {
      const auto digest = Digest::parse(text_or(outcome_.run.parameters, "project_file"));
      if (digest.has_value()) {
        if (auto text = store_.blobs().get(*digest); text.has_value() && is_valid_utf8(*text)) {
          event.source = std::move(*text);
          event.source_language = "martlet.yaml";
        }
      }
      event.facts = Json{{"run", run_id()}, {"parameters", outcome_.run.parameters}};
      return {};
    }
    for (const StepRecord* ingest : ingests_) {
      const auto version = version_of(*ingest);
      if (!version.has_value()) continue;
      add_origins(*version, event.inputs);
      event.outputs.push_back(dataset_of(*version));
    }
    // A dataset that another one was selected from is made by this run as well.
    std::erase_if(event.inputs, [&](const ol::Dataset& input) {
      return std::any_of(event.outputs.begin(), event.outputs.end(),
                         [&](const ol::Dataset& output) {
                           return output.name_space == input.name_space &&
                                  output.name == input.name && output.version == input.version;
                         });
    });
    for (const StepRecord& step : outcome_.steps) {
      if (auto model = model_of(step); model.has_value())
        event.outputs.push_back(std::move(*model));
    }
    MARTLET_TRY_SET(const auto tracked, tracked_run_of(store_, outcome_.run.id));
    if (tracked.has_value()) event.facts = tracked->facts;
    return {};
  }

  Result<void> complete_step(const StepRecord& step, ol::RunEvent& event) const {
    if (step.component == "martlet/ingest") {
      if (!workflow::gave_outputs(step.step_status())) return {};
      const auto version = version_of(step);
      if (!version.has_value()) return {};
      add_origins(*version, event.inputs);
      if (event.type != ol::EventType::Start) event.outputs.push_back(dataset_of(*version));
      return {};
    }
    if (reads_main_dataset(step.component)) {
      const StepRecord* ingest = main_ingest();
      const auto version = ingest == nullptr ? std::nullopt : version_of(*ingest);
      if (version.has_value()) {
        ol::Dataset input = dataset_of(*version);
        add_quality(*ingest, input);
        event.inputs.push_back(std::move(input));
      }
    }
    if (step.component == "martlet/register") {
      for (const StepRecord& other : outcome_.steps) {
        if (other.component != "martlet/package") continue;
        if (auto model = model_of(other); model.has_value())
          event.inputs.push_back(std::move(*model));
      }
    }
    if (event.type == ol::EventType::Start) return {};
    if (auto model = model_of(step); model.has_value()) event.outputs.push_back(std::move(*model));
    return {};
  }

  const Store& store_;
  const workflow::RunOutcome& outcome_;
  std::string name_space_;
  std::string project_;
  std::vector<const StepRecord*> ingests_;
};

ol::EventType type_of(tracking::RunStatus status) {
  switch (status) {
    case tracking::RunStatus::Finished: return ol::EventType::Complete;
    case tracking::RunStatus::Failed: return ol::EventType::Fail;
    case tracking::RunStatus::Killed: return ol::EventType::Abort;
    case tracking::RunStatus::Scheduled:
    case tracking::RunStatus::Running: break;
  }
  return ol::EventType::Running;
}

}  // namespace

Result<std::vector<LineageEvent>>
events_of_pipeline_run(const Store& store, const workflow::RunOutcome& outcome,
                       const std::string& name_space,
                       const std::function<Result<bool>(const std::string& id)>& wanted) {
  const PipelineEvents maker(store, outcome, name_space);
  std::vector<LineageEvent> found;
  for (LineageEvent& each : maker.starts_and_ends()) {
    MARTLET_TRY_SET(const bool is_wanted, wanted(each.id));
    if (!is_wanted) continue;
    MARTLET_TRY(maker.complete(each.event));
    found.push_back(std::move(each));
  }
  return found;
}

std::vector<LineageEvent> events_of_tracked_run(const tracking::Run& run,
                                                const std::string& experiment,
                                                const std::string& name_space,
                                                const std::string& version) {
  ol::RunEvent event;
  event.at = run.started;
  event.run = ol::run_uuid(run.id.text());
  event.job = {name_space, experiment};
  event.job_type = "RUN";
  event.program_version = version;
  event.facts = Json{{"run", run.id.text()}, {"name", run.name}, {"user", run.user}};
  // A nested run's parent, as MLflow's clients say it.
  if (const auto parent = run.tags.find("mlflow.parentRunId"); parent != run.tags.end())
    event.parent = ol::Parent{ol::run_uuid(parent->second), event.job};
  for (const tracking::DatasetInput& input : run.inputs)
    event.inputs.push_back({name_space, input.name, input.digest, {}, {}, {}});
  std::vector<LineageEvent> events{{run.id.text() + "/START", event}};
  if (!tracking::has_ended(run.status)) return events;
  event.type = type_of(run.status);
  event.at = run.ended.value_or(run.started);
  if (event.type == ol::EventType::Fail) event.error = "the run failed";
  events.push_back({run.id.text() + "/" + std::string(ol::name_of(event.type)), event});
  return events;
}

}  // namespace martlet::lifecycle

#include "server/mlflow/run_wire.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

namespace martlet::server::mlflow {

namespace {

using tracking::RunStatus;

constexpr std::int64_t kMicrosPerMilli = 1000;
constexpr std::size_t kMaxTagCharacters = 8000;
constexpr std::size_t kMaxParamCharacters = 6000;
constexpr std::string_view kContextTag = "mlflow.data.context";

struct StatusName {
  RunStatus status;
  std::string_view name;
  std::string_view number;
};
constexpr std::array kStatuses{StatusName{RunStatus::Running, "RUNNING", "1"},
                               StatusName{RunStatus::Scheduled, "SCHEDULED", "2"},
                               StatusName{RunStatus::Finished, "FINISHED", "3"},
                               StatusName{RunStatus::Failed, "FAILED", "4"},
                               StatusName{RunStatus::Killed, "KILLED", "5"}};

// The first `characters` of a text in UTF-8.
std::string cut(std::string text, std::size_t characters) {
  if (text.size() <= characters) return text;
  std::size_t seen = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) == 0x80) continue;
    if (seen++ == characters) {
      text.resize(i);
      break;
    }
  }
  return text;
}

std::string text_of(const Json& details, const char* key) {
  const auto found = details.find(key);
  return found != details.end() && found->is_string() ? found->get<std::string>() : std::string();
}

void write_input(JsonWriter& json, const tracking::DatasetInput& input) {
  json.begin_object();
  json.key("tags").begin_array();
  const auto tag = [&](std::string_view key, std::string_view value) {
    json.begin_object().text_always("key", key).text_always("value", value).end_object();
  };
  if (!input.context.empty()) tag(kContextTag, input.context);
  if (const auto tags = input.details.find("tags"); tags != input.details.end()) {
    for (const auto& [key, value] : tags->items())
      if (value.is_string()) tag(key, value.get_ref<const std::string&>());
  }
  json.end_array();
  json.key("dataset").begin_object();
  json.text_always("name", input.name).text_always("digest", input.digest);
  for (const char* key : {"source_type", "source", "schema", "profile"})
    json.text(key, text_of(input.details, key));
  json.end_object().end_object();
}

}  // namespace

std::int64_t millis_of(Timestamp at) {
  const std::int64_t millis = at.micros / kMicrosPerMilli;
  return at.micros % kMicrosPerMilli < 0 ? millis - 1 : millis;
}

Timestamp from_millis(std::int64_t millis) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / kMicrosPerMilli;
  return Timestamp{std::clamp(millis, -kMost, kMost) * kMicrosPerMilli};
}

std::string_view stage_of(tracking::Lifecycle lifecycle) { return tracking::name_of(lifecycle); }

std::string_view status_of(RunStatus status) {
  for (const StatusName& known : kStatuses)
    if (known.status == status) return known.name;
  return "RUNNING";
}

std::optional<RunStatus> run_status(std::string_view text) {
  for (const StatusName& known : kStatuses)
    if (known.name == text || known.number == text) return known.status;
  return std::nullopt;
}

tracking::View view_of(const Fields& fields, std::string_view name) {
  if (!fields.has(name)) return tracking::View::Active;
  const std::optional<std::int64_t> number =
      fields.enum_number(name, {{"ACTIVE_ONLY", 1}, {"DELETED_ONLY", 2}, {"ALL", 3}});
  switch (number.value_or(1)) {
    case 2: return tracking::View::Deleted;
    case 3: return tracking::View::All;
    default: return tracking::View::Active;
  }
}

std::string artifact_location(const ExperimentId& experiment) {
  return "mlflow-artifacts:/" + experiment.text();
}

std::string artifact_uri(const ExperimentId& experiment, const tracking::FileOwner& owner) {
  return tracking::artifact_location(experiment, owner);
}

std::string artifact_uri(const tracking::Run& run) {
  return artifact_uri(run.experiment, {.run = run.id});
}

void write_texts(JsonWriter& json, std::string_view name, const tracking::Texts& texts) {
  if (texts.empty()) return;
  json.key(name).begin_array();
  for (const auto& [key, value] : texts)
    json.begin_object().text_always("key", key).text_always("value", value).end_object();
  json.end_array();
}

void write(JsonWriter& json, const tracking::Experiment& experiment) {
  json.begin_object();
  json.text_always("experiment_id", experiment.id.text()).text_always("name", experiment.name);
  json.text_always("artifact_location", artifact_location(experiment.id));
  json.text_always("lifecycle_stage", stage_of(experiment.lifecycle));
  json.integer("last_update_time", millis_of(experiment.updated));
  json.integer("creation_time", millis_of(experiment.created));
  write_texts(json, "tags", experiment.tags);
  json.end_object();
}

void write_run_info(JsonWriter& json, const tracking::Run& run) {
  json.begin_object();
  json.text_always("run_id", run.id.text()).text_always("run_uuid", run.id.text());
  json.text_always("run_name", run.name);
  json.text_always("experiment_id", run.experiment.text());
  json.text_always("user_id", run.user);
  json.text_always("status", status_of(run.status));
  json.integer("start_time", millis_of(run.started));
  if (run.ended.has_value()) json.integer("end_time", millis_of(*run.ended));
  json.text_always("artifact_uri", artifact_uri(run));
  json.text_always("lifecycle_stage", stage_of(run.lifecycle));
  json.end_object();
}

void write(JsonWriter& json, const tracking::Metric& metric) {
  json.begin_object().text_always("key", metric.key).number("value", metric.value);
  json.integer("timestamp", millis_of(metric.at)).integer("step", metric.step).end_object();
}

void write(JsonWriter& json, const tracking::Run& run) {
  json.begin_object().key("info");
  write_run_info(json, run);
  json.key("data").begin_object();
  if (!run.metrics.empty()) {
    json.key("metrics").begin_array();
    for (const auto& [key, metric] : run.metrics) write(json, metric);
    json.end_array();
  }
  write_texts(json, "params", run.params);
  write_texts(json, "tags", run.tags);
  json.end_object();
  json.key("inputs").begin_object();
  if (!run.inputs.empty()) {
    json.key("dataset_inputs").begin_array();
    for (const tracking::DatasetInput& input : run.inputs) write_input(json, input);
    json.end_array();
  }
  if (!run.model_inputs.empty()) {
    json.key("model_inputs").begin_array();
    for (const tracking::RunModel& model : run.model_inputs)
      json.begin_object().text_always("model_id", model.model).end_object();
    json.end_array();
  }
  json.end_object();
  if (!run.model_outputs.empty()) {
    json.key("outputs").begin_object().key("model_outputs").begin_array();
    for (const tracking::RunModel& model : run.model_outputs)
      json.begin_object()
          .text_always("model_id", model.model)
          .integer("step", model.step)
          .end_object();
    json.end_array().end_object();
  }
  json.end_object();
}

tracking::Metric read_metric(const Fields& fields) {
  tracking::Metric metric;
  metric.key = fields.required_name("key");
  metric.value = fields.required_number("value");
  const std::int64_t at = fields.required_integer("timestamp");
  if (at < 0) fields.refuse("timestamp", "it is milliseconds since 1970 and can't be negative");
  metric.at = from_millis(at);
  metric.step = fields.integer("step").value_or(0);
  return metric;
}

void add_tag(tracking::RunBatch& batch, std::string key, std::string value) {
  batch.tags[std::move(key)] = cut(std::move(value), kMaxTagCharacters);
}

void add_param(tracking::RunBatch& batch, std::string key, std::string value) {
  batch.params[std::move(key)] = cut(std::move(value), kMaxParamCharacters);
}

std::vector<tracking::DatasetInput> read_datasets(const Fields& fields) {
  std::vector<tracking::DatasetInput> inputs;
  for (const Fields& one : fields.objects("datasets")) {
    tracking::DatasetInput input;
    const std::optional<Fields> dataset = one.object("dataset");
    if (!dataset.has_value()) {
      if (!one.has("dataset")) one.missing("dataset");
      continue;
    }
    input.name = dataset->required_name("name");
    input.digest = dataset->required_name("digest");
    input.details["source_type"] = dataset->required_name("source_type");
    input.details["source"] = dataset->required_name("source");
    for (const char* key : {"schema", "profile"}) {
      if (const auto text = dataset->text(key)) input.details[key] = *text;
    }
    Json tags = Json::object();
    for (auto& [key, value] : one.pairs("tags")) {
      if (key == kContextTag) {
        input.context = std::move(value);
      } else {
        tags[key] = std::move(value);
      }
    }
    if (!tags.empty()) input.details["tags"] = std::move(tags);
    inputs.push_back(std::move(input));
  }
  return inputs;
}

}  // namespace martlet::server::mlflow

#include "server/mlflow/run_calls.h"

#include "metadata/database.h"
#include "server/mlflow/endpoint.h"
#include "server/mlflow/page_token.h"
#include "server/mlflow/run_wire.h"
#include "tracking/model_history.h"
#include "tracking/tracker.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace martlet::server::mlflow {

namespace {

using tracking::RunBatch;
using tracking::Tracker;

constexpr std::int64_t kMostResults = 50'000;
constexpr std::int64_t kUsualResults = 1000;
constexpr std::size_t kMostMetrics = 1000;
constexpr std::size_t kMostParams = 100;
constexpr std::size_t kMostTags = 100;
constexpr std::size_t kMostTogether = 1000;

RunId run_id(const Fields& fields) { return RunId(fields.required_name("run_id", "run_uuid")); }

// MLflow's words for a run that isn't there.
template <class T>
Result<T> told(Result<T> result, const RunId& run) {
  if (!result.has_value() && result.error().code() == ErrorCode::NotFound)
    return not_found(fmt::format("Run with id={} not found", run.text().substr(0, 300)));
  return result;
}

std::string run_answer(const tracking::Run& run) {
  JsonWriter json;
  json.begin_object().key("run");
  write(json, run);
  return json.end_object().take();
}

Result<net::Response> create(Tracker& tracker, Message& message, Once& once) {
  const Fields fields = message.fields();
  tracking::NewRun request;
  request.experiment = ExperimentId(fields.required_name("experiment_id"));
  request.user = fields.text("user_id").value_or("");
  request.name = fields.text("run_name").value_or("");
  if (const auto start = fields.integer("start_time")) request.started = from_millis(*start);
  for (auto& [key, value] : fields.pairs("tags"))
    add_tag(request.first, std::move(key), std::move(value));
  MARTLET_TRY(message.check());
  const auto named = request.first.tags.find(std::string(tracking::kNameTag));
  if (named != request.first.tags.end()) {
    if (!request.name.empty() && request.name != named->second) {
      return invalid_argument(
          fmt::format("Both 'run_name' argument and 'mlflow.runName' tag are specified, but with "
                      "different values (run_name='{}', mlflow.runName='{}').",
                      request.name, named->second));
    }
    request.name = named->second;
  }
  return once.answer<tracking::Run>(
      [&](const metadata::Also<tracking::Run>& also) { return tracker.start_run(request, also); },
      run_answer);
}

Result<std::string> get(Tracker& tracker, Message& message) {
  const RunId run = run_id(message.fields());
  MARTLET_TRY(message.check());
  MARTLET_TRY_SET(const tracking::Run found, told(tracker.run(run), run));
  return run_answer(found);
}

Result<std::string> update(Tracker& tracker, Message& message) {
  const Fields fields = message.fields();
  const RunId run = run_id(fields);
  tracking::RunUpdate update;
  if (const auto status = fields.enum_number(
          "status",
          {{"RUNNING", 1}, {"SCHEDULED", 2}, {"FINISHED", 3}, {"FAILED", 4}, {"KILLED", 5}}))
    update.status = run_status(std::to_string(*status));
  if (const auto end = fields.integer("end_time")) update.ended = from_millis(*end);
  update.name = fields.text("run_name");
  if (update.name.has_value() && update.name->empty()) update.name.reset();
  MARTLET_TRY(message.check());
  MARTLET_TRY_SET(const tracking::Run updated, told(tracker.update_run(run, update), run));
  JsonWriter json;
  json.begin_object().key("run_info");
  write_run_info(json, updated);
  return json.end_object().take();
}

std::string told_of(const tracking::RunSearch& search) {
  std::string told = fmt::format("runs\n{}\n{}", static_cast<int>(search.view), search.filter);
  for (const ExperimentId& experiment : search.experiments) told += "\ne" + experiment.text();
  for (const std::string& term : search.order_by) told += "\no" + term;
  return told;
}

Result<std::string> search(Tracker& tracker, const PageTokens& tokens, Message& message) {
  const Fields fields = message.fields();
  tracking::RunSearch search;
  for (std::string& id : fields.texts("experiment_ids"))
    search.experiments.push_back(ExperimentId(std::move(id)));
  search.filter = fields.text("filter").value_or("");
  search.view = view_of(fields, "run_view_type");
  search.order_by = fields.texts("order_by");
  search.limit = fields.integer("max_results").value_or(kUsualResults);
  if (search.limit < 1 || search.limit > kMostResults)
    fields.refuse("max_results", fmt::format("it is between 1 and {}", kMostResults));
  const std::string token = fields.text("page_token").value_or("");
  MARTLET_TRY(message.check());
  // Of no experiments there are no runs.
  if (search.experiments.empty()) return "{}";
  const std::string told = told_of(search);
  MARTLET_TRY_SET(const PagePlace place, tokens.place_of(token, told));
  search.from = {place.part, place.offset, place.at};
  MARTLET_TRY_SET(const tracking::RunPage page, tracker.search(search));
  JsonWriter json;
  json.begin_object();
  if (!page.runs.empty()) {
    json.key("runs").begin_array();
    for (const tracking::Run& run : page.runs) write(json, run);
    json.end_array();
  }
  if (page.next.has_value())
    json.text("next_page_token",
              tokens.token_of({page.next->part, page.next->offset, page.next->at}, told));
  return json.end_object().take();
}

Result<std::string> set_lifecycle(Tracker& tracker, Message& message,
                                  tracking::Lifecycle lifecycle) {
  const RunId run = run_id(message.fields());
  MARTLET_TRY(message.check());
  MARTLET_TRY(told(tracker.set_run_lifecycle(run, lifecycle), run));
  return "{}";
}

Result<std::string> log(Tracker& tracker, Message& message, const RunId& run,
                        const RunBatch& batch) {
  MARTLET_TRY(message.check());
  MARTLET_TRY(told(tracker.log(run, batch), run));
  return "{}";
}

// Of a logged model too, when it names one.
void add_metric(RunBatch& batch, const Fields& fields) {
  batch.metrics.push_back(read_metric(fields));
  const std::string model = fields.text("model_id").value_or("");
  if (model.empty()) return;
  batch.model_metrics.push_back({model, batch.metrics.back(),
                                 fields.text("dataset_name").value_or(""),
                                 fields.text("dataset_digest").value_or("")});
}

Result<std::string> log_metric(Tracker& tracker, Message& message) {
  const Fields fields = message.fields();
  const RunId run = run_id(fields);
  RunBatch batch;
  add_metric(batch, fields);
  return log(tracker, message, run, batch);
}

Result<std::string> log_parameter(Tracker& tracker, Message& message) {
  const Fields fields = message.fields();
  const RunId run = run_id(fields);
  RunBatch batch;
  add_param(batch, fields.required_name("key"), fields.text("value").value_or(""));
  return log(tracker, message, run, batch);
}

Result<std::string> set_tag(Tracker& tracker, Message& message) {
  const Fields fields = message.fields();
  const RunId run = run_id(fields);
  RunBatch batch;
  add_tag(batch, fields.required_name("key"), fields.required_text("value"));
  return log(tracker, message, run, batch);
}

Result<std::string> delete_tag(Tracker& tracker, Message& message) {
  const Fields fields = message.fields();
  const RunId run = run_id(fields);
  const std::string key = fields.required_name("key");
  MARTLET_TRY(message.check());
  auto removed = tracker.remove_tag(run, key);
  if (!removed.has_value() && removed.error().code() == ErrorCode::NotFound) {
    MARTLET_TRY(told(tracker.run(run), run));
    return not_found(fmt::format("No tag with name: {} in run with id {}", key, run.text()));
  }
  MARTLET_TRY(std::move(removed));
  return "{}";
}

Result<void> check_sizes(std::size_t metrics, std::size_t params, std::size_t tags) {
  const auto over = [](std::size_t count, std::size_t most, std::string_view what) {
    return count <= most
               ? Result<void>()
               : Result<void>(invalid_argument(fmt::format(
                     "A batch logging request can contain at most {} {}. Got {} {}. Please "
                     "split up {} across multiple requests and try again.",
                     most, what, count, what, what)));
  };
  MARTLET_TRY(over(metrics, kMostMetrics, "metrics"));
  MARTLET_TRY(over(params, kMostParams, "params"));
  MARTLET_TRY(over(tags, kMostTags, "tags"));
  return over(metrics + params + tags, kMostTogether, "metrics, params and tags together");
}

Result<std::string> log_batch(Tracker& tracker, Message& message) {
  const Fields fields = message.fields();
  const RunId run = run_id(fields);
  RunBatch batch;
  const std::vector<Fields> metrics = fields.objects("metrics");
  batch.metrics.reserve(metrics.size());
  for (const Fields& metric : metrics) add_metric(batch, metric);
  auto params = fields.pairs("params");
  const std::size_t param_count = params.size();
  for (auto& [key, value] : params) {
    if (batch.params.contains(key))
      fields.refuse("params", fmt::format("duplicate parameter key '{}' in one request", key));
    add_param(batch, std::move(key), std::move(value));
  }
  auto tags = fields.pairs("tags");
  const std::size_t tag_count = tags.size();
  for (auto& [key, value] : tags) add_tag(batch, std::move(key), std::move(value));
  MARTLET_TRY(message.check());
  MARTLET_TRY(check_sizes(metrics.size(), param_count, tag_count));
  return log(tracker, message, run, batch);
}

Result<std::string> log_inputs(Tracker& tracker, Message& message) {
  const Fields fields = message.fields();
  const RunId run = run_id(fields);
  RunBatch batch;
  batch.inputs = read_datasets(fields);
  for (const Fields& model : fields.objects("models"))
    batch.model_inputs.push_back({model.required_name("model_id"), 0});
  return log(tracker, message, run, batch);
}

Result<std::string> log_outputs(Tracker& tracker, Message& message) {
  const Fields fields = message.fields();
  const RunId run = run_id(fields);
  RunBatch batch;
  for (const Fields& model : fields.objects("models"))
    batch.model_outputs.push_back(
        {model.required_name("model_id"), model.integer("step").value_or(0)});
  return log(tracker, message, run, batch);
}

// Old clients note their models at the run.
Result<net::Response> log_model(metadata::Database& database, Message& message, Once& once) {
  const Fields fields = message.fields();
  const RunId run = run_id(fields);
  const std::string text = fields.required_name("model_json");
  MARTLET_TRY(message.check());
  const auto model = parse_json(text);
  if (!model.has_value() || !model->is_object()) {
    return invalid_argument("Malformed model info: model_json must be the text of a JSON object");
  }
  for (const char* key : {"artifact_path", "flavors", "utc_time_created", "run_id"}) {
    if (!model->contains(key))
      return invalid_argument(fmt::format("Model json is missing mandatory field '{}'", key));
  }
  const auto note = [&](const metadata::Also<RunId>& also) {
    return told(database.write([&](metadata::Transaction& tx) -> Result<RunId> {
      MARTLET_TRY(tracking::add_to_model_history(tx, run, *model));
      return metadata::with<RunId>(tx, run, also);
    }),
                run);
  };
  return once.answer<RunId>(note, [](const RunId&) { return "{}"; });
}

}  // namespace

void add_run_calls(Calls& calls, Tracker& tracker, metadata::Database& database,
                   const PageTokens& tokens) {
  const auto call = [&tracker](Result<std::string> (*function)(Tracker&, Message&)) {
    return [&tracker, function](Message& message, const net::Request&) {
      return function(tracker, message);
    };
  };
  const auto lifecycle = [&tracker](tracking::Lifecycle to) {
    return [&tracker, to](Message& message, const net::Request&) {
      return set_lifecycle(tracker, message, to);
    };
  };
  calls.create("runs/create", "A new run.",
               [&tracker](Message& message, const net::Request&, Once& once) {
                 return create(tracker, message, once);
               });
  calls.get("runs/get", "A run, deleted ones too.", call(get));
  calls.post("runs/update", "Status, end or name of a run.", call(update));
  calls.post("runs/search", "A page of runs.",
             [&tracker, &tokens](Message& message, const net::Request&) {
               return search(tracker, tokens, message);
             });
  calls.post("runs/delete", "Marks a run deleted.", lifecycle(tracking::Lifecycle::Deleted));
  calls.post("runs/restore", "Brings a run back.", lifecycle(tracking::Lifecycle::Active));
  calls.post("runs/log-metric", "One point of a metric.", call(log_metric));
  calls.post("runs/log-parameter", "One param.", call(log_parameter));
  calls.post("runs/set-tag", "Sets a tag.", call(set_tag));
  calls.post("runs/delete-tag", "Removes a tag.", call(delete_tag));
  calls.post("runs/log-batch", "Metrics, params and tags, all or none.", call(log_batch));
  calls.post("runs/log-inputs", "Datasets and models that a run read.", call(log_inputs));
  calls.post("runs/outputs", "Models that a run made.", call(log_outputs));
  calls.create("runs/log-model", "A model of an old client.",
               [&database](Message& message, const net::Request&, Once& once) {
                 return log_model(database, message, once);
               });
}

}  // namespace martlet::server::mlflow

#include "server/mlflow/logged_model_calls.h"

#include "base/json.h"
#include "base/text.h"
#include "server/mlflow/endpoint.h"
#include "server/mlflow/page_token.h"
#include "server/mlflow/run_wire.h"
#include "tracking/logged_model.h"

#include <fmt/format.h>

namespace martlet::server::mlflow {

namespace {

using net::Request;
using tracking::LoggedModel;
using tracking::LoggedModels;
using tracking::LoggedModelStatus;

constexpr std::int64_t kUsualResults = 50;
constexpr std::int64_t kMostResults = 1000;
// Where a client that registers the model notes it: a JSON list of {name, version}.
constexpr const char* kVersionsTag = "mlflow.modelVersions";

int number_of(LoggedModelStatus status) { return static_cast<int>(status) + 1; }
std::string_view text_of(LoggedModelStatus status) {
  switch (status) {
    case LoggedModelStatus::Pending: return "LOGGED_MODEL_PENDING";
    case LoggedModelStatus::Ready: return "LOGGED_MODEL_READY";
    case LoggedModelStatus::UploadFailed: return "LOGGED_MODEL_UPLOAD_FAILED";
  }
  return "LOGGED_MODEL_STATUS_UNSPECIFIED";
}

void write_registrations(JsonWriter& json, const LoggedModel& model) {
  const auto tag = model.tags.find(kVersionsTag);
  if (tag == model.tags.end()) return;
  const auto versions = parse_json(tag->second);
  if (!versions.has_value() || !versions->is_array()) return;
  json.key("registrations").begin_array();
  for (const Json& version : *versions) {
    if (!version.is_object()) continue;
    json.begin_object();
    for (const char* key : {"name", "version"}) {
      const auto found = version.find(key);
      if (found == version.end()) continue;
      json.text(key, found->is_string() ? found->get<std::string>() : to_text(*found));
    }
    json.end_object();
  }
  json.end_array();
}

void write(JsonWriter& json, const LoggedModel& model) {
  json.begin_object().key("info").begin_object();
  json.text_always("model_id", model.id).text_always("experiment_id", model.experiment.text());
  json.text_always("name", model.name);
  json.integer("creation_timestamp_ms", millis_of(model.created));
  json.integer("last_updated_timestamp_ms", millis_of(model.updated));
  json.text_always("artifact_uri", artifact_uri(model.experiment, {.run = {}, .model = model.id}));
  json.text_always("status", text_of(model.status));
  json.text("model_type", model.type);  // creator_id is a number of MLflow's own accounts
  json.text("source_run_id", model.source_run.text()).text("status_message", model.status_message);
  write_texts(json, "tags", model.tags);
  write_registrations(json, model);
  json.end_object().key("data").begin_object();
  write_texts(json, "params", model.params);
  if (!model.metrics.empty()) {
    json.key("metrics").begin_array();
    for (const tracking::LoggedModelMetric& one : model.metrics) {
      const tracking::Metric& metric = one.measured.metric;
      json.begin_object().text_always("key", metric.key).number("value", metric.value);
      json.integer("timestamp", millis_of(metric.at)).integer("step", metric.step);
      json.text("dataset_name", one.measured.dataset_name);
      json.text("dataset_digest", one.measured.dataset_digest);
      json.text_always("model_id", model.id).text("run_id", one.run.text()).end_object();
    }
    json.end_array();
  }
  json.end_object().end_object();
}

std::string answer_of(const LoggedModel& model) {
  JsonWriter json;
  json.begin_object().key("model");
  write(json, model);
  return json.end_object().take();
}

std::string model_id(const Request& request) { return std::string(request.path_value("model_id")); }

tracking::Texts texts_of(const Fields& fields, std::string_view name) {
  tracking::Texts texts;
  for (auto& [key, value] : fields.pairs(name)) texts[key] = std::move(value);
  return texts;
}

Result<net::Response> create(LoggedModels& models, Message& message, Once& once) {
  const Fields fields = message.fields();
  tracking::NewLoggedModel request;
  request.experiment = ExperimentId(fields.required_name("experiment_id"));
  request.name = fields.text("name").value_or("");
  request.type = fields.text("model_type").value_or("");
  request.source_run = RunId(fields.text("source_run_id").value_or(""));
  request.params = texts_of(fields, "params");
  request.tags = texts_of(fields, "tags");
  if (const auto user = request.tags.find("mlflow.user"); user != request.tags.end())
    request.creator = user->second;
  MARTLET_TRY(message.check());
  return once.answer<LoggedModel>(
      [&](const metadata::Also<LoggedModel>& also) { return models.create(request, also); },
      answer_of);
}

Result<std::string> get(LoggedModels& models, Message& message, const Request& request) {
  const bool deleted_too = message.fields().boolean("allow_deleted").value_or(false);
  MARTLET_TRY(message.check());
  MARTLET_TRY_SET(const LoggedModel model, models.model(model_id(request), deleted_too));
  return answer_of(model);
}

Result<std::string> finalize(LoggedModels& models, Message& message, const Request& request) {
  const Fields fields = message.fields();
  if (!fields.has("status")) fields.missing("status");
  const auto status = fields.enum_number(
      "status",
      {{text_of(LoggedModelStatus::Pending), number_of(LoggedModelStatus::Pending)},
       {text_of(LoggedModelStatus::Ready), number_of(LoggedModelStatus::Ready)},
       {text_of(LoggedModelStatus::UploadFailed), number_of(LoggedModelStatus::UploadFailed)}});
  const std::string why = fields.text("status_message").value_or("");
  MARTLET_TRY(message.check());
  MARTLET_TRY_SET(const LoggedModel model,
                  models.set_status(model_id(request),
                                    static_cast<LoggedModelStatus>(status.value_or(1) - 1), why));
  return answer_of(model);
}

Result<std::string> remove(LoggedModels& models, Message&, const Request& request) {
  MARTLET_TRY(models.remove(model_id(request)));
  return "{}";
}

Result<std::string> set_tags(LoggedModels& models, Message& message, const Request& request) {
  const tracking::Texts tags = texts_of(message.fields(), "tags");
  MARTLET_TRY(message.check());
  MARTLET_TRY_SET(const LoggedModel model, models.set_tags(model_id(request), tags));
  return answer_of(model);
}

Result<std::string> remove_tag(LoggedModels& models, Message&, const Request& request) {
  MARTLET_TRY(models.remove_tag(model_id(request), std::string(request.path_value("key"))));
  return "{}";
}

Result<std::string> add_params(LoggedModels& models, Message& message, const Request& request) {
  const tracking::Texts params = texts_of(message.fields(), "params");
  MARTLET_TRY(message.check());
  MARTLET_TRY(models.add_params(model_id(request), params));
  return "{}";
}

Result<std::string> search(LoggedModels& models, const PageTokens& tokens, Message& message) {
  const Fields fields = message.fields();
  tracking::LoggedModelSearch search;
  for (std::string& id : fields.texts("experiment_ids"))
    search.experiments.push_back(ExperimentId(std::move(id)));
  if (search.experiments.empty()) fields.missing("experiment_ids");
  search.filter = fields.text("filter").value_or("");
  for (const Fields& dataset : fields.objects("datasets"))
    search.datasets.emplace_back(dataset.required_name("dataset_name"),
                                 dataset.text("dataset_digest").value_or(""));
  for (const Fields& order : fields.objects("order_by")) {
    search.order_by.push_back(
        {order.required_name("field_name"), order.boolean("ascending").value_or(true),
         order.text("dataset_name").value_or(""), order.text("dataset_digest").value_or("")});
  }
  search.limit = fields.integer("max_results").value_or(kUsualResults);
  if (search.limit < 1 || search.limit > kMostResults)
    fields.refuse("max_results", fmt::format("it is between 1 and {}", kMostResults));
  const std::string token = fields.text("page_token").value_or("");
  MARTLET_TRY(message.check());
  std::string told = "logged-models\n" + search.filter;
  for (const ExperimentId& experiment : search.experiments) told += "\ne" + experiment.text();
  for (const auto& [name, digest] : search.datasets) told += "\nd" + name + "\n" + digest;
  for (const tracking::LoggedModelOrder& order : search.order_by) {
    told += fmt::format("\no{}\n{}\n{}\n{}", order.field, order.ascending, order.dataset_name,
                        order.dataset_digest);
  }
  MARTLET_TRY_SET(const PagePlace place, tokens.place_of(token, told));
  search.offset = place.offset;
  MARTLET_TRY_SET(const tracking::LoggedModelPage page, models.search(search));
  JsonWriter json;
  json.begin_object();
  if (!page.models.empty()) {
    json.key("models").begin_array();
    for (const LoggedModel& model : page.models) write(json, model);
    json.end_array();
  }
  if (page.more)
    json.text("next_page_token", tokens.token_of({0, search.offset + search.limit}, told));
  return json.end_object().take();
}

}  // namespace

void add_logged_model_calls(Calls& calls, LoggedModels& models, const PageTokens& tokens) {
  const auto call =
      [&models](Result<std::string> (*function)(LoggedModels&, Message&, const Request&)) {
        return [&models, function](Message& message, const Request& request) {
          return function(models, message, request);
        };
      };
  using net::Method;
  calls.create("logged-models", "A new logged model.",
               [&models](Message& message, const net::Request&, Once& once) {
                 return create(models, message, once);
               });
  calls.post("logged-models/search", "A page of logged models.",
             [&models, &tokens](Message& message, const Request&) {
               return search(models, tokens, message);
             });
  calls.get("logged-models/{model_id}", "A logged model.", call(get));
  calls.call(Method::Patch, "2.0", "logged-models/{model_id}", "How its upload ended.",
             call(finalize));
  calls.call(Method::Delete, "2.0", "logged-models/{model_id}", "Marks a logged model deleted.",
             call(remove));
  calls.call(Method::Patch, "2.0", "logged-models/{model_id}/tags", "Sets tags.", call(set_tags));
  calls.call(Method::Delete, "2.0", "logged-models/{model_id}/tags/{key}", "Removes a tag.",
             call(remove_tag));
  calls.post("logged-models/{model_id}/params", "Adds params.", call(add_params));
}

}  // namespace martlet::server::mlflow

#include "server/mlflow/trace_calls.h"

#include "base/json.h"
#include "base/time.h"
#include "server/mlflow/endpoint.h"
#include "server/mlflow/page_token.h"
#include "server/mlflow/run_wire.h"
#include "tracking/trace.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace martlet::server::mlflow {

namespace {

using net::Request;
using tracking::Trace;
using tracking::Traces;

constexpr std::int64_t kUsualResults = 100;
constexpr std::int64_t kMostResults = 500;
constexpr std::int64_t kMicrosPerSecond = 1'000'000;
// Where the client puts the spans.
constexpr const char* kLocationTag = "mlflow.artifactLocation";
constexpr const char* kKeptTexts[] = {"client_request_id", "request_preview", "response_preview"};

// protobuf's Duration: "1.5s".
std::optional<std::int64_t> duration_micros(const Fields& fields) {
  const std::optional<std::string> text = fields.text("execution_duration");
  if (!text.has_value()) return std::nullopt;
  double seconds = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (problem != std::errc() || std::string_view(end, text->data() + text->size()) != "s" ||
      !std::isfinite(seconds) || std::abs(seconds) > 1e12) {
    fields.refuse("execution_duration", "a duration such as \"1.5s\" is expected");
    return std::nullopt;
  }
  return std::llround(seconds * static_cast<double>(kMicrosPerSecond));
}

tracking::Texts map_of(const Fields& fields, std::string_view name) {
  tracking::Texts texts;
  const std::optional<Fields> map = fields.object(name);
  if (!map.has_value()) return texts;
  for (const std::string& key : map->names())
    if (auto value = map->text(key)) texts[key] = std::move(*value);
  return texts;
}

Result<Trace> read_trace(Message& message) {
  const Fields fields = message.fields();
  Trace trace;
  const std::optional<Fields> outer = fields.object("trace");
  const std::optional<Fields> info = outer.has_value() ? outer->object("trace_info") : std::nullopt;
  if (!info.has_value()) {
    fields.missing("trace.trace_info");
    return fail(message.check().error());
  }
  trace.id = info->required_name("trace_id");
  const auto location = info->object("trace_location");
  const auto place = location.has_value() ? location->object("mlflow_experiment") : std::nullopt;
  if (place.has_value()) {
    trace.experiment = ExperimentId(place->required_name("experiment_id"));
  } else {
    info->missing("trace_location.mlflow_experiment");
  }
  if (const auto requested = info->text("request_time")) {
    const auto at = parse_timestamp_utc(*requested);
    if (at.has_value()) {
      trace.requested = *at;
    } else {
      info->refuse("request_time", "an instant such as \"2026-01-31T12:00:00Z\" is expected");
    }
  }
  trace.duration_micros = duration_micros(*info);
  trace.state = info->text("state").value_or("STATE_UNSPECIFIED");
  for (const char* name : kKeptTexts)
    if (const auto text = info->text(name)) trace.details[name] = *text;
  trace.tags = map_of(*info, "tags");
  trace.metadata = map_of(*info, "trace_metadata");
  MARTLET_TRY(message.check());
  return trace;
}

void write_map(JsonWriter& json, std::string_view name, const tracking::Texts& texts) {
  if (texts.empty()) return;
  json.key(name).begin_object();
  for (const auto& [key, value] : texts) json.text_always(key, value);
  json.end_object();
}

std::string duration_text(std::int64_t micros) {
  return fmt::format("{}{}.{:06}s", micros < 0 ? "-" : "", std::abs(micros / kMicrosPerSecond),
                     std::abs(micros % kMicrosPerSecond));
}

void write(JsonWriter& json, const Trace& trace) {
  json.begin_object().text_always("trace_id", trace.id);
  json.key("trace_location").begin_object().text_always("type", "MLFLOW_EXPERIMENT");
  json.key("mlflow_experiment").begin_object();
  json.text_always("experiment_id", trace.experiment.text()).end_object().end_object();
  for (const char* name : kKeptTexts) {
    const auto text = trace.details.find(name);
    if (text != trace.details.end() && text->is_string())
      json.text(name, text->get_ref<const std::string&>());
  }
  json.text_always("request_time", to_text(trace.requested));
  if (trace.duration_micros.has_value())
    json.text("execution_duration", duration_text(*trace.duration_micros));
  json.text_always("state", trace.state);
  write_map(json, "trace_metadata", trace.metadata);
  write_map(json, "tags", trace.tags);
  json.end_object();
}

std::string answer_of(const Trace& trace) {
  JsonWriter json;
  json.begin_object().key("trace").begin_object().key("trace_info");
  write(json, trace);
  return json.end_object().end_object().take();
}

Result<net::Response> start(Traces& traces, Message& message, Once& once) {
  MARTLET_TRY_SET(Trace trace, read_trace(message));
  trace.tags[kLocationTag] = artifact_uri(trace.experiment, {.run = {}, .trace = trace.id});
  return once.answer<Trace>(
      [&](const metadata::Also<Trace>& also) { return traces.put(trace, also); }, answer_of);
}

Result<std::string> get(Traces& traces, Message&, const Request& request) {
  MARTLET_TRY_SET(const Trace trace, traces.trace(std::string(request.path_value("trace_id"))));
  return answer_of(trace);
}

Result<std::string> set_tag(Traces& traces, Message& message, const Request& request) {
  const Fields fields = message.fields();
  const std::string key = fields.required_name("key");
  const std::string value = fields.required_text("value");
  MARTLET_TRY(message.check());
  MARTLET_TRY(traces.set_tag(std::string(request.path_value("trace_id")), key, value));
  return "{}";
}

Result<std::string> delete_tag(Traces& traces, Message& message, const Request& request) {
  const std::string key = message.fields().required_name("key");
  MARTLET_TRY(message.check());
  MARTLET_TRY(traces.remove_tag(std::string(request.path_value("trace_id")), key));
  return "{}";
}

Result<std::string> delete_traces(Traces& traces, Message& message, const Request&) {
  const Fields fields = message.fields();
  const ExperimentId experiment(fields.required_name("experiment_id"));
  const std::vector<std::string> ids = [&] {
    auto named = fields.texts("trace_ids");
    return named.empty() ? fields.texts("request_ids") : named;
  }();
  const auto millis = fields.integer("max_timestamp_millis");
  const auto most = fields.integer("max_traces");
  if (ids.empty() == !millis.has_value())
    fields.refuse("max_timestamp_millis", "give either it or the ids of traces, not both");
  if (most.has_value() && *most < 1) fields.refuse("max_traces", "it is at least 1");
  MARTLET_TRY(message.check());
  MARTLET_TRY_SET(
      const std::int64_t removed,
      traces.remove(experiment, ids,
                    millis.has_value() ? std::optional(from_millis(*millis)) : std::nullopt, most));
  return JsonWriter().begin_object().integer("traces_deleted", removed).end_object().take();
}

Result<std::string> search(Traces& traces, const PageTokens& tokens, Message& message) {
  const Fields fields = message.fields();
  tracking::TraceSearch search;
  for (const Fields& location : fields.objects("locations")) {
    if (const auto place = location.object("mlflow_experiment"))
      search.experiments.push_back(ExperimentId(place->required_name("experiment_id")));
  }
  search.filter = fields.text("filter").value_or("");
  search.order_by = fields.texts("order_by");
  search.limit = fields.integer("max_results").value_or(kUsualResults);
  if (search.limit < 1 || search.limit > kMostResults)
    fields.refuse("max_results", fmt::format("it is between 1 and {}", kMostResults));
  const std::string token = fields.text("page_token").value_or("");
  MARTLET_TRY(message.check());
  std::string told = "traces\n" + search.filter;
  for (const ExperimentId& experiment : search.experiments) told += "\ne" + experiment.text();
  for (const std::string& term : search.order_by) told += "\no" + term;
  MARTLET_TRY_SET(const PagePlace place, tokens.place_of(token, told));
  search.offset = place.offset;
  MARTLET_TRY_SET(const tracking::TracePage page, traces.search(search));
  JsonWriter json;
  json.begin_object();
  if (!page.traces.empty()) {
    json.key("traces").begin_array();
    for (const Trace& trace : page.traces) write(json, trace);
    json.end_array();
  }
  if (page.more)
    json.text("next_page_token", tokens.token_of({0, search.offset + search.limit}, told));
  return json.end_object().take();
}

}  // namespace

void add_trace_calls(Calls& calls, Traces& traces, const PageTokens& tokens) {
  using net::Method;
  const auto call = [&traces](Result<std::string> (*function)(Traces&, Message&, const Request&)) {
    return [&traces, function](Message& message, const Request& request) {
      return function(traces, message, request);
    };
  };
  calls.create(
      "traces", "Records a trace.",
      [&traces](Message& message, const Request&, Once& once) {
        return start(traces, message, once);
      },
      "3.0");
  calls.call(Method::Post, "3.0", "traces/search", "A page of traces.",
             [&traces, &tokens](Message& message, const Request&) {
               return search(traces, tokens, message);
             });
  calls.call(Method::Get, "3.0", "traces/{trace_id}", "What is known of a trace.", call(get));
  for (const std::string_view version : {"2.0", "3.0"}) {
    calls.call(Method::Post, version, "traces/delete-traces", "Removes traces.",
               call(delete_traces));
    calls.call(Method::Patch, version, "traces/{trace_id}/tags", "Sets a tag.", call(set_tag));
    calls.call(Method::Delete, version, "traces/{trace_id}/tags", "Removes a tag.",
               call(delete_tag));
  }
}

}  // namespace martlet::server::mlflow

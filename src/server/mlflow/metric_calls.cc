#include "server/mlflow/metric_calls.h"

#include "server/mlflow/endpoint.h"
#include "server/mlflow/page_token.h"
#include "server/mlflow/run_wire.h"
#include "tracking/tracker.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace martlet::server::mlflow {

namespace {

using tracking::Metric;
using tracking::Tracker;

constexpr std::size_t kMostRuns = 100;
constexpr std::int64_t kMostBulkPoints = 25'000;
constexpr std::int64_t kMostIntervalPoints = 2'500;

// Of a run that isn't there: none, as MLflow has it.
Result<std::vector<Metric>> history_of(Tracker& tracker, const std::string& run,
                                       const std::string& key) {
  auto history = tracker.history(RunId(run), key);
  if (!history.has_value() && history.error().code() == ErrorCode::NotFound)
    return std::vector<Metric>();
  return history;
}

void write_with_run(JsonWriter& json, const Metric& metric, const std::string& run) {
  json.begin_object().text_always("key", metric.key).number("value", metric.value);
  json.integer("timestamp", millis_of(metric.at)).integer("step", metric.step);
  json.text_always("run_id", run).end_object();
}

Result<std::string> get_history(Tracker& tracker, const PageTokens& tokens, Message& message) {
  const Fields fields = message.fields();
  const std::string run = fields.required_name("run_id", "run_uuid");
  const std::string key = fields.required_name("metric_key");
  const std::optional<std::int64_t> limit = fields.integer("max_results");
  if (limit.has_value() && *limit < 1) fields.refuse("max_results", "it is at least 1");
  const std::string token = fields.text("page_token").value_or("");
  MARTLET_TRY(message.check());
  const std::string told = fmt::format("history\n{}\n{}", run, key);
  MARTLET_TRY_SET(const PagePlace place, tokens.place_of(token, told));
  MARTLET_TRY_SET(const std::vector<Metric> history, history_of(tracker, run, key));
  const std::int64_t begin = std::min<std::int64_t>(place.offset, std::ssize(history));
  const std::int64_t end = limit.has_value() && *limit < std::ssize(history) - begin
                               ? begin + *limit
                               : std::ssize(history);
  JsonWriter json;
  json.begin_object();
  if (begin < end) {
    json.key("metrics").begin_array();
    for (std::int64_t i = begin; i < end; ++i) write(json, history[static_cast<std::size_t>(i)]);
    json.end_array();
  }
  if (end < std::ssize(history)) json.text("next_page_token", tokens.token_of({0, end}, told));
  return json.end_object().take();
}

std::vector<std::string> runs_of(const Fields& fields, std::string_view name) {
  std::vector<std::string> runs = fields.texts(name);
  if (runs.empty()) fields.missing(name);
  if (runs.size() > kMostRuns)
    fields.refuse(name, fmt::format("at most {} runs can be asked for at once", kMostRuns));
  return runs;
}

// For a chart over several runs.
Result<std::string> get_history_bulk(Tracker& tracker, Message& message) {
  const Fields fields = message.fields();
  const std::vector<std::string> runs = runs_of(fields, "run_id");
  const std::string key = fields.required_name("metric_key");
  const std::int64_t limit = std::clamp<std::int64_t>(
      fields.integer("max_results").value_or(kMostBulkPoints), 1, kMostBulkPoints);
  MARTLET_TRY(message.check());
  JsonWriter json;
  json.begin_object().key("metrics").begin_array();
  std::int64_t written = 0;
  for (const std::string& run : runs) {
    MARTLET_TRY_SET(const std::vector<Metric> history, history_of(tracker, run, key));
    for (const Metric& metric : history) {
      if (written == limit) break;
      write_with_run(json, metric, run);
      ++written;
    }
  }
  return json.end_array().end_object().take();
}

// At most `most` of the steps, evenly spaced, with the first and the last.
std::set<std::int64_t> sample(const std::set<std::int64_t>& steps, std::int64_t most) {
  const auto count = static_cast<std::int64_t>(steps.size());
  if (count <= most) return steps;
  const std::vector<std::int64_t> all(steps.begin(), steps.end());
  std::set<std::int64_t> chosen{all.back()};
  for (std::int64_t i = 0; i < most - 1; ++i)
    chosen.insert(all[static_cast<std::size_t>(i * count / (most - 1 > 0 ? most - 1 : 1))]);
  return chosen;
}

Result<std::string> get_history_interval(Tracker& tracker, Message& message) {
  const Fields fields = message.fields();
  const std::vector<std::string> runs = runs_of(fields, "run_ids");
  const std::string key = fields.required_name("metric_key");
  const auto from = fields.integer("start_step");
  const auto to = fields.integer("end_step");
  if (from.has_value() != to.has_value())
    fields.refuse(from.has_value() ? "end_step" : "start_step", "give both or neither");
  if (from.has_value() && to.has_value() && *from > *to)
    fields.refuse("end_step", "it is before start_step");
  const std::int64_t most = fields.integer("max_results").value_or(kMostIntervalPoints);
  if (most < 1 || most > kMostIntervalPoints)
    fields.refuse("max_results", fmt::format("it is between 1 and {}", kMostIntervalPoints));
  MARTLET_TRY(message.check());
  std::vector<std::vector<Metric>> histories;
  std::set<std::int64_t> steps;
  std::set<std::int64_t> ends;  // of each run, which are always shown
  for (const std::string& run : runs) {
    MARTLET_TRY_SET(std::vector<Metric> history, history_of(tracker, run, key));
    std::erase_if(history, [&](const Metric& metric) {
      return from.has_value() && (metric.step < *from || metric.step > *to);
    });
    std::stable_sort(history.begin(), history.end(),
                     [](const Metric& a, const Metric& b) { return a.step < b.step; });
    for (const Metric& metric : history) steps.insert(metric.step);
    if (!history.empty()) {
      ends.insert(history.front().step);
      ends.insert(history.back().step);
    }
    histories.push_back(std::move(history));
  }
  std::set<std::int64_t> chosen = sample(steps, most);
  chosen.insert(ends.begin(), ends.end());
  JsonWriter json;
  json.begin_object().key("metrics").begin_array();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (const Metric& metric : histories[i])
      if (chosen.contains(metric.step)) write_with_run(json, metric, runs[i]);
  }
  return json.end_array().end_object().take();
}

}  // namespace

void add_metric_calls(Calls& calls, Tracker& tracker, const PageTokens& tokens) {
  calls.get("metrics/get-history", "All points of a metric, by time, step and value.",
            [&tracker, &tokens](Message& message, const net::Request&) {
              return get_history(tracker, tokens, message);
            });
  calls.get("metrics/get-history-bulk", "The points of a metric of several runs.",
            [&tracker](Message& message, const net::Request&) {
              return get_history_bulk(tracker, message);
            });
  calls.get("metrics/get-history-bulk-interval", "Some points of a metric of several runs.",
            [&tracker](Message& message, const net::Request&) {
              return get_history_interval(tracker, message);
            });
}

}  // namespace martlet::server::mlflow

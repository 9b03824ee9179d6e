#include "server/mlflow/experiment_calls.h"

#include "server/mlflow/endpoint.h"
#include "server/mlflow/page_token.h"
#include "server/mlflow/run_wire.h"
#include "tracking/tracker.h"

#include <fmt/format.h>

namespace martlet::server::mlflow {

namespace {

using tracking::Tracker;

constexpr std::int64_t kMostResults = 50'000;
constexpr std::int64_t kUsualResults = 1000;

Result<ExperimentId> experiment_id(const Fields& fields) {
  std::string id = fields.required_name("experiment_id");
  for (const char c : id) {
    if (c < '0' || c > '9')
      return invalid_argument(
          fmt::format("Invalid experiment id '{}': it is a whole number", id.substr(0, 100)));
  }
  return ExperimentId(std::move(id));
}

// What only the experiment's own place may be.
Result<void> check_location(const std::string& location) {
  if (location.empty() || location == "mlflow-artifacts:/") return {};
  return invalid_argument(
      fmt::format("artifact_location '{}' can't be chosen here: files are kept in the server's own "
                  "store, under "
                  "mlflow-artifacts:/<experiment_id>; leave artifact_location out",
                  location.substr(0, 200)));
}

std::string id_answer(const tracking::Experiment& made) {
  return JsonWriter()
      .begin_object()
      .text_always("experiment_id", made.id.text())
      .end_object()
      .take();
}

Result<net::Response> create(Tracker& tracker, Message& message, Once& once) {
  const Fields fields = message.fields();
  const std::string name = fields.required_name("name");
  const std::string location = fields.text("artifact_location").value_or("");
  tracking::Texts tags;
  for (auto& [key, value] : fields.pairs("tags")) tags[key] = std::move(value);
  MARTLET_TRY(message.check());
  MARTLET_TRY(check_location(location));
  return once.answer<tracking::Experiment>(
      [&](const metadata::Also<tracking::Experiment>& also) {
        return tracker.create_experiment(name, tags, also);
      },
      id_answer);
}

std::string answer_of(const tracking::Experiment& experiment) {
  JsonWriter json;
  json.begin_object().key("experiment");
  write(json, experiment);
  return json.end_object().take();
}

Result<std::string> get(Tracker& tracker, Message& message) {
  MARTLET_TRY_SET(const ExperimentId id, experiment_id(message.fields()));
  MARTLET_TRY(message.check());
  MARTLET_TRY_SET(const tracking::Experiment experiment, tracker.experiment(id));
  return answer_of(experiment);
}

Result<std::string> get_by_name(Tracker& tracker, Message& message) {
  const std::string name = message.fields().required_name("experiment_name");
  MARTLET_TRY(message.check());
  MARTLET_TRY_SET(const auto experiment, tracker.experiment_named(name));
  if (!experiment.has_value())
    return not_found(fmt::format("Could not find experiment with name '{}'", name));
  return answer_of(*experiment);
}

Result<std::string> search(Tracker& tracker, const PageTokens& tokens, Message& message) {
  const Fields fields = message.fields();
  tracking::ExperimentSearch search;
  search.view = view_of(fields, "view_type");
  search.filter = fields.text("filter").value_or("");
  search.order_by = fields.texts("order_by");
  search.limit = fields.integer("max_results").value_or(kUsualResults);
  if (search.limit < 1 || search.limit > kMostResults)
    fields.refuse("max_results", fmt::format("it is between 1 and {}", kMostResults));
  const std::string token = fields.text("page_token").value_or("");
  MARTLET_TRY(message.check());
  std::string told =
      fmt::format("experiments\n{}\n{}", static_cast<int>(search.view), search.filter);
  for (const std::string& term : search.order_by) told += "\n" + term;
  MARTLET_TRY_SET(const PagePlace place, tokens.place_of(token, told));
  search.offset = place.offset;
  MARTLET_TRY_SET(const tracking::ExperimentPage page, tracker.search_experiments(search));
  JsonWriter json;
  json.begin_object();
  if (!page.experiments.empty()) {
    json.key("experiments").begin_array();
    for (const tracking::Experiment& experiment : page.experiments) write(json, experiment);
    json.end_array();
  }
  if (page.more)
    json.text("next_page_token", tokens.token_of({0, search.offset + search.limit}, told));
  return json.end_object().take();
}

Result<std::string> update(Tracker& tracker, Message& message) {
  const Fields fields = message.fields();
  MARTLET_TRY_SET(const ExperimentId id, experiment_id(fields));
  const std::optional<std::string> name = fields.text("new_name");
  MARTLET_TRY(message.check());
  if (name.has_value()) MARTLET_TRY(tracker.rename_experiment(id, *name));
  return "{}";
}

// MLflow says of a change that was made already that there is no such thing to change.
Result<std::string> set_lifecycle(Tracker& tracker, Message& message,
                                  tracking::Lifecycle lifecycle) {
  MARTLET_TRY_SET(const ExperimentId id, experiment_id(message.fields()));
  MARTLET_TRY(message.check());
  auto changed = tracker.set_experiment_lifecycle(id, lifecycle);
  if (!changed.has_value() && changed.error().code() == ErrorCode::Conflict)
    return not_found(changed.error().message());
  MARTLET_TRY(std::move(changed));
  return "{}";
}

Result<std::string> set_tag(Tracker& tracker, Message& message) {
  const Fields fields = message.fields();
  MARTLET_TRY_SET(const ExperimentId id, experiment_id(fields));
  const std::string key = fields.required_name("key");
  const std::string value = fields.required_text("value");
  MARTLET_TRY(message.check());
  MARTLET_TRY(tracker.set_experiment_tag(id, key, value));
  return "{}";
}

Result<std::string> delete_tag(Tracker& tracker, Message& message) {
  const Fields fields = message.fields();
  MARTLET_TRY_SET(const ExperimentId id, experiment_id(fields));
  const std::string key = fields.required_name("key");
  MARTLET_TRY(message.check());
  MARTLET_TRY(tracker.remove_experiment_tag(id, key));
  return "{}";
}

}  // namespace

void add_experiment_calls(Calls& calls, Tracker& tracker, const PageTokens& tokens) {
  const auto call = [&tracker](Result<std::string> (*function)(Tracker&, Message&)) {
    return [&tracker, function](Message& message, const net::Request&) {
      return function(tracker, message);
    };
  };
  const auto searching = [&tracker, &tokens](Message& message, const net::Request&) {
    return search(tracker, tokens, message);
  };
  const auto lifecycle = [&tracker](tracking::Lifecycle to) {
    return [&tracker, to](Message& message, const net::Request&) {
      return set_lifecycle(tracker, message, to);
    };
  };
  calls.create("experiments/create", "A new experiment.",
               [&tracker](Message& message, const net::Request&, Once& once) {
                 return create(tracker, message, once);
               });
  calls.get("experiments/get", "An experiment, deleted ones too.", call(get));
  calls.get("experiments/get-by-name", "The experiment of a name.", call(get_by_name));
  calls.get("experiments/search", "A page of experiments.", searching);
  calls.post("experiments/search", "A page of experiments.", searching);
  calls.post("experiments/update", "Renames an experiment.", call(update));
  calls.post("experiments/delete", "Marks an experiment and its runs deleted.",
             lifecycle(tracking::Lifecycle::Deleted));
  calls.post("experiments/restore", "Brings an experiment back, with the runs that went with it.",
             lifecycle(tracking::Lifecycle::Active));
  calls.post("experiments/set-experiment-tag", "Sets a tag of an experiment.", call(set_tag));
  calls.post("experiments/delete-experiment-tag", "Removes a tag of an experiment.",
             call(delete_tag));
}

}  // namespace martlet::server::mlflow

#include "server/mlflow/registry_model_calls.h"

#include "registry/model_registry.h"
#include "server/mlflow/endpoint.h"
#include "server/mlflow/page_token.h"
#include "server/mlflow/registry_wire.h"

#include <fmt/format.h>

namespace martlet::server::mlflow {

namespace {

using registry::Alias;
using registry::ModelName;
using registry::ModelRegistry;
using registry::RegisteredModel;
using registry::Version;

constexpr std::int64_t kUsualResults = 100;
constexpr std::int64_t kMostResults = 1000;

const registry::Actor kActor{"mlflow"};

std::string answer_of(const RegisteredModel& model,
                      const std::vector<registry::ModelVersion>& latest) {
  JsonWriter json;
  json.begin_object().key("registered_model");
  write(json, model, latest);
  return json.end_object().take();
}

Result<std::string> answer_of(const ModelRegistry& models, const RegisteredModel& model) {
  MARTLET_TRY_SET(const auto latest, models.latest_versions(model.name, {}));
  return answer_of(model, latest);
}

Result<net::Response> create(ModelRegistry& models, Message& message, Once& once) {
  const Fields fields = message.fields();
  MARTLET_TRY_SET(const ModelName name, read_model_name(fields));
  const std::string description = fields.text("description").value_or("");
  const registry::Texts tags = read_tags(fields);
  MARTLET_TRY(message.check());
  return once.answer<RegisteredModel>(
      [&](const metadata::Also<RegisteredModel>& also) {
        return models.create_model(name, description, tags, kActor, also);
      },
      [](const RegisteredModel& made) { return answer_of(made, {}); });  // it has no versions yet
}

Result<std::string> get(ModelRegistry& models, Message& message) {
  MARTLET_TRY_SET(const ModelName name, read_model_name(message.fields()));
  MARTLET_TRY(message.check());
  MARTLET_TRY_SET(const RegisteredModel model, models.model(name));
  return answer_of(models, model);
}

Result<std::string> rename(ModelRegistry& models, Message& message) {
  const Fields fields = message.fields();
  MARTLET_TRY_SET(const ModelName name, read_model_name(fields));
  MARTLET_TRY_SET(const ModelName to, read_model_name(fields, "new_name"));
  MARTLET_TRY(message.check());
  MARTLET_TRY_SET(const RegisteredModel model, models.rename_model(name, to, kActor));
  return answer_of(models, model);
}

Result<std::string> update(ModelRegistry& models, Message& message) {
  const Fields fields = message.fields();
  MARTLET_TRY_SET(const ModelName name, read_model_name(fields));
  const std::string description = fields.text("description").value_or("");
  MARTLET_TRY(message.check());
  MARTLET_TRY_SET(const RegisteredModel model, models.describe_model(name, description, kActor));
  return answer_of(models, model);
}

Result<std::string> remove(ModelRegistry& models, Message& message) {
  MARTLET_TRY_SET(const ModelName name, read_model_name(message.fields()));
  MARTLET_TRY(message.check());
  MARTLET_TRY(models.remove_model(name, kActor));
  return "{}";
}

Result<std::string> search(ModelRegistry& models, const PageTokens& tokens, Message& message) {
  const Fields fields = message.fields();
  registry::RegistrySearch search = read_search(fields, kUsualResults, kMostResults);
  const std::string token = fields.text("page_token").value_or("");
  MARTLET_TRY(message.check());
  const std::string told = told_of("registered-models", search);
  MARTLET_TRY_SET(const PagePlace place, tokens.place_of(token, told));
  search.from = place.offset;
  MARTLET_TRY_SET(const registry::ModelPage page, models.search_models(search));
  JsonWriter json;
  json.begin_object();
  if (!page.models.empty()) {
    json.key("registered_models").begin_array();
    for (const RegisteredModel& model : page.models) {
      // Gone meanwhile: it has no versions.
      const auto latest = models.latest_versions(model.name, {});
      write(json, model, latest.has_value() ? *latest : std::vector<registry::ModelVersion>());
    }
    json.end_array();
  }
  if (page.next.has_value()) json.text("next_page_token", tokens.token_of({0, *page.next}, told));
  return json.end_object().take();
}

Result<std::string> latest_versions(ModelRegistry& models, Message& message) {
  const Fields fields = message.fields();
  MARTLET_TRY_SET(const ModelName name, read_model_name(fields));
  const std::vector<std::string> texts = fields.texts("stages");
  MARTLET_TRY(message.check());
  std::vector<registry::Stage> stages;
  for (const std::string& text : texts) {
    MARTLET_TRY_SET(const registry::Stage stage, registry::parse_stage(text));
    stages.push_back(stage);
  }
  MARTLET_TRY_SET(const auto latest, models.latest_versions(name, stages));
  JsonWriter json;
  json.begin_object();
  if (!latest.empty()) {
    json.key("model_versions").begin_array();
    for (const registry::ModelVersion& version : latest) write(json, version);
    json.end_array();
  }
  return json.end_object().take();
}

Result<std::string> set_tag(ModelRegistry& models, Message& message) {
  const Fields fields = message.fields();
  MARTLET_TRY_SET(const ModelName name, read_model_name(fields));
  const std::string key = fields.required_name("key");
  const std::string value = fields.text("value").value_or("");
  MARTLET_TRY(message.check());
  MARTLET_TRY(models.tag_model(name, key, value, kActor));
  return "{}";
}

Result<std::string> delete_tag(ModelRegistry& models, Message& message) {
  const Fields fields = message.fields();
  MARTLET_TRY_SET(const ModelName name, read_model_name(fields));
  const std::string key = fields.required_name("key");
  MARTLET_TRY(message.check());
  MARTLET_TRY(models.tag_model(name, key, std::nullopt, kActor));
  return "{}";
}

Result<std::string> set_alias(ModelRegistry& models, Message& message) {
  const Fields fields = message.fields();
  registry::AliasMove move;
  MARTLET_TRY_SET(move.model, read_model_name(fields));
  MARTLET_TRY_SET(move.alias, read_alias(fields));
  MARTLET_TRY_SET(move.target, read_version(fields));
  move.environment = kClientEnvironment;
  move.reason = "set by an MLflow client";
  MARTLET_TRY(message.check());
  MARTLET_TRY(models.set_alias(move, kActor));
  return "{}";
}

Result<std::string> delete_alias(ModelRegistry& models, Message& message) {
  const Fields fields = message.fields();
  MARTLET_TRY_SET(const ModelName name, read_model_name(fields));
  MARTLET_TRY_SET(const Alias alias, read_alias(fields));
  MARTLET_TRY(message.check());
  MARTLET_TRY(models.remove_alias(name, kClientEnvironment, alias, kActor));
  return "{}";
}

// MLflow says of an alias that isn't there that the parameter is wrong.
Result<std::string> get_alias(ModelRegistry& models, Message& message) {
  const Fields fields = message.fields();
  MARTLET_TRY_SET(const ModelName name, read_model_name(fields));
  MARTLET_TRY_SET(const Alias alias, read_alias(fields));
  MARTLET_TRY(message.check());
  MARTLET_TRY(models.model(name));
  MARTLET_TRY_SET(const auto target, models.target_of(name, kClientEnvironment, alias));
  if (!target.has_value())
    return invalid_argument(fmt::format("Registered model alias {} not found.", alias.text()));
  JsonWriter json;
  json.begin_object().key("model_version");
  write(json, *target);
  return json.end_object().take();
}

}  // namespace

void add_registry_model_calls(Calls& calls, ModelRegistry& models, const PageTokens& tokens) {
  using net::Method;
  const auto call = [&models](Result<std::string> (*function)(ModelRegistry&, Message&)) {
    return [&models, function](Message& message, const net::Request&) {
      return function(models, message);
    };
  };
  calls.create("registered-models/create", "A new registered model.",
               [&models](Message& message, const net::Request&, Once& once) {
                 return create(models, message, once);
               });
  calls.get("registered-models/get", "A registered model.", call(get));
  calls.post("registered-models/rename", "Renames a registered model.", call(rename));
  calls.call(Method::Patch, "2.0", "registered-models/update", "Describes a registered model.",
             call(update));
  calls.call(Method::Delete, "2.0", "registered-models/delete",
             "Removes a registered model and all its versions.", call(remove));
  calls.get("registered-models/search", "A page of registered models.",
            [&models, &tokens](Message& message, const net::Request&) {
              return search(models, tokens, message);
            });
  calls.post("registered-models/get-latest-versions", "The newest version of each stage.",
             call(latest_versions));
  calls.get("registered-models/get-latest-versions", "The newest version of each stage.",
            call(latest_versions));
  calls.post("registered-models/set-tag", "Sets a tag of a registered model.", call(set_tag));
  calls.call(Method::Delete, "2.0", "registered-models/delete-tag",
             "Removes a tag of a registered model.", call(delete_tag));
  calls.post("registered-models/alias", "Points an alias at a version.", call(set_alias));
  calls.call(Method::Delete, "2.0", "registered-models/alias", "Removes an alias.",
             call(delete_alias));
  calls.get("registered-models/alias", "The version that an alias points at.", call(get_alias));
}

}  // namespace martlet::server::mlflow

#include "server/mlflow/registry_version_calls.h"

#include "base/json.h"
#include "metadata/database.h"
#include "registry/model_registry.h"
#include "registry/version_source.h"
#include "server/mlflow/endpoint.h"
#include "server/mlflow/page_token.h"
#include "server/mlflow/registry_wire.h"
#include "server/mlflow/run_wire.h"
#include "tracking/logged_model.h"
#include "tracking/tracker.h"

#include <fmt/format.h>

namespace martlet::server::mlflow {

namespace {

using registry::ModelName;
using registry::ModelRegistry;
using registry::ModelVersion;
using registry::Version;
using tracking::LoggedModels;

constexpr std::int64_t kUsualResults = 10'000;
constexpr std::int64_t kMostResults = 200'000;
// Of a logged model: the versions that it was registered as, a JSON list of {name, version}.
constexpr const char* kVersionsTag = "mlflow.modelVersions";

const registry::Actor kActor{"mlflow"};

std::string answer_of(const ModelVersion& version) {
  JsonWriter json;
  json.begin_object().key("model_version");
  write(json, version);
  return json.end_object().take();
}

bool is_prompt(const registry::Texts& tags) {
  const auto tag = tags.find(std::string(registry::kPromptTag));
  return tag != tags.end() && tag->second == "true";
}

// Absent is what no client can have logged to.
template <class T>
Result<std::optional<T>> found_or_absent(Result<T> found) {
  if (found.has_value()) return std::optional<T>(std::move(*found));
  if (found.error().code() == ErrorCode::NotFound) return std::optional<T>();
  return fail(std::move(found).error());
}

// A version as its client wants it, before its source is known to be allowed.
struct Creation {
  registry::NewVersion version;
  std::optional<std::string> run_id;
  std::optional<std::string> model_id;
};

// Where the files are, as far as the run and the logged model that the client names allow it.
Result<registry::CheckedSource> checked_source(const RegistryContext& context, Creation& creation) {
  registry::SourceClaim claim;
  claim.source = creation.version.source;
  claim.prompt = is_prompt(creation.version.tags);
  claim.run_id = creation.run_id.value_or("");
  claim.model_id = creation.model_id.value_or("");
  if (!claim.model_id.empty()) {
    MARTLET_TRY_SET(const auto logged, found_or_absent(context.logged.model(claim.model_id)));
    if (logged.has_value()) {
      claim.model_location = artifact_uri(logged->experiment, {RunId(), logged->id});
      if (claim.run_id.empty()) creation.version.trained_by = logged->source_run;
    }
  }
  if (!claim.run_id.empty()) {
    MARTLET_TRY_SET(const auto run, found_or_absent(context.tracker.run(RunId(claim.run_id))));
    if (run.has_value()) claim.run_location = artifact_uri(*run);
  }
  return registry::check_source(claim);
}

// What is known of the version that is copied holds for the copy; whatever the client says of it
// must say the same.
Result<void> copy_from(const RegistryContext& context, const std::string& reference,
                       Creation& creation) {
  MARTLET_TRY_SET(const ModelVersion from, context.models.resolve(reference, kClientEnvironment));
  const std::string& source = creation.version.source;
  if (is_prompt(from.tags)) {
    return invalid_argument(fmt::format(
        "Invalid model version source: '{}': a prompt can't be copied to a model", source));
  }
  if (creation.run_id.value_or(from.run.text()) != from.run.text() ||
      creation.model_id.value_or(from.model_id) != from.model_id) {
    return invalid_argument(
        fmt::format("Invalid model version source: '{}': run_id and model_id must be those of the "
                    "version that it names, or be left out",
                    source));
  }
  creation.version.trained_by = from.run;
  creation.version.model_id = from.model_id;
  // An alias may point elsewhere tomorrow.
  creation.version.source = "models:/" + registry::to_text(from.model, from.version);
  creation.version.copied_from = {from.model, from.version};
  return {};
}

// Its client learns from the logged model what it was registered as.
Result<void> note_registration(const RegistryContext& context, metadata::Transaction& tx,
                               const ModelVersion& version) {
  if (version.model_id.empty()) return {};
  MARTLET_TRY_SET(const auto logged, found_or_absent(LoggedModels::model(tx, version.model_id)));
  if (!logged.has_value()) return {};
  Json versions = Json::array();
  if (const auto tag = logged->tags.find(kVersionsTag); tag != logged->tags.end()) {
    auto parsed = parse_json(tag->second);
    if (parsed.has_value() && parsed->is_array()) versions = std::move(*parsed);
  }
  versions.push_back(Json{{"name", version.model.text()}, {"version", version.version.number}});
  MARTLET_TRY(context.logged.set_tags(tx, version.model_id, {{kVersionsTag, to_text(versions)}}));
  return {};
}

Result<net::Response> create(const RegistryContext& context, Message& message, Once& once) {
  const Fields fields = message.fields();
  Creation creation;
  MARTLET_TRY_SET(creation.version.model, read_model_name(fields));
  creation.version.source = fields.required_name("source");
  creation.run_id = fields.text("run_id");
  creation.model_id = fields.text("model_id");
  creation.version.tags = read_tags(fields);
  creation.version.run_link = fields.text("run_link").value_or("");
  creation.version.description = fields.text("description").value_or("");
  creation.version.unknown_model = registry::UnknownModel::Refuse;
  MARTLET_TRY(message.check());
  creation.version.trained_by = RunId(creation.run_id.value_or(""));
  creation.version.model_id = creation.model_id.value_or("");
  MARTLET_TRY_SET(const registry::CheckedSource checked, checked_source(context, creation));
  MARTLET_TRY(context.models.model(creation.version.model));
  if (checked.kind == registry::SourceKind::ModelVersion) {
    MARTLET_TRY(copy_from(context, creation.version.source, creation));
  } else if (checked.location != creation.version.source) {
    creation.version.location = checked.location;
  }
  return once.answer<ModelVersion>(
      [&](const metadata::Also<ModelVersion>& also) {
        return context.models.add_version(
            creation.version, kActor,
            [&](metadata::Transaction& tx, const ModelVersion& made) -> Result<void> {
              MARTLET_TRY(note_registration(context, tx, made));
              return also ? also(tx, made) : Result<void>();
            });
      },
      answer_of);
}

Result<std::string> get(const RegistryContext& context, Message& message) {
  const Fields fields = message.fields();
  MARTLET_TRY_SET(const ModelName name, read_model_name(fields));
  MARTLET_TRY_SET(const Version number, read_version(fields));
  MARTLET_TRY(message.check());
  MARTLET_TRY_SET(const ModelVersion version, context.models.version(name, number));
  return answer_of(version);
}

Result<std::string> update(const RegistryContext& context, Message& message) {
  const Fields fields = message.fields();
  MARTLET_TRY_SET(const ModelName name, read_model_name(fields));
  MARTLET_TRY_SET(const Version number, read_version(fields));
  const std::string description = fields.text("description").value_or("");
  MARTLET_TRY(message.check());
  MARTLET_TRY_SET(const ModelVersion version,
                  context.models.describe_version(name, number, description, kActor));
  return answer_of(version);
}

Result<std::string> transition_stage(const RegistryContext& context, Message& message) {
  const Fields fields = message.fields();
  MARTLET_TRY_SET(const ModelName name, read_model_name(fields));
  MARTLET_TRY_SET(const Version number, read_version(fields));
  const std::string text = fields.required_name("stage");
  const bool archive = fields.boolean("archive_existing_versions").value_or(false);
  MARTLET_TRY(message.check());
  MARTLET_TRY_SET(const registry::Stage stage, registry::parse_stage(text));
  MARTLET_TRY_SET(const ModelVersion version,
                  context.models.set_stage(name, number, stage,
                                           archive ? registry::OthersInStage::Archive
                                                   : registry::OthersInStage::Keep,
                                           kActor));
  return answer_of(version);
}

Result<std::string> remove(const RegistryContext& context, Message& message) {
  const Fields fields = message.fields();
  MARTLET_TRY_SET(const ModelName name, read_model_name(fields));
  MARTLET_TRY_SET(const Version number, read_version(fields));
  MARTLET_TRY(message.check());
  MARTLET_TRY(context.models.remove_version(name, number, kActor));
  return "{}";
}

Result<std::string> search(const RegistryContext& context, Message& message) {
  const Fields fields = message.fields();
  registry::RegistrySearch search = read_search(fields, kUsualResults, kMostResults);
  const std::string token = fields.text("page_token").value_or("");
  MARTLET_TRY(message.check());
  const std::string told = told_of("model-versions", search);
  MARTLET_TRY_SET(const PagePlace place, context.tokens.place_of(token, told));
  search.from = place.offset;
  MARTLET_TRY_SET(const registry::VersionPage page, context.models.search_versions(search));
  JsonWriter json;
  json.begin_object();
  if (!page.versions.empty()) {
    json.key("model_versions").begin_array();
    for (const ModelVersion& version : page.versions) write(json, version);
    json.end_array();
  }
  if (page.next.has_value())
    json.text("next_page_token", context.tokens.token_of({0, *page.next}, told));
  return json.end_object().take();
}

Result<std::string> get_download_uri(const RegistryContext& context, Message& message) {
  const Fields fields = message.fields();
  MARTLET_TRY_SET(const ModelName name, read_model_name(fields));
  MARTLET_TRY_SET(const Version number, read_version(fields));
  MARTLET_TRY(message.check());
  MARTLET_TRY_SET(const ModelVersion version, context.models.version(name, number));
  const std::string uri = download_uri(version);
  if (uri.empty()) {
    return invalid_argument(
        fmt::format("{} is a package of martlet's own and has no files that an MLflow client could "
                    "load; ask a server for its predictions (`martlet serve`)",
                    registry::to_text(version.model, version.version)));
  }
  return JsonWriter().begin_object().text_always("artifact_uri", uri).end_object().take();
}

Result<std::string> set_tag(const RegistryContext& context, Message& message) {
  const Fields fields = message.fields();
  MARTLET_TRY_SET(const ModelName name, read_model_name(fields));
  MARTLET_TRY_SET(const Version number, read_version(fields));
  const std::string key = fields.required_name("key");
  const std::string value = fields.text("value").value_or("");
  MARTLET_TRY(message.check());
  MARTLET_TRY(context.models.tag_version(name, number, key, value, kActor));
  return "{}";
}

Result<std::string> delete_tag(const RegistryContext& context, Message& message) {
  const Fields fields = message.fields();
  MARTLET_TRY_SET(const ModelName name, read_model_name(fields));
  MARTLET_TRY_SET(const Version number, read_version(fields));
  const std::string key = fields.required_name("key");
  MARTLET_TRY(message.check());
  MARTLET_TRY(context.models.tag_version(name, number, key, std::nullopt, kActor));
  return "{}";
}

}  // namespace

void add_registry_version_calls(Calls& calls, const RegistryContext& context) {
  using net::Method;
  const auto call = [context](Result<std::string> (*function)(const RegistryContext&, Message&)) {
    return [context, function](Message& message, const net::Request&) {
      return function(context, message);
    };
  };
  calls.create("model-versions/create", "A new version of a registered model.",
               [context](Message& message, const net::Request&, Once& once) {
                 return create(context, message, once);
               });
  calls.get("model-versions/get", "A model version.", call(get));
  calls.call(Method::Patch, "2.0", "model-versions/update", "Describes a model version.",
             call(update));
  calls.post("model-versions/transition-stage", "Moves a version to a stage.",
             call(transition_stage));
  calls.call(Method::Delete, "2.0", "model-versions/delete", "Removes a model version.",
             call(remove));
  calls.get("model-versions/search", "A page of model versions.", call(search));
  calls.get("model-versions/get-download-uri", "Where a version's files are.",
            call(get_download_uri));
  calls.post("model-versions/set-tag", "Sets a tag of a model version.", call(set_tag));
  calls.call(Method::Delete, "2.0", "model-versions/delete-tag", "Removes a tag of a version.",
             call(delete_tag));
}

}  // namespace martlet::server::mlflow

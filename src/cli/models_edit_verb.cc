// models tag, models describe, models alias: what is said of a registered model or version.
#include "cli/model_view.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "lifecycle/packages.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

namespace {

constexpr const char* kModelHelp = "flight-delay (the model itself), flight-delay/3 (a version)";

// "churn" is the model, "churn/3" and "churn/latest" versions of it.
struct Subject {
  registry::ModelName model;
  std::optional<registry::Version> version;
};

Result<Subject> subject_of(const registry::ModelRegistry& registry, const std::string& text) {
  if (text.find_first_of("/@") == std::string::npos) {
    MARTLET_TRY_SET(registry::ModelName name, registry::ModelName::parse(text));
    return Subject{std::move(name), std::nullopt};
  }
  MARTLET_TRY_SET(const registry::ModelVersion version,
                  registry.resolve(text, registry::Environment::Experiment));
  return Subject{version.model, version.version};
}

// As it is now.
Result<void> show(const Session& session, const registry::ModelRegistry& registry,
                  const Subject& subject, const std::string& done) {
  if (subject.version.has_value()) {
    MARTLET_TRY_SET(const auto version, registry.version(subject.model, *subject.version));
    session.console.print_json(version_json(version));
    session.console.print(registry::to_text(version.model, version.version) + " " + done);
    return {};
  }
  MARTLET_TRY_SET(const auto model, registry.model(subject.model));
  session.console.print_json(model_json(model));
  session.console.print(model.name.text() + " " + done);
  return {};
}

Result<void> tag(registry::ModelRegistry& registry, const Subject& subject, const std::string& key,
                 const std::optional<std::string>& value) {
  const metadata::Actor actor;
  if (subject.version.has_value())
    return registry.tag_version(subject.model, *subject.version, key, value, actor);
  return registry.tag_model(subject.model, key, value, actor);
}

Result<void> describe(registry::ModelRegistry& registry, const Subject& subject,
                      const std::string& text) {
  const metadata::Actor actor;
  if (subject.version.has_value()) {
    MARTLET_TRY(registry.describe_version(subject.model, *subject.version, text, actor));
  } else {
    MARTLET_TRY(registry.describe_model(subject.model, text, actor));
  }
  return {};
}

struct AliasRequest {
  std::string model;
  std::string alias;
  std::string environment = "experiment";
  std::string reason = "set by a person";
  bool remove = false;
};

Result<std::string> change_alias(registry::ModelRegistry& registry, const Subject& subject,
                                 const AliasRequest& request) {
  MARTLET_TRY_SET(const registry::Alias alias, registry::Alias::parse(request.alias));
  MARTLET_TRY_SET(const registry::Environment where,
                  registry::parse_environment(request.environment));
  if (request.remove) {
    MARTLET_TRY_SET(const bool there,
                    registry.remove_alias(subject.model, where, alias, metadata::Actor{}));
    return fmt::format("{} called {} in {}", there ? "is no longer" : "was never", alias.text(),
                       request.environment);
  }
  if (alias == registry::live_alias()) {
    return invalid_argument(
        "`live` is what is served: `martlet models promote` moves it, after its "
        "package and its gates were checked");
  }
  if (!subject.version.has_value()) {
    return invalid_argument(
        fmt::format("an alias points at a version: name one, such as {}/1", subject.model.text()));
  }
  registry::AliasMove move;
  move.model = subject.model;
  move.environment = where;
  move.alias = alias;
  move.target = *subject.version;
  move.reason = request.reason;
  MARTLET_TRY(registry.set_alias(move, metadata::Actor{}));
  return fmt::format("is called {} in {}", alias.text(), request.environment);
}

}  // namespace

void add_models_tag(CLI::App& models, Session& session) {
  CLI::App* verb = models.add_subcommand("tag", "Sets or removes a tag of a model or version");
  auto model = std::make_shared<std::string>();
  auto key = std::make_shared<std::string>();
  auto value = std::make_shared<std::string>();
  auto remove = std::make_shared<bool>(false);
  verb->add_option("model", *model, kModelHelp)->required();
  verb->add_option("key", *key, "the tag's name")->required();
  auto* given = verb->add_option("value", *value, "what it says")->capture_default_str();
  verb->add_flag("--remove", *remove, "removes the tag")->excludes(given);
  verb->footer("Example:\n  martlet models tag flight-delay/3 team risk");
  verb->callback([=, &session] {
    session.action = [=, &session]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      registry::ModelRegistry registry = lifecycle::registry_of(*store);
      MARTLET_TRY_SET(const Subject subject, subject_of(registry, *model));
      MARTLET_TRY(tag(registry, subject, *key,
                      *remove ? std::nullopt : std::optional<std::string>(*value)));
      MARTLET_TRY(show(session, registry, subject,
                       *remove ? fmt::format("has no tag {}", *key)
                               : fmt::format("has the tag {} = {}", *key, *value)));
      return kSuccess;
    };
  });
}

void add_models_describe(CLI::App& models, Session& session) {
  CLI::App* verb = models.add_subcommand("describe", "Says what a model or version is for");
  auto model = std::make_shared<std::string>();
  auto text = std::make_shared<std::string>();
  verb->add_option("model", *model, kModelHelp)->required();
  verb->add_option("text", *text, "the description; \"\" for none")->required();
  verb->footer("Example:\n  martlet models describe flight-delay \"Which flights come late\"");
  verb->callback([=, &session] {
    session.action = [=, &session]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      registry::ModelRegistry registry = lifecycle::registry_of(*store);
      MARTLET_TRY_SET(const Subject subject, subject_of(registry, *model));
      MARTLET_TRY(describe(registry, subject, *text));
      MARTLET_TRY(show(session, registry, subject, "is described"));
      return kSuccess;
    };
  });
}

void add_models_alias(CLI::App& models, Session& session) {
  CLI::App* verb = models.add_subcommand("alias", "Points an alias at a version, or removes it");
  auto request = std::make_shared<AliasRequest>();
  verb->add_option("model", request->model, "flight-delay/3; to remove one, flight-delay")
      ->required();
  verb->add_option("alias", request->alias, "its name; `live` is moved by promote")->required();
  verb->add_option("--env", request->environment, "whose alias")->capture_default_str();
  verb->add_option("--reason", request->reason, "why; it is audited")->capture_default_str();
  verb->add_flag("--remove", request->remove,
                 "removes the alias, `live` too: nothing is served "
                 "then");
  verb->footer("Example:\n  martlet models alias flight-delay/3 challenger --env staging");
  verb->callback([&session, request] {
    session.action = [&session, request]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      registry::ModelRegistry registry = lifecycle::registry_of(*store);
      MARTLET_TRY_SET(const Subject subject, subject_of(registry, request->model));
      MARTLET_TRY_SET(const std::string done, change_alias(registry, subject, *request));
      MARTLET_TRY(show(session, registry, subject, done));
      return kSuccess;
    };
  });
}

}  // namespace martlet::cli

// server/mlflow/registry_version_calls.h: MLflow's calls about model versions.
#pragma once

namespace martlet::registry {
class ModelRegistry;
}
namespace martlet::tracking {
class LoggedModels;
class Tracker;
}  // namespace martlet::tracking

namespace martlet::server::mlflow {

class Calls;
class PageTokens;

// What a version may come from, and where it goes. All outlive the router's use.
struct RegistryContext {
  registry::ModelRegistry& models;
  tracking::Tracker& tracker;
  tracking::LoggedModels& logged;
  const PageTokens& tokens;
};

void add_registry_version_calls(Calls& calls, const RegistryContext& context);

}  // namespace martlet::server::mlflow

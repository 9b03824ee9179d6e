// server/mlflow/registry_model_calls.h: MLflow's calls about registered models and their aliases.
#pragma once

namespace martlet::registry {
class ModelRegistry;
}

namespace martlet::server::mlflow {

class Calls;
class PageTokens;

// Both outlive the router's use.
void add_registry_model_calls(Calls& calls, registry::ModelRegistry& models,
                              const PageTokens& tokens);

}  // namespace martlet::server::mlflow

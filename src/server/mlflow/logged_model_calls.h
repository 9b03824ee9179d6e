// server/mlflow/logged_model_calls.h: MLflow's calls about logged models.
#pragma once

namespace martlet::tracking {
class LoggedModels;
}

namespace martlet::server::mlflow {

class Calls;
class PageTokens;

// Both outlive the router's use.
void add_logged_model_calls(Calls& calls, tracking::LoggedModels& models, const PageTokens& tokens);

}  // namespace martlet::server::mlflow

// server/mlflow/experiment_calls.h: MLflow's calls about experiments.
#pragma once

namespace martlet::tracking {
class Tracker;
}

namespace martlet::server::mlflow {

class Calls;
class PageTokens;

// Both outlive the router's use.
void add_experiment_calls(Calls& calls, tracking::Tracker& tracker, const PageTokens& tokens);

}  // namespace martlet::server::mlflow

// server/mlflow/run_calls.h: MLflow's calls about runs: their life, and what they log.
#pragma once

namespace martlet::tracking {
class Tracker;
}

namespace martlet::server::mlflow {

class Calls;
class PageTokens;

// Both outlive the router's use.
void add_run_calls(Calls& calls, tracking::Tracker& tracker, const PageTokens& tokens);

}  // namespace martlet::server::mlflow

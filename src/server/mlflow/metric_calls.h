// server/mlflow/metric_calls.h: MLflow's calls about the histories of metrics.
#pragma once

namespace martlet::tracking {
class Tracker;
}

namespace martlet::server::mlflow {

class Calls;
class PageTokens;

// Both outlive the router's use.
void add_metric_calls(Calls& calls, tracking::Tracker& tracker, const PageTokens& tokens);

}  // namespace martlet::server::mlflow

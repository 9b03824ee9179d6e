// server/mlflow/trace_calls.h: MLflow's calls about traces, as far as its client needs them to
// record and to find what a run did.
#pragma once

namespace martlet::tracking {
class Traces;
}

namespace martlet::server::mlflow {

class Calls;
class PageTokens;

// Both outlive the router's use.
void add_trace_calls(Calls& calls, tracking::Traces& traces, const PageTokens& tokens);

}  // namespace martlet::server::mlflow

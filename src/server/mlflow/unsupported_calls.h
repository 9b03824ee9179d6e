// server/mlflow/unsupported_calls.h: what MLflow's newest server has besides and this one hasn't:
// each answers NOT_IMPLEMENTED (501) at once, which clients don't repeat.
#pragma once

namespace martlet::server::mlflow {

class Calls;

void add_unsupported_calls(Calls& calls);

}  // namespace martlet::server::mlflow

// server/mlflow/run_calls.h: MLflow's calls about runs: their life, and what they log.
#pragma once

namespace martlet::metadata {
class Database;
}
namespace martlet::tracking {
class Tracker;
}

namespace martlet::server::mlflow {

class Calls;
class PageTokens;

// All of it outlives the router's use; the database is the tracker's.
void add_run_calls(Calls& calls, tracking::Tracker& tracker, metadata::Database& database,
                   const PageTokens& tokens);

}  // namespace martlet::server::mlflow

// server/truth_routes.h: POST /api/v1/truth: ground truth as it becomes known, for the deployment
// that this server answers for.
#pragma once
#include "base/json.h"
#include "base/result.h"

#include <functional>

namespace martlet::net {
class Router;
}

namespace martlet::server {

// Body: {"records": [{"key": {"flight_id": "…"}, "actual": true, "known_at":
// "2013-07-01T18:00:00Z"}, …]}; actual null: it will never come. Accepted as a whole or not at all,
// and durable when the answer {"fresh", "corrected", "repeated"} has been sent. `accept` gets the
// list of records.
void add_truth_routes(net::Router& router, std::function<Result<Json>(const Json& records)> accept);

}  // namespace martlet::server

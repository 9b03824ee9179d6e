// server/truth_routes.h: POST /api/v1/truth: ground truth as it becomes known, for the deployment
// that this server answers for.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "metadata/also.h"

#include <functional>

namespace martlet::net {
class Router;
}  // namespace martlet::net

namespace martlet::server {

class Idempotency;

// Body: {"records": [{"key": {"flight_id": "…"}, "actual": true, "known_at":
// "2013-07-01T18:00:00Z"}, …]}; actual null: it will never come. Accepted as a whole or not at all,
// and durable when the answer {"fresh", "corrected", "repeated"} has been sent. `accept` gets the
// list of records, and hands the answer on in its transaction. It takes an Idempotency-Key.
using AcceptTruth =
    std::function<Result<Json>(const Json& records, const metadata::Also<Json>& also)>;
void add_truth_routes(net::Router& router, Idempotency& idempotency, AcceptTruth accept);

}  // namespace martlet::server

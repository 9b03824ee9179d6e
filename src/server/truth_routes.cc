#include "server/truth_routes.h"

#include "net/router.h"
#include "server/idempotency.h"
#include "server/internal/endpoint.h"

namespace martlet::server {

namespace {

Result<net::Response> accepted(std::string_view body, Once& once, const AcceptTruth& accept) {
  MARTLET_TRY_SET(const Json request, parse_json(body));
  MARTLET_TRY_SET(const Json* records, member(request, "records", "reading ground truth"));
  if (!records->is_array())
    return invalid_argument("reading ground truth: \"records\" must be a list");
  return once.answer<Json>([&](const metadata::Also<Json>& also) { return accept(*records, also); },
                           [](const Json& counts) { return to_text(counts) + "\n"; });
}

}  // namespace

void add_truth_routes(net::Router& router, Idempotency& idempotency, AcceptTruth accept) {
  net::Route route;
  route.method = net::Method::Post;
  route.pattern = "/api/v1/truth";
  route.permission =
      net::RoutePermission::Open;  // as all routes, while the server listens on loopback only
  route.where = net::Where::Pool;
  route.body_limit_bytes = std::size_t{16} << 20;
  route.summary = "Ground truth as it becomes known.";
  route.answer = [&idempotency, accept = std::move(accept)](net::Request& request) {
    if (!request.header("content-type").starts_with("application/json")) {
      return net::Response::json(
          415,
          to_text(Json{{"error", Json{{"code", "invalid_argument"},
                                      {"message", "ground truth is sent as application/json"}}}}));
    }
    auto answer = idempotency.answer(
        request, [&](Once& once) { return accepted(request.body, once, accept); },
        [](const Error& error, const net::Request& of) { return error_response(error, of); });
    return answer.has_value() ? std::move(*answer) : error_response(answer.error(), request);
  };
  router.add(std::move(route));
}

}  // namespace martlet::server

#include "server/truth_routes.h"

#include "net/router.h"
#include "server/internal/endpoint.h"

namespace martlet::server {

namespace {

Result<Json> accepted(std::string_view body,
                      const std::function<Result<Json>(const Json&)>& accept) {
  MARTLET_TRY_SET(const Json request, parse_json(body));
  MARTLET_TRY_SET(const Json* records, member(request, "records", "reading ground truth"));
  if (!records->is_array())
    return invalid_argument("reading ground truth: \"records\" must be a list");
  return accept(*records);
}

}  // namespace

void add_truth_routes(net::Router& router,
                      std::function<Result<Json>(const Json& records)> accept) {
  net::Route route;
  route.method = net::Method::Post;
  route.pattern = "/api/v1/truth";
  route.permission =
      net::RoutePermission::Open;  // as all routes, while the server listens on loopback only
  route.where = net::Where::Pool;
  route.body_limit_bytes = std::size_t{16} << 20;
  route.summary = "Ground truth as it becomes known.";
  route.answer = [accept = std::move(accept)](net::Request& request) {
    if (!request.header("content-type").starts_with("application/json")) {
      return net::Response::json(
          415,
          to_text(Json{{"error", Json{{"code", "invalid_argument"},
                                      {"message", "ground truth is sent as application/json"}}}}));
    }
    auto counts = accepted(request.body, accept);
    return counts.has_value() ? net::Response::json(200, to_text(*counts) + "\n")
                              : error_response(counts.error(), request);
  };
  router.add(std::move(route));
}

}  // namespace martlet::server

// net/router.h: routes by method and pattern, each with the permission it needs.
//
// Filled before the server starts, immutable afterwards and then thread-safe. A route without a
// permission, a doubled route, or any guarded route without a guard keeps the server from starting:
// nothing is open by omission. Called by server/, one file of routes per resource.
#pragma once
#include "base/result.h"
#include "net/http_server.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::net {

// What a route lets its caller do; roles map to these in access/. Open: without any identity.
enum class RoutePermission : std::uint8_t { Open, Read, Write, Infer, Admin };
std::string_view name_of(RoutePermission permission);

struct Route {
  Method method = Method::Get;
  // "/v2/models/{name}/infer": a {name} is one segment, never empty; a last {name...} is the rest
  // of the path, slashes included, maybe empty. Where both fit, a literal segment wins over {name},
  // and {name} over {name...}.
  std::string pattern;
  std::optional<RoutePermission> permission;  // required
  Where where = Where::Pool;
  std::optional<std::size_t> body_limit_bytes;  // else HttpLimits::[streamed_]body_bytes
  BodyMode body = BodyMode::Whole;              // Streamed: with `handle`, on the pool
  std::string summary;                          // one line, for the API description

  // Exactly one of the two. The first returns its answer; the second may keep the exchange and
  // answer later.
  std::function<Response(Request&)> answer;
  std::function<void(Exchange)> handle;
};

class Router : public RequestHandler {
 public:
  Router();
  ~Router() override;

  void add(Route route);
  // Called before every route that is not Open, on the thread where the route runs: a response
  // refuses (401, 403). It may set request.identity.
  void set_guard(std::function<std::optional<Response>(Request&, const Route&)> guard);
  // Called for every request on the loop, before its route is known: a response refuses (Host allow
  // list, CSRF, rate limits). Must not block.
  void set_gate(std::function<std::optional<Response>(const Request&)> gate);
  // The shape of errors made by the router and the server; `request` is null when none could be
  // read.
  void set_problem_shape(std::function<Response(const HttpProblem&, const Request* request)> shape);

  // In the order in which they were added: for OpenAPI and for tests.
  const std::vector<std::unique_ptr<Route>>& routes() const { return routes_; }

  // InvalidArgument with every finding. GET routes answer HEAD too; OPTIONS is answered with the
  // allowed methods.
  Result<void> check() const override;
  RequestPlan plan(Request& request) override;
  void handle(Exchange exchange) override;
  Response problem(const HttpProblem& problem, const Request* request) override;

 private:
  struct Node;
  const Node* match(std::string_view path, Request& request) const;
  static const Node* match(const Node& node, std::string_view rest, Request& request);
  std::optional<Response> refuse_method(const Node& node, const Request& request);

  std::vector<std::unique_ptr<Route>> routes_;
  std::unique_ptr<Node> root_;
  std::vector<Finding> findings_;
  std::function<std::optional<Response>(Request&, const Route&)> guard_;
  std::function<std::optional<Response>(const Request&)> gate_;
  std::function<Response(const HttpProblem&, const Request*)> shape_;
};

}  // namespace martlet::net

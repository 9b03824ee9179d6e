#include "net/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace martlet::net {
namespace {

constexpr std::size_t kMethods = 7;

std::size_t index_of(Method method) { return static_cast<std::size_t>(method); }

bool is_variable(std::string_view segment) {
  return segment.starts_with('{') && segment.ends_with('}');
}

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

std::string_view name_of(RoutePermission permission) {
  constexpr std::array<std::string_view, 5> kNames = {"open", "read", "write", "infer", "admin"};
  return kNames.at(static_cast<std::size_t>(permission));
}

// A tree of segments. The names of variables belong to the pattern that made the node; two patterns
// that name one place differently are a finding.
struct Router::Node {
  std::vector<std::pair<std::string, std::unique_ptr<Node>>> literals;  // sorted
  std::unique_ptr<Node> variable;
  std::string variable_name;
  std::unique_ptr<Node> rest;
  std::string rest_name;
  std::array<const Route*, kMethods> routes{};

  bool has_routes() const {
    return std::ranges::any_of(routes, [](const Route* route) { return route != nullptr; });
  }
  Node& literal(std::string_view segment) {
    const auto at = std::ranges::lower_bound(
        literals, segment, {}, [](const auto& entry) { return std::string_view(entry.first); });
    if (at != literals.end() && at->first == segment) return *at->second;
    return *literals.insert(at, {std::string(segment), std::make_unique<Node>()})->second;
  }
  const Node* find_literal(std::string_view segment) const {
    const auto at = std::ranges::lower_bound(
        literals, segment, {}, [](const auto& entry) { return std::string_view(entry.first); });
    return at != literals.end() && at->first == segment ? at->second.get() : nullptr;
  }
};

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;

void Router::add(Route given) {
  routes_.push_back(std::make_unique<Route>(std::move(given)));
  const Route& route = *routes_.back();
  const std::string subject = fmt::format("{} {}", name_of(route.method), route.pattern);
  const auto report = [&](std::string rule, std::string message) {
    findings_.push_back({subject, std::move(rule), std::move(message), "", 0, 0});
  };
  if (!route.permission.has_value())
    report("missing_permission", "the route declares no permission; say Open if that is meant");
  if (static_cast<bool>(route.answer) == static_cast<bool>(route.handle))
    report("bad_handler", "a route has exactly one of answer and handle");
  if (route.body == BodyMode::Streamed && (route.handle == nullptr || route.where == Where::Loop))
    report("bad_stream", "a route whose body is streamed has `handle`, and runs on the pool");
  if (!route.pattern.starts_with('/')) {
    report("bad_pattern", "a pattern starts with a slash");
    return;
  }
  Node* node = root_.get();
  std::string_view rest = std::string_view(route.pattern).substr(1);
  for (bool last = false; !last;) {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    last = slash == std::string_view::npos;
    if (!last) rest.remove_prefix(slash + 1);
    if (!is_variable(segment)) {
      if (segment.find_first_of("{}") != std::string_view::npos)
        report("bad_pattern", "a variable is a whole segment: {name}");
      node = &node->literal(segment);
      continue;
    }
    std::string_view name = segment.substr(1, segment.size() - 2);
    const bool takes_rest = name.ends_with("...");
    if (takes_rest) name.remove_suffix(3);
    if (!is_name(name) || (takes_rest && !last)) {
      report("bad_pattern",
             "a variable's name is made of a-z, 0-9 and _; {name...} comes last in the pattern");
      return;
    }
    std::unique_ptr<Node>& next = takes_rest ? node->rest : node->variable;
    std::string& known = takes_rest ? node->rest_name : node->variable_name;
    if (next == nullptr) {
      next = std::make_unique<Node>();
      known = name;
    } else if (known != name) {
      report("bad_pattern",
             fmt::format("another route calls this place {{{}}}; use the same name", known));
    }
    node = next.get();
  }
  const Route*& place = node->routes.at(index_of(route.method));
  if (place != nullptr)
    report("doubled_route", "there is another route with this method and pattern");
  place = &route;
}

void Router::set_guard(std::function<std::optional<Response>(Request&, const Route&)> guard) {
  guard_ = std::move(guard);
}

void Router::set_gate(std::function<std::optional<Response>(const Request&)> gate) {
  gate_ = std::move(gate);
}

void Router::set_problem_shape(std::function<Response(const HttpProblem&, const Request*)> shape) {
  shape_ = std::move(shape);
}

Result<void> Router::check() const {
  std::vector<Finding> findings = findings_;
  if (guard_ == nullptr)
    for (const std::unique_ptr<Route>& route : routes_)
      if (route->permission.has_value() && *route->permission != RoutePermission::Open)
        findings.push_back(
            {fmt::format("{} {}", name_of(route->method), route->pattern), "missing_guard",
             "the route needs a permission, but nothing checks permissions", "", 0, 0});
  if (!findings.empty()) return invalid("the routes of the HTTP server", std::move(findings));
  return {};
}

// `rest` is what follows a slash. Parameters of a way that led nowhere are taken back.
const Router::Node* Router::match(const Node& node, std::string_view rest, Request& request) {
  const std::size_t slash = rest.find('/');
  const std::string_view segment = rest.substr(0, slash);
  const bool last = slash == std::string_view::npos;
  const auto follow = [&](const Node& next) -> const Node* {
    if (last) return next.has_routes() ? &next : nullptr;
    return match(next, rest.substr(slash + 1), request);
  };
  if (const Node* literal = node.find_literal(segment))
    if (const Node* found = follow(*literal)) return found;
  if (node.variable != nullptr && !segment.empty()) {
    request.path_parameters.push_back({node.variable_name, segment});
    if (const Node* found = follow(*node.variable)) return found;
    request.path_parameters.pop_back();
  }
  if (node.rest != nullptr) {
    request.path_parameters.push_back({node.rest_name, rest});
    return node.rest.get();
  }
  return nullptr;
}

const Router::Node* Router::match(std::string_view path, Request& request) const {
  request.path_parameters.clear();
  return path.starts_with('/') ? match(*root_, path.substr(1), request) : nullptr;
}

std::optional<Response> Router::refuse_method(const Node& node, const Request& request) {
  std::string allowed;
  for (std::size_t i = 0; i < kMethods; ++i) {
    const auto method = static_cast<Method>(i);
    const bool answers =
        node.routes.at(i) != nullptr ||
        (method == Method::Head && node.routes.at(index_of(Method::Get)) != nullptr) ||
        method == Method::Options;
    if (answers) allowed += (allowed.empty() ? "" : ", ") + std::string(name_of(method));
  }
  Response response;
  if (request.method == Method::Options)
    response.status = 204;
  else
    response = problem(
        {405, "method_not_allowed",
         fmt::format("{} is not possible here; allowed: {}", name_of(request.method), allowed),
         request.id},
        &request);
  response.headers.emplace_back("Allow", allowed);
  return response;
}

RequestPlan Router::plan(Request& request) {
  RequestPlan plan;
  plan.where = Where::Loop;  // refusals are cheap
  if (gate_ != nullptr) {
    plan.refusal = gate_(request);
    if (plan.refusal.has_value()) return plan;
  }
  const Node* node = match(request.path, request);
  if (node == nullptr) {
    plan.refusal =
        problem({404, "not_found", fmt::format("there is nothing at {}", request.path), request.id},
                &request);
    return plan;
  }
  const Route* route = node->routes.at(index_of(request.method));
  if (route == nullptr && request.method == Method::Head)
    route = node->routes.at(index_of(Method::Get));
  if (route == nullptr) {
    plan.refusal = refuse_method(*node, request);
    return plan;
  }
  request.route = route;
  plan.where = route->where;
  plan.body_limit_bytes = route->body_limit_bytes;
  plan.body = route->body;
  return plan;
}

void Router::handle(Exchange exchange) {
  Request& request = exchange.request();
  const auto& route = *static_cast<const Route*>(request.route);
  if (*route.permission != RoutePermission::Open)
    if (std::optional<Response> refusal = guard_(request, route)) {
      exchange.respond(std::move(*refusal));
      return;
    }
  if (route.handle != nullptr)
    route.handle(std::move(exchange));
  else
    exchange.respond(route.answer(request));
}

Response Router::problem(const HttpProblem& problem, const Request* request) {
  return shape_ != nullptr ? shape_(problem, request) : problem_response(problem);
}

}  // namespace martlet::net

#include "server/internal/endpoint.h"

#include "base/json.h"
#include "base/log.h"
#include "server/error_mapping.h"
#include "server/mlflow/endpoint.h"

namespace martlet::server {

namespace {

// Open Inference Protocol v2: the error of a failed request is one text.
bool speaks_v2(const net::Request& request) {
  return request.path == "/v2" || request.path.starts_with("/v2/");
}

}  // namespace

net::Response error_response(const Error& error, const net::Request& request) {
  const Json body = speaks_v2(request) ? Json{{"error", error_text(error, request.id)}}
                                       : error_body(error, request.id);
  net::Response response = net::Response::json(http_status(error.code()), to_text(body) + "\n");
  if (error.code() == ErrorCode::Unavailable) response.headers.emplace_back("Retry-After", "1");
  return response;
}

net::Response problem_of(const net::Request* request, const net::HttpProblem& problem) {
  if (request != nullptr && mlflow::is_mlflow_path(request->path))
    return mlflow::problem_response(problem);
  if (request == nullptr || !speaks_v2(*request)) return net::problem_response(problem);
  return net::Response::json(
      problem.status,
      to_text(Json{{"error", problem.message + " (" + std::string(problem.code) + ", request " +
                                 std::string(problem.request_id) + ")"}}) +
          "\n");
}

RouteMeter::RouteMeter(net::Telemetry& telemetry, const Clock& clock, Log& log, std::string route)
    : clock_(clock), log_(log), route_(std::move(route)),
      duration_(telemetry.histogram("martlet_http_request_seconds",
                                    "From the request's last byte to its answer.",
                                    {{"route", route_}})) {
  for (const std::size_t status : {2u, 4u, 5u}) {
    by_class_[status] =
        &telemetry.counter("martlet_http_requests_total", "Requests answered.",
                           {{"route", route_}, {"status", std::to_string(status) + "xx"}});
  }
}

void RouteMeter::done(const net::Request& request, std::chrono::steady_clock::time_point began,
                      int status, const Error* error) {
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(now() - began);
  duration_.record(took);
  const auto status_class = static_cast<std::size_t>(status / 100);
  if (status_class < by_class_.size() && by_class_[status_class] != nullptr)
    by_class_[status_class]->add();
  if (status < 500) return;
  log_.warn("http.failed", {{"route", route_},
                            {"status", status},
                            {"request_id", request.id},
                            {"peer", request.peer},
                            {"duration_us", static_cast<std::int64_t>(took.count())},
                            {"error", error == nullptr ? "" : error->message()}});
}

void Pending::respond(Result<net::Response> response, Shape shape) {
  const Error* const error = response.has_value() ? nullptr : &response.error();
  net::Response answer = error == nullptr ? std::move(*response) : shape(*error, request());
  meter_->done(request(), began_, answer.status, error);
  exchange_.respond(std::move(answer));
}

RouteMeter& Endpoints::meter_of(std::string_view method, const std::string& pattern) {
  meters_.push_back(
      std::make_unique<RouteMeter>(telemetry_, clock_, log_, std::string(method) + " " + pattern));
  return *meters_.back();
}

void Endpoints::get(std::string pattern, std::string summary, Answer answer) {
  RouteMeter& meter = meter_of("GET", pattern);
  net::Route route;
  route.pattern = std::move(pattern);
  route.permission = net::RoutePermission::Open;  // loopback only; see App::start()
  route.where = net::Where::Loop;
  route.summary = std::move(summary);
  route.handle = [&meter, answer = std::move(answer)](net::Exchange exchange) {
    Pending pending(std::move(exchange), meter);
    auto response = answer(pending.request());
    pending.respond(std::move(response));
  };
  router_.add(std::move(route));
}

void Endpoints::post(std::string pattern, std::string summary, std::size_t body_limit_bytes,
                     Handle handle) {
  add(net::Method::Post, std::move(pattern), std::move(summary),
      {.where = net::Where::Loop, .body_limit_bytes = body_limit_bytes}, std::move(handle));
}

void Endpoints::add(net::Method method, std::string pattern, std::string summary,
                    const Options& options, Handle handle) {
  RouteMeter& meter = meter_of(net::name_of(method), pattern);
  net::Route route;
  route.method = method;
  route.pattern = std::move(pattern);
  route.permission = net::RoutePermission::Open;  // loopback only; see App::start()
  route.where = options.where;
  route.body_limit_bytes = options.body_limit_bytes;
  route.body = options.body;
  route.summary = std::move(summary);
  route.handle = [&meter, handle = std::move(handle)](net::Exchange exchange) {
    handle(Pending(std::move(exchange), meter));
  };
  router_.add(std::move(route));
}

}  // namespace martlet::server

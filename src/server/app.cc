#include "server/app.h"

#include "base/log.h"
#include "base/text.h"
#include "net/http_server.h"
#include "net/router.h"
#include "net/telemetry.h"
#include "platform/threads.h"
#include "server/health_routes.h"
#include "server/inference_routes.h"
#include "server/internal/endpoint.h"
#include "server/mlflow/api.h"
#include "server/mlflow/endpoint.h"

#include <atomic>

namespace martlet::server {

bool is_loopback_host(std::string_view host) {
  std::string_view name = host;
  if (name.starts_with('[')) {
    const std::size_t end = name.find(']');
    if (end == std::string_view::npos) return false;
    const std::string_view after = name.substr(end + 1);
    if (!after.empty() && !after.starts_with(':')) return false;
    return net::is_loopback_address(name.substr(1, end - 1));
  }
  name = name.substr(0, name.find(':'));
  const std::string lower = lower_ascii(name);
  return lower == "localhost" || (lower.ends_with(".localhost") && lower.size() > 10) ||
         net::is_loopback_address(lower);
}

struct App::State {
  State(deployment::InferenceService& service, net::Telemetry& given_telemetry,
        const Clock& given_clock, Log& given_log, AppOptions given)
      : telemetry(given_telemetry), clock(given_clock), log(given_log), options(std::move(given)),
        endpoints(router, telemetry, clock, log),
        large_requests({.threads = options.pool_threads, .name = "inference"}, log),
        inference(service, large_requests,
                  {.body_bytes = options.inference_body_bytes, .version = options.version}),
        health(service, telemetry,
               {.draining = [this] { return stopping.load(); },
                .counts = [this] { return counts(); },
                .needs_model = options.needs_model},
               options.version) {
    router.set_gate([](const net::Request& request) {
      auto refused = refuse_host(request);
      return refused.has_value() ? std::move(refused) : refuse_origin(request);
    });
    router.set_problem_shape([this](const net::HttpProblem& problem, const net::Request* request) {
      return shape(problem, request);
    });
    health.add_to(endpoints);
    inference.add_to(endpoints);
  }

  static std::optional<net::Response> refuse_host(const net::Request& request) {
    if (is_loopback_host(request.header("host"))) return std::nullopt;
    return error_response(
        Error(ErrorCode::PermissionDenied,
              "the Host header must name this machine (localhost, 127.0.0.1 or [::1]): the server "
              "answers no requests by other names"),
        request);
  }

  // A page of another origin must not change anything through somebody's browser. Reading is left
  // to the browser, which shows a page nothing of another origin.
  static std::optional<net::Response> refuse_origin(const net::Request& request) {
    const std::string_view origin = request.header("origin");
    const bool reads = request.method == net::Method::Get || request.method == net::Method::Head ||
                       request.method == net::Method::Options;
    if (origin.empty() || reads) return std::nullopt;
    const std::size_t scheme = origin.find("://");
    if (scheme != std::string_view::npos && is_loopback_host(origin.substr(scheme + 3)))
      return std::nullopt;
    const Error error(ErrorCode::PermissionDenied,
                      "Cross-origin request blocked: a web page of another origin can't change "
                      "anything here");
    return mlflow::is_mlflow_path(request.path) ? mlflow::error_response(error, request)
                                                : error_response(error, request);
  }

  // What the router and the server have to say: counted, and told to the log when it's no fault of
  // the client.
  net::Response shape(const net::HttpProblem& problem, const net::Request* request) {
    telemetry
        .counter("martlet_http_problems_total", "Requests that reached no route.",
                 {{"status", std::to_string(problem.status / 100) + "xx"}})
        .add();
    if (problem.status >= 500) {
      log.warn("http.failed", {{"route", request == nullptr ? std::string_view() : request->path},
                               {"status", problem.status},
                               {"request_id", problem.request_id},
                               {"error", problem.message}});
    }
    return problem_of(request, problem);
  }

  net::HttpServerCounts counts() const {
    const net::HttpServer* running = started.load();
    return running == nullptr ? net::HttpServerCounts{} : running->counts();
  }

  net::Telemetry& telemetry;
  const Clock& clock;
  Log& log;
  AppOptions options;
  net::Router router;
  Endpoints endpoints;
  platform::ThreadPool large_requests;
  std::atomic<bool> stopping{false};
  // Set once the server has started, and read by requests that may come before start() returns.
  std::atomic<const net::HttpServer*> started{nullptr};
  InferenceRoutes inference;
  HealthRoutes health;
  std::unique_ptr<net::HttpServer> server;  // last: it uses all the others
};

App::App(deployment::InferenceService& service, net::Telemetry& telemetry, const Clock& clock,
         Log& log, AppOptions options)
    : state_(std::make_unique<State>(service, telemetry, clock, log, std::move(options))) {}

App::~App() { stop(std::chrono::milliseconds(0)); }

void App::add_api(mlflow::Api& api) { api.add_to(state_->endpoints); }

void App::add_routes(const std::function<void(net::Router&)>& add) { add(state_->router); }

Result<void> App::start() {
  AppOptions& options = state_->options;
  if (options.address == "localhost") options.address = "127.0.0.1";
  if (!net::is_loopback_address(options.address)) {
    return invalid_argument("listening on " + options.address +
                            ": martlet has neither authentication nor TLS for its server yet, so "
                            "it listens on this machine only: give 127.0.0.1 or ::1, and put a "
                            "proxy that has both in front of it");
  }
  net::HttpServerOptions server;
  server.address = options.address;
  server.port = options.port;
  server.loops = options.loops;
  server.pool_threads = options.pool_threads;
  server.limits = options.limits;
  MARTLET_TRY_SET(state_->server,
                  net::HttpServer::start(server, state_->router, state_->clock, state_->log));
  state_->started.store(state_->server.get());
  state_->log.info("server.started", {{"url", url()}});
  return {};
}

std::uint16_t App::port() const {
  return state_->server == nullptr ? std::uint16_t{0} : state_->server->port();
}

std::string App::url() const {
  const std::string& address = state_->options.address;
  const bool six = address.find(':') != std::string::npos;
  return "http://" + (six ? "[" + address + "]" : address) + ":" + std::to_string(port());
}

bool App::draining() const { return state_->stopping.load(); }

void App::stop(std::chrono::milliseconds grace) {
  if (state_->server == nullptr || state_->stopping.exchange(true)) return;
  state_->server->stop(grace);
  state_->large_requests.stop();
  state_->log.info("server.stopped", {{"url", url()}});
}

}  // namespace martlet::server

// server/internal/endpoint.h: what all endpoints have in common: how long they took, what became of
// them, how they say that they failed.
//
// Endpoints fills the router before the server starts; Pending is one request on its way to its
// answer.
#pragma once
#include "base/clock.h"
#include "base/result.h"
#include "net/http_server.h"
#include "net/router.h"
#include "net/telemetry.h"

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet {
class Log;
}

namespace martlet::server {

// The answer to a request that failed: error_body(), and error_text() where the v2 protocol is
// spoken; 503 comes with Retry-After.
net::Response error_response(const Error& error, const net::Request& request);
// What the server itself has to say, in the same two shapes. `request` may be null.
net::Response problem_of(const net::Request* request, const net::HttpProblem& problem);
inline net::Response problem_of(const net::Request& request, const net::HttpProblem& problem) {
  return problem_of(&request, problem);
}

// Counts and times one route.
class RouteMeter {
 public:
  RouteMeter(net::Telemetry& telemetry, const Clock& clock, Log& log, std::string route);
  std::chrono::steady_clock::time_point now() const { return clock_.monotonic(); }
  // One event at warn for what the server is to blame for.
  void done(const net::Request& request, std::chrono::steady_clock::time_point began, int status,
            const Error* error);

 private:
  const Clock& clock_;
  Log& log_;
  std::string route_;
  net::Histogram& duration_;
  std::array<net::Counter*, 6> by_class_{};  // of the status: [2] counts 2xx
};

// Movable to other threads; answers 500 when it's destroyed unanswered.
class Pending {
 public:
  Pending(net::Exchange exchange, RouteMeter& meter)
      : exchange_(std::move(exchange)), meter_(&meter), began_(meter.now()) {}
  const net::Request& request() const { return exchange_.request(); }
  // Of a route that streams it.
  net::RequestBody body() { return exchange_.body(); }
  // Once; the request may not be touched afterwards. `shape` makes the answer of an error.
  using Shape = net::Response (*)(const Error& error, const net::Request& request);
  void respond(Result<net::Response> response, Shape shape = &error_response);

 private:
  net::Exchange exchange_;
  RouteMeter* meter_;
  std::chrono::steady_clock::time_point began_;
};

class Endpoints {
 public:
  using Answer = std::function<Result<net::Response>(const net::Request&)>;
  using Handle = std::function<void(Pending)>;

  // All outlive the router's use.
  Endpoints(net::Router& router, net::Telemetry& telemetry, const Clock& clock, Log& log)
      : router_(router), telemetry_(telemetry), clock_(clock), log_(log) {}
  void get(std::string pattern, std::string summary, Answer answer);
  // On the event loop: the handler moves what takes longer to another thread.
  void post(std::string pattern, std::string summary, std::size_t body_limit_bytes, Handle handle);
  // Any method, wherever and however it is to run.
  struct Options {
    net::Where where = net::Where::Pool;
    std::optional<std::size_t> body_limit_bytes{};  // else HttpLimits'
    net::BodyMode body = net::BodyMode::Whole;
  };
  void add(net::Method method, std::string pattern, std::string summary, const Options& options,
           Handle handle);

 private:
  RouteMeter& meter_of(std::string_view method, const std::string& pattern);

  net::Router& router_;
  net::Telemetry& telemetry_;
  const Clock& clock_;
  Log& log_;
  std::vector<std::unique_ptr<RouteMeter>> meters_;
};

}  // namespace martlet::server

// server/app.h: the HTTP server of a deployment: all its routes, and what protects them.
//
// Made by cli (serve, demo); what it is given outlives it. start() once, stop() once or more; the
// destructor stops without grace. It listens on loopback addresses only, and answers only requests
// that name a loopback host, so that no web page can reach it through a name of its own (DNS
// rebinding). Thread-safe after start().
#pragma once
#include "base/result.h"
#include "net/http_message.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace martlet {
class Clock;
class Log;
}  // namespace martlet
namespace martlet::deployment {
class InferenceService;
}
namespace martlet::net {
class Router;
class Telemetry;
}  // namespace martlet::net

namespace martlet::server {

namespace mlflow {
class Api;
}

struct AppOptions {
  std::string address = "127.0.0.1";  // a number, or "localhost"
  std::uint16_t port = 8080;          // 0: any free one; see port()
  net::HttpLimits limits;
  std::size_t inference_body_bytes = std::size_t{16} << 20;
  int loops = 0;         // event loops; 0: one per hardware thread
  int pool_threads = 0;  // for other routes, and again for large inference requests; 0: by hardware
  std::string version;   // of martlet
  bool needs_model = true;  // to be ready
};

class App {
 public:
  App(deployment::InferenceService& service, net::Telemetry& telemetry, const Clock& clock,
      Log& log, AppOptions options);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  // Before start(). The API outlives the app.
  void add_api(mlflow::Api& api);
  // Before start(), any number of times.
  void add_routes(const std::function<void(net::Router&)>& add);

  // InvalidArgument for an address that isn't loopback, for limits, and for routes that clash;
  // Unavailable when the port is taken; PermissionDenied for a low one.
  Result<void> start();
  std::uint16_t port() const;  // 0 before start()
  std::string url() const;     // "http://127.0.0.1:8080"
  bool draining() const;
  // Answers what is in flight, for at most `grace`. From its beginning on /health/ready says 503.
  void stop(std::chrono::milliseconds grace);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Whether a Host header names this machine: localhost, a name under .localhost, a loopback address;
// with or without a port.
bool is_loopback_host(std::string_view host);

}  // namespace martlet::server

// server/health_routes.h: whether this server lives, whether it should be sent requests, what it
// is, and its telemetry.
//
// One HealthRoutes per App; what it is given outlives it. Thread-safe once its routes are added.
#pragma once
#include "base/result.h"
#include "net/http_message.h"
#include "net/http_server.h"

#include <functional>
#include <mutex>
#include <string>

namespace martlet::deployment {
class InferenceService;
}
namespace martlet::net {
class Telemetry;
}

namespace martlet::server {

class Endpoints;

class HealthRoutes {
 public:
  // What App knows of its server.
  struct Server {
    std::function<bool()> draining;
    std::function<net::HttpServerCounts()> counts;
    bool needs_model = true;  // to be ready
  };
  HealthRoutes(const deployment::InferenceService& service, net::Telemetry& telemetry,
               Server server, std::string version);
  void add_to(Endpoints& endpoints);

 private:
  // Unavailable while draining, and without a model where one is needed.
  Result<void> ready() const;
  net::Response telemetry_text();

  const deployment::InferenceService& service_;
  net::Telemetry& telemetry_;
  Server server_;
  std::string version_;
  std::mutex scrape_mutex_;  // guards the counters that are brought up to date by a scrape
};

}  // namespace martlet::server

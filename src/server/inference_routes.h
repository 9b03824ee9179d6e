// server/inference_routes.h: the inference protocols over HTTP: Open Inference Protocol v2 and
// MLflow's scoring.
//
// One InferenceRoutes per App; the service and the pool outlive it. Thread-safe once its routes are
// added.
#pragma once
#include "base/result.h"
#include "deployment/inference_service.h"
#include "deployment/shared_slot.h"
#include "net/http_message.h"
#include "server/inference_protocol.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace martlet::platform {
class ThreadPool;
}

namespace martlet::server {

class Endpoints;
class Pending;

struct InferenceRouteOptions {
  // JSON of this size is 10,000 rows of 1.6 KiB.
  std::size_t body_bytes = std::size_t{16} << 20;
  // Requests up to this size take microseconds, and are answered where they arrive; others go to
  // the pool.
  std::size_t loop_body_bytes = std::size_t{16} << 10;
  std::string version;  // of martlet
};

class InferenceRoutes {
 public:
  InferenceRoutes(deployment::InferenceService& service, platform::ThreadPool& pool,
                  InferenceRouteOptions options);
  void add_to(Endpoints& endpoints);

 private:
  enum class Dialect : std::uint8_t { V2, MLflow };
  struct Shaped;  // a model with its RequestShape
  std::shared_ptr<const Shaped> shaped(std::shared_ptr<const deployment::LiveModel> live);
  Result<net::Response> describe(const net::Request& request);
  void accept(Pending pending, Dialect dialect);
  Result<net::Response> answer(const net::Request& request, Dialect dialect);
  std::optional<Result<net::Response>> answer_plainly(const net::Request& request,
                                                      const Shaped& known, Dialect dialect);

  deployment::InferenceService& service_;
  platform::ThreadPool& pool_;
  InferenceRouteOptions options_;
  deployment::SharedSlot<const Shaped> shaped_;
};

}  // namespace martlet::server

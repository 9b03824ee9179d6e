#include "server/health_routes.h"

#include "base/json.h"
#include "deployment/inference_service.h"
#include "net/telemetry.h"
#include "server/internal/endpoint.h"
#include "server/mlflow/api.h"

namespace martlet::server {

namespace {

using net::Request;
using net::Response;

Response json_response(const Json& json) { return Response::json(200, to_text(json) + "\n"); }

}  // namespace

HealthRoutes::HealthRoutes(const deployment::InferenceService& service, net::Telemetry& telemetry,
                           Server server, std::string version)
    : service_(service), telemetry_(telemetry), server_(std::move(server)),
      version_(std::move(version)) {}

Result<void> HealthRoutes::ready() const {
  if (server_.draining()) return unavailable("the server is stopping; send requests elsewhere");
  if (server_.needs_model) MARTLET_TRY(service_.live());
  return {};
}

// Counts that others keep are carried over here, so that nothing in the telemetry, which outlives
// this server, points into it.
Response HealthRoutes::telemetry_text() {
  const std::lock_guard lock(scrape_mutex_);
  const auto carry = [&](const char* name, const char* help, std::uint64_t value,
                         const net::Labels& labels = {}) {
    net::Counter& counter = telemetry_.counter(name, help, labels);
    if (value > counter.value()) counter.add(value - counter.value());
  };
  for (const deployment::VersionCounts& counts : service_.slot().counts()) {
    const net::Labels labels = {{"version", std::to_string(counts.version.number)}};
    carry("martlet_inference_requests_total", "Inference requests answered.", counts.requests,
          labels);
    carry("martlet_predictions_total", "Rows answered.", counts.rows, labels);
    carry("martlet_inference_failures_total", "Requests that the model gave no answer to.",
          counts.failed, labels);
  }
  carry("martlet_inference_refused_total", "Requests refused since too many were in flight.",
        service_.admission().refused());
  carry("martlet_prediction_events_shed_total", "Predictions that the log took no note of.",
        service_.shed());
  const auto model = service_.slot().current();
  telemetry_.gauge("martlet_model_version", "The live model's version; 0 when there is none.")
      .set(model == nullptr ? 0 : static_cast<double>(model->version().number));
  telemetry_.gauge("martlet_inference_in_flight", "Inference requests being worked on.")
      .set(static_cast<double>(service_.admission().in_flight()));
  const net::HttpServerCounts http = server_.counts();
  carry("martlet_http_connections_total", "Connections accepted.", http.connections);
  carry("martlet_http_refused_total", "Requests malformed, too large or too slow.", http.refused);
  carry("martlet_http_overloaded_total", "Requests refused for a full queue or memory.",
        http.overloaded);
  carry("martlet_http_timeouts_total", "Requests whose handler took too long.",
        http.handler_timeouts);
  telemetry_.gauge("martlet_http_open_connections", "Connections open now.")
      .set(static_cast<double>(http.open_connections));
  Response response;
  response.content_type = std::string(net::Telemetry::kContentType);
  response.body = telemetry_.exposition();
  return response;
}

void HealthRoutes::add_to(Endpoints& endpoints) {
  endpoints.get("/health", "Whether the server answers, as MLflow's says it.",
                [](const Request&) -> Result<Response> { return Response::text(200, "OK"); });
  endpoints.get("/api/v1/health", "What state the server is in.",
                [this](const Request&) -> Result<Response> {
                  Json state{{"status", server_.draining() ? "draining" : "ok"}};
                  const auto model = service_.slot().current();
                  state["ready"] = ready().has_value();
                  state["model"] = model == nullptr ? Json() : Json(model->name().text());
                  state["version"] =
                      model == nullptr ? Json() : Json(std::to_string(model->version().number));
                  return json_response(state);
                });
  const auto live = [](const Request&) -> Result<Response> {
    return json_response(Json{{"live", true}});
  };
  const auto is_ready = [this](const Request&) -> Result<Response> {
    MARTLET_TRY(ready());
    return json_response(Json{{"ready", true}});
  };
  endpoints.get("/health/live", "Whether the process answers at all.", live);
  endpoints.get("/health/ready", "Whether to send requests here.", is_ready);
  endpoints.get("/v2/health/live", "Whether the process answers at all.", live);
  endpoints.get("/v2/health/ready", "Whether to send requests here.", is_ready);
  endpoints.get("/ping", "MLflow's question whether to send requests here.",
                [this](const Request&) -> Result<Response> {
                  MARTLET_TRY(ready());
                  return Response::text(200, "\n");
                });
  endpoints.get("/api/v1/version", "Which martlet this is.",
                [this](const Request&) -> Result<Response> {
                  return json_response(Json{{"name", "martlet"}, {"version", version_}});
                });
  endpoints.get(
      "/version", "The version of MLflow's server whose interface this is.",
      [](const Request&) -> Result<Response> { return Response::text(200, mlflow::kVersion); });
  endpoints.get("/metrics", "Telemetry in the Prometheus text format.",
                [this](const Request&) -> Result<Response> { return telemetry_text(); });
}

}  // namespace martlet::server

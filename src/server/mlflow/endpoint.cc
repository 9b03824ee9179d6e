#include "server/mlflow/endpoint.h"

#include "base/json.h"
#include "server/error_mapping.h"

#include <fmt/format.h>

namespace martlet::server::mlflow {

namespace {

// Metrics, params and tags of one log-batch with long keys, and a logged model's JSON.
constexpr std::size_t kBodyBytes = std::size_t{64} << 20;

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::AlreadyExists: return 400;
    case ErrorCode::ResourceExhausted: return 429;
    default: return http_status(code);
  }
}

std::string_view code_of(int status) {
  switch (status) {
    case 401: return "UNAUTHENTICATED";
    case 403: return "PERMISSION_DENIED";
    case 404: return "ENDPOINT_NOT_FOUND";
    case 429: return "REQUEST_LIMIT_EXCEEDED";
    case 501: return "NOT_IMPLEMENTED";
    case 503: return "TEMPORARILY_UNAVAILABLE";
    case 504: return "DEADLINE_EXCEEDED";
    default: return status >= 500 ? "INTERNAL_ERROR" : "BAD_REQUEST";
  }
}

}  // namespace

net::Response error_response(int status, std::string_view error_code, std::string_view message) {
  net::Response response = net::Response::json(
      status,
      to_text(Json{{"error_code", std::string(error_code)}, {"message", std::string(message)}}) +
          "\n");
  if (status == 503 || status == 429) response.headers.emplace_back("Retry-After", "1");
  return response;
}

net::Response error_response(const Error& error, const net::Request& request) {
  const bool internal = error.code() == ErrorCode::Internal || error.code() == ErrorCode::Corrupt;
  return error_response(
      status_of(error.code()), mlflow_code(error.code()),
      internal
          ? fmt::format("the server failed; its log has the reason under request {}", request.id)
          : error.message());
}

bool is_mlflow_path(std::string_view path) {
  return path.starts_with("/api/2.0/") || path.starts_with("/api/3.0/") ||
         path.starts_with("/ajax-api/");
}

net::Response problem_response(const net::HttpProblem& problem) {
  return error_response(problem.status, code_of(problem.status),
                        problem.message + " (request " + std::string(problem.request_id) + ")");
}

void Calls::get(std::string_view path, std::string_view summary, Answer answer) {
  call(net::Method::Get, "2.0", path, summary, std::move(answer));
}

void Calls::post(std::string_view path, std::string_view summary, Answer answer) {
  call(net::Method::Post, "2.0", path, summary, std::move(answer));
}

void Calls::call(net::Method method, std::string_view version, std::string_view path,
                 std::string_view summary, Answer answer) {
  mount(method, version, path, summary,
        [answer = std::move(answer)](const net::Request& request) -> Result<net::Response> {
          MARTLET_TRY_SET(const std::unique_ptr<Message> message, Message::read(request));
          MARTLET_TRY_SET(std::string json, answer(*message, request));
          return net::Response::json(200, std::move(json));
        });
}

void Calls::create(std::string_view path, std::string_view summary, Creation creation,
                   std::string_view version) {
  mount(net::Method::Post, version, path, summary, once(std::move(creation)));
}

void Calls::raw_create(std::string_view version, std::string_view path, std::string_view summary,
                       Creation creation) {
  raw_call(net::Method::Post, version, path, summary, once(std::move(creation)));
}

Calls::RawAnswer Calls::once(Creation creation) {
  return
      [idempotency = &idempotency_, creation = std::move(creation)](const net::Request& request) {
        return idempotency->answer(
            request,
            [&](Once& once) -> Result<net::Response> {
              MARTLET_TRY_SET(const std::unique_ptr<Message> message, Message::read(request));
              return creation(*message, request, once);
            },
            [](const Error& error, const net::Request& of) { return error_response(error, of); });
      };
}

void Calls::mount(net::Method method, std::string_view version, std::string_view path,
                  std::string_view summary, const RawAnswer& answer) {
  raw_call(method, version, fmt::format("/mlflow/{}", path), summary, answer);
  // Old clients.
  if (version == "2.0")
    raw(method, fmt::format("/api/2.0/preview/mlflow/{}", path), summary, answer);
}

void Calls::raw_call(net::Method method, std::string_view version, std::string_view path,
                     std::string_view summary, const RawAnswer& answer) {
  raw(method, fmt::format("/api/{}{}", version, path), summary, answer);
  raw(method, fmt::format("/ajax-api/{}{}", version, path), summary, answer);
}

void Calls::raw(net::Method method, std::string pattern, std::string_view summary,
                RawAnswer answer) {
  endpoints_.add(method, std::move(pattern), std::string(summary), {.body_limit_bytes = kBodyBytes},
                 [answer = std::move(answer)](Pending pending) {
                   pending.respond(answer(pending.request()), &error_response);
                 });
}

void Calls::stream_call(net::Method method, std::string_view version, std::string_view path,
                        std::string_view summary, const StreamAnswer& answer) {
  for (const std::string_view prefix : {"/api/", "/ajax-api/"}) {
    endpoints_.add(method, fmt::format("{}{}{}", prefix, version, path), std::string(summary),
                   {.body = net::BodyMode::Streamed}, [answer](Pending pending) {
                     auto response = answer(pending.request(), pending.body());
                     pending.respond(std::move(response), &error_response);
                   });
  }
}

}  // namespace martlet::server::mlflow

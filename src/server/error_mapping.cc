#include "server/error_mapping.h"

namespace martlet::server {

namespace {

struct Mapping {
  ErrorCode code;
  int http;
  std::string_view mlflow;
  int exit;
};

constexpr Mapping kTable[] = {
    {ErrorCode::NotFound, 404, "RESOURCE_DOES_NOT_EXIST", 2},
    {ErrorCode::AlreadyExists, 409, "RESOURCE_ALREADY_EXISTS", 6},
    {ErrorCode::Conflict, 409, "RESOURCE_CONFLICT", 6},
    {ErrorCode::InvalidArgument, 400, "INVALID_PARAMETER_VALUE", 2},
    {ErrorCode::PermissionDenied, 403, "PERMISSION_DENIED", 5},
    {ErrorCode::Unauthenticated, 401, "UNAUTHENTICATED", 5},
    {ErrorCode::Unavailable, 503, "TEMPORARILY_UNAVAILABLE", 3},
    {ErrorCode::DeadlineExceeded, 504, "DEADLINE_EXCEEDED", 3},
    {ErrorCode::Cancelled, 499, "CANCELLED", 130},
    {ErrorCode::ResourceExhausted, 507, "RESOURCE_EXHAUSTED", 3},
    {ErrorCode::Corrupt, 500, "DATA_LOSS", 1},
    {ErrorCode::Internal, 500, "INTERNAL_ERROR", 70},
};

const Mapping& mapping_of(ErrorCode code) {
  for (const Mapping& mapping : kTable) {
    if (mapping.code == code) return mapping;
  }
  return kTable[std::size(kTable) - 1];
}

}  // namespace

int http_status(ErrorCode code) { return mapping_of(code).http; }
std::string_view mlflow_code(ErrorCode code) { return mapping_of(code).mlflow; }
int exit_status(ErrorCode code) { return mapping_of(code).exit; }

Json error_body(const Error& error, std::string_view request_id) {
  const bool internal = error.code() == ErrorCode::Internal || error.code() == ErrorCode::Corrupt;
  Json body{{"code", std::string(name_of(error.code()))},
            {"message",
             internal
                 ? std::string("the server failed; its log has the reason under this request id")
                 : error.message()},
            {"request_id", std::string(request_id)}};
  if (!error.findings().empty() && !internal) {
    Json findings = Json::array();
    for (const Finding& finding : error.findings()) {
      findings.push_back(
          Json{{"path", finding.path}, {"rule", finding.rule}, {"message", finding.message}});
    }
    body["findings"] = std::move(findings);
  }
  return Json{{"error", std::move(body)}};
}

// The message of an error with findings holds them already.
std::string error_text(const Error& error, std::string_view request_id) {
  const Json body = error_body(error, request_id)["error"];
  return body["message"].get<std::string>() + " (" + body["code"].get<std::string>() +
         ", request " + std::string(request_id) + ")";
}

}  // namespace martlet::server

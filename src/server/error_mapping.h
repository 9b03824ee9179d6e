// server/error_mapping.h: the one table from error codes to what other worlds call them. Pure
// functions.
#pragma once
#include "base/json.h"
#include "base/result.h"

#include <string>
#include <string_view>

namespace martlet::server {

int http_status(ErrorCode code);
// MLflow's error_code: "RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE" …
std::string_view mlflow_code(ErrorCode code);
// The exit status of the command (DESIGN §5).
int exit_status(ErrorCode code);

// {"error": {"code", "message", "request_id", "findings"?}}: the body of every failed native and
// inference request. Messages of Internal errors are not passed on; the request id finds them in
// the log.
Json error_body(const Error& error, std::string_view request_id);
// The same as one text, where a protocol wants that: message, findings, code, request id.
std::string error_text(const Error& error, std::string_view request_id);

}  // namespace martlet::server

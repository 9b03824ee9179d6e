// net/http_client.h: HTTP(S) requests to others, over libcurl.
//
// One HttpClient per process or per use; thread-safe; keeps connections open between calls. It
// takes nothing from the environment (no proxies, no .netrc), follows no redirects unless told,
// verifies certificates, and bounds time and size. Callers: deployment and monitoring (webhooks),
// workflow (ray, slurm), artifacts (S3), cli.
#pragma once
#include "base/cancel.h"
#include "base/result.h"
#include "base/secret.h"
#include "net/http_message.h"
#include "net/url_guard.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace martlet::net {

struct HttpCall {
  Method method = Method::Get;
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  Secret bearer;  // sent as Authorization: Bearer …, never logged
  std::string body;
  std::chrono::milliseconds timeout{30'000};  // for all of it
  std::chrono::milliseconds connect_timeout{5'000};
  std::size_t response_limit_bytes = std::size_t{16} << 20;
  int redirects = 0;  // each is checked by the policy again; only for GET and HEAD
  // What users name goes through the guard; none: the operator's own configuration, any address.
  std::optional<UrlPolicy> policy = UrlPolicy{};
  std::string certificate_authority;  // a PEM file instead of the system's
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>>
      headers;  // of the last response; names in lower case
  std::string body;

  std::string_view header(std::string_view lower_name) const;  // "" when absent
};

class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any status is a response, not an error. Errors: InvalidArgument and PermissionDenied (the URL),
  // Unavailable (no connection, TLS, broken off), DeadlineExceeded, Cancelled (seen within a
  // second), ResourceExhausted (too large).
  Result<HttpResponse> send(const HttpCall& call, Deadline deadline, const CancelToken& cancel);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace martlet::net

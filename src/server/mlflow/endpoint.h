// server/mlflow/endpoint.h: how MLflow's calls are mounted and how they fail.
//
// A call is a method, a version ("2.0", "3.0") and a path below /mlflow; it answers under
// /api/VERSION/mlflow and /ajax-api/VERSION/mlflow alike. Errors become {"error_code", "message"}
// with MLflow's own status, which is never 5xx for a caller's mistake: its clients repeat those for
// minutes. Calls run on the pool, since each may wait for the disk. Filled before the server
// starts.
#pragma once
#include "base/result.h"
#include "net/http_message.h"
#include "server/idempotency.h"
#include "server/internal/endpoint.h"
#include "server/mlflow/fields.h"

#include <functional>
#include <string>
#include <string_view>

namespace martlet::server::mlflow {

net::Response error_response(const Error& error, const net::Request& request);
net::Response error_response(int status, std::string_view error_code, std::string_view message);
// Whether the path belongs to MLflow's interface, so that all of it fails in MLflow's shape.
bool is_mlflow_path(std::string_view path);
// What the server itself has to say about such a request.
net::Response problem_response(const net::HttpProblem& problem);

class Calls {
 public:
  // The text of the answer's JSON; what was noted in the fields is checked by fields.check().
  using Answer = std::function<Result<std::string>(Message& message, const net::Request& request)>;
  using RawAnswer = std::function<Result<net::Response>(const net::Request& request)>;
  using StreamAnswer =
      std::function<Result<net::Response>(const net::Request& request, net::RequestBody body)>;

  // What makes something; it answers through `once`.
  using Creation = std::function<Result<net::Response>(Message& message,
                                                       const net::Request& request, Once& once)>;

  // Both outlive the calls.
  Calls(Endpoints& endpoints, Idempotency& idempotency)
      : endpoints_(endpoints), idempotency_(idempotency) {}

  void get(std::string_view path, std::string_view summary, Answer answer);
  void post(std::string_view path, std::string_view summary, Answer answer);
  // A POST that takes an Idempotency-Key.
  void create(std::string_view path, std::string_view summary, Creation creation,
              std::string_view version = "2.0");
  void call(net::Method method, std::string_view version, std::string_view path,
            std::string_view summary, Answer answer);
  // Anywhere, with an answer of its own kind.
  void raw(net::Method method, std::string pattern, std::string_view summary, RawAnswer answer);
  // Under both prefixes, with an answer of its own kind: `path` begins behind the version.
  void raw_call(net::Method method, std::string_view version, std::string_view path,
                std::string_view summary, const RawAnswer& answer);
  // The same for what makes something: a POST that takes an Idempotency-Key.
  void raw_create(std::string_view version, std::string_view path, std::string_view summary,
                  Creation creation);
  // The same for a body of any size, which comes piece by piece.
  void stream_call(net::Method method, std::string_view version, std::string_view path,
                   std::string_view summary, const StreamAnswer& answer);

 private:
  void mount(net::Method method, std::string_view version, std::string_view path,
             std::string_view summary, const RawAnswer& answer);
  RawAnswer once(Creation creation);

  Endpoints& endpoints_;
  Idempotency& idempotency_;
};

}  // namespace martlet::server::mlflow

#include "server/mlflow/unsupported_calls.h"

#include "server/mlflow/endpoint.h"

#include <fmt/format.h>

namespace martlet::server::mlflow {

namespace {

struct Family {
  std::string_view path;  // below /mlflow
  std::string_view what;
};

constexpr Family kFamilies[] = {
    {"webhooks", "webhooks of the registry"},
    {"workspaces", "workspaces"},
    {"datasets", "evaluation datasets"},
    {"scorers", "scorers"},
    {"issues", "issues"},
    {"label-schemas", "label schemas"},
    {"review-queues", "review queues"},
    {"gateway", "the AI gateway"},
    {"endpoints", "the AI gateway"},
    {"prompt-optimization", "prompt optimisation"},
    {"users", "accounts"},
    {"permissions", "permissions"},
};
constexpr net::Method kMethods[] = {net::Method::Get, net::Method::Post, net::Method::Put,
                                    net::Method::Patch, net::Method::Delete};

net::Response refusal(const Family& family) {
  return error_response(501, "NOT_IMPLEMENTED",
                        fmt::format("{} are not offered by this server: it tracks runs, keeps a "
                                    "registry of models and records traces",
                                    family.what));
}

}  // namespace

void add_unsupported_calls(Calls& calls) {
  for (const Family& family : kFamilies) {
    for (const net::Method method : kMethods) {
      for (const std::string_view version : {"2.0", "3.0"}) {
        const auto answer = [&family](const net::Request&) -> Result<net::Response> {
          return refusal(family);
        };
        calls.raw_call(method, version, fmt::format("/mlflow/{}", family.path), family.what,
                       answer);
        calls.raw_call(method, version, fmt::format("/mlflow/{}/{{rest...}}", family.path),
                       family.what, answer);
      }
    }
  }
}

}  // namespace martlet::server::mlflow

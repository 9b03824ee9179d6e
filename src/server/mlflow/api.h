// server/mlflow/api.h: MLflow's REST interface over a store: everything that its clients need to
// track runs, to register models and to move their files.
//
// One per server; what it is given outlives it. Called by cli, which mounts it on an App before
// that starts. Never here: a second model of a run (tracking has it), permissions.
#pragma once
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"

#include <memory>

namespace martlet::artifacts {
class BlobStore;
}
namespace martlet::metadata {
class Database;
}

namespace martlet::server {

class Endpoints;

namespace mlflow {

// The version of MLflow's server that is claimed: clients choose what they call by it. From 3.4 on
// they would send spans as protobuf to /v1/traces; to an older server they send them as a file
// (docs/decisions/0030).
inline constexpr const char* kVersion = "3.3.2";

class Api {
 public:
  // Random is used by this alone. Errors as metadata::Database's.
  static Result<std::unique_ptr<Api>> open(metadata::Database& database,
                                           artifacts::BlobStore& blobs, const Clock& clock,
                                           Random& random);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  void add_to(Endpoints& endpoints);

 private:
  struct State;
  explicit Api(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mlflow
}  // namespace martlet::server

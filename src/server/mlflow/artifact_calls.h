// server/mlflow/artifact_calls.h: files of runs and of logged models through the server: sent,
// fetched, listed and removed, streamed both ways and verified by digest.
//
// Only places that the server itself gave out exist: EXPERIMENT/RUN/artifacts/… and
// EXPERIMENT/models/MODEL/artifacts/….
#pragma once
#include "base/result.h"
#include "tracking/files.h"

#include <string>
#include <string_view>

namespace martlet {
class Clock;
}
namespace martlet::artifacts {
class BlobStore;
}
namespace martlet::metadata {
class Database;
}

namespace martlet::server::mlflow {

class Calls;

// Whose file a path names, and which. InvalidArgument "Invalid path" for anything else than the two
// forms; `file` is "" for the root of the owner's files.
struct ArtifactPlace {
  ExperimentId experiment;
  tracking::FileOwner owner;
  std::string file;
};
Result<ArtifactPlace> artifact_place(std::string_view path);

struct ArtifactContext {
  metadata::Database& database;
  artifacts::BlobStore& blobs;
  const Clock& clock;
};

// All of it outlives the router's use.
void add_artifact_calls(Calls& calls, const ArtifactContext& context);

}  // namespace martlet::server::mlflow

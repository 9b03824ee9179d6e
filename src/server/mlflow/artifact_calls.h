// server/mlflow/artifact_calls.h: files of runs and of logged models through the server: sent,
// fetched, listed and removed, streamed both ways and verified by digest.
//
// Only places that the server itself gave out exist: EXPERIMENT/RUN/artifacts/…,
// EXPERIMENT/models/MODEL/artifacts/… and EXPERIMENT/traces/TRACE/artifacts/….
#pragma once
#include "artifacts/blob_store.h"
#include "base/result.h"
#include "net/http_server.h"
#include "tracking/files.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace martlet {
class Clock;
}
namespace martlet::metadata {
class Database;
}

namespace martlet::server::mlflow {

class Calls;

// Whose file a path names, and which. InvalidArgument "Invalid path" for anything else than these
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

// The bytes of a request's body as a blob. InvalidArgument beyond `most` bytes.
Result<artifacts::StoredBlob> store_body(const ArtifactContext& context, net::RequestBody body,
                                         std::optional<std::size_t> most);

// All of it outlives the router's use.
void add_artifact_calls(Calls& calls, const ArtifactContext& context);

}  // namespace martlet::server::mlflow

// registry/version_source.h: whether a client may say that a version's files are there.
//
// A client never chooses where martlet reads (RELIABILITY §1.6): what names martlet's own artifacts
// must lie where martlet put those of the run or logged model that the client names; a local path
// likewise; a remote URI is kept as text and handed back, never opened. Pure but for the path
// resolver. Thread-safe; callers: the server's routes, before ModelRegistry::add_version().
#pragma once
#include "base/result.h"
#include "registry/model_version.h"
#include "registry/names.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace martlet::registry {

struct SourceClaim {
  std::string source;  // as the client gave it
  bool prompt = false;
  // What the client says that it belongs to; "" when it doesn't. The location is the one that the
  // server assigned to it, absent when there is no such run or logged model.
  std::string run_id{};
  std::optional<std::string> run_location{};
  std::string model_id{};
  std::optional<std::string> model_location{};
};

enum class SourceKind : std::uint8_t {
  Prompt,        // no place at all
  Artifacts,     // martlet's, of the run or logged model: by their location or "runs:/…"
  LoggedModel,   // "models:/m-…"
  ModelVersion,  // "models:/churn/3": a copy
  Remote,        // somebody else's storage
  Local,         // a directory of this machine, within that of the run or logged model
};

struct CheckedSource {
  SourceKind kind = SourceKind::Remote;
  std::string location{};                     // where the files are; "" for a ModelVersion
  std::optional<ModelReference> reference{};  // of a ModelVersion
};

// The path without links and dots; an error when there is no such thing. Absent: no local path is
// accepted.
using PathResolver = std::function<Result<std::string>(const std::string& path)>;

// The id of the logged model that "models:/m-…" names; "" when the source is something else. For
// finding the claim's location.
std::string logged_model_of(std::string_view source);

// InvalidArgument saying what is wrong with it. In whatever spelling: "..", encoded any number of
// times, in path, query or fragment; backslashes, control characters, credentials; a run or
// logged model other than the one that is named; a scheme that nobody keeps models at.
Result<CheckedSource> check_source(const SourceClaim& claim, const PathResolver& resolve = {});

}  // namespace martlet::registry

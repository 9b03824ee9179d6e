// registry/model_version.h: what the registry keeps, as values. Server and CLI may include this
// header.
#pragma once
#include "base/digest.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/time.h"
#include "registry/names.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::registry {

using Texts = std::map<std::string, std::string>;

struct RegisteredModel {
  ModelName name;
  std::string description;
  Texts tags;
  Timestamp created;
  Timestamp updated;
  Version last;  // the newest number ever given; numbers of removed versions are not given again
};

enum class VersionStatus : std::uint8_t { Pending, Ready, Failed };
std::string_view name_of(VersionStatus status);
bool parse_name(std::string_view text, VersionStatus& status);

struct AliasTarget {
  Environment environment = Environment::Experiment;
  Alias alias;
};

struct ModelVersion {
  ModelName model;
  Version version;
  Digest package;  // of the package's manifest (artifacts/tree.h)
  RunId run;       // that trained it; empty when it came from elsewhere
  VersionStatus status = VersionStatus::Ready;
  std::string description;
  Texts tags;
  Timestamp created;
  Timestamp updated;
  std::string created_by;
  std::vector<AliasTarget> aliases;  // that point here now
};

// One move of an alias; absent where it pointed nowhere.
struct AliasChange {
  std::int64_t number = 0;  // 1, 2, 3 … of this alias
  std::optional<Version> from;
  std::optional<Version> to;
  Timestamp at;
  std::string actor;
  std::string reason;
};

// A statement about a version that is kept beside it, since the package itself never changes
// (DESIGN §8).
enum class AttestationKind : std::uint8_t { Gates, Waiver, Approval, Signature, Reproduction };
std::string_view name_of(AttestationKind kind);
bool parse_name(std::string_view text, AttestationKind& kind);

struct Attestation {
  std::int64_t number = 0;  // 1, 2, 3 … of this version
  AttestationKind kind = AttestationKind::Gates;
  std::optional<Environment> environment;  // absent: holds everywhere
  Json statement =
      Json::object();  // e.g. {"gates": [{"name", "passed", "why"}]}, {"gate", "reason"}
  Timestamp at;
  std::string actor;
};

// "churn/3"
std::string to_text(const ModelName& model, Version version);

}  // namespace martlet::registry

// registry/model_version.h: what the registry keeps, as values. Server and CLI may include this
// header.
#pragma once
#include "base/digest.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"
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

struct AliasTarget {
  Environment environment = Environment::Experiment;
  Alias alias;
};

struct ModelAlias {
  Environment environment = Environment::Experiment;
  Alias alias;
  Version version;
};

struct RegisteredModel {
  ModelName name;
  std::string description;
  Texts tags;
  Timestamp created;
  Timestamp updated;  // whenever it, or one of its versions, changed
  Version last;  // the newest number ever given; numbers of removed versions are not given again
  std::string created_by;
  std::vector<ModelAlias> aliases;  // by environment and name
};

enum class VersionStatus : std::uint8_t { Pending, Ready, Failed };
std::string_view name_of(VersionStatus status);
bool parse_name(std::string_view text, VersionStatus& status);

// What MLflow's clients had before there were aliases. Nothing in martlet acts on it
// (docs/decisions/0028).
enum class Stage : std::uint8_t { None, Staging, Production, Archived };
std::string_view name_of(Stage stage);  // "staging"
bool parse_name(std::string_view text, Stage& stage);
// In any case. InvalidArgument naming those that there are.
Result<Stage> parse_stage(std::string_view text);

// A version came from martlet's own training, and has a package; or a client registered it by
// where its files are, and it has a source.
struct ModelVersion {
  ModelName model;
  Version version;
  Digest package;  // of the package's manifest (artifacts/tree.h); zero when it has none
  RunId run;       // that trained it; empty when it came from elsewhere
  VersionStatus status = VersionStatus::Ready;
  std::string description;
  Texts tags;
  Timestamp created;
  Timestamp updated;
  std::string created_by;
  std::string source;    // as the client gave it; empty for martlet's own
  std::string location;  // where the files are, when `source` is the name of something else
  std::string run_link;
  std::string model_id;  // of the logged model that it is
  Stage stage = Stage::None;
  std::string status_message;
  std::vector<AliasTarget> aliases;  // that point here now

  bool has_package() const { return !package.is_zero(); }
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

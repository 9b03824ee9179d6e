// registry/model_registry.h: named models, their versions, and the aliases that say what is live.
//
// Lifetime: one per process, built by lifecycle/. Thread-safe: every call is one metadata
// transaction, and every change writes its audit record in the same one. The overloads with a
// Transaction join the caller's. Never here: training, permission checks (server/ does those),
// loading model bytes, deciding whether a gate passed.
#pragma once
#include "base/clock.h"
#include "base/result.h"
#include "metadata/audit.h"
#include "registry/model_version.h"
#include "registry/names.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::metadata {
class Database;
class ReadTransaction;
class Transaction;
}  // namespace martlet::metadata
namespace martlet::artifacts {
class BlobStore;
}

namespace martlet::registry {

using metadata::Actor;

struct NewVersion {
  ModelName model;
  Digest package;  // its manifest must be in the blob store already
  RunId trained_by;
  std::string description{};
  Texts tags{};
};

struct AliasMove {
  ModelName model;
  Environment environment = Environment::Experiment;
  Alias alias;
  std::optional<Version> expected;  // where the caller believes it points now; absent: nowhere
  Version target;
  std::string reason{};
};

class ModelRegistry {
 public:
  // All must outlive the registry.
  ModelRegistry(metadata::Database& database, const artifacts::BlobStore& blobs, const Clock& clock)
      : database_(database), blobs_(blobs), clock_(clock) {}

  // AlreadyExists.
  Result<RegisteredModel> create_model(const ModelName& name, const std::string& description,
                                       const Texts& tags, const Actor& actor);
  Result<RegisteredModel> model(const ModelName& name) const;  // NotFound
  Result<std::vector<RegisteredModel>> models() const;         // by name
  Result<void> describe_model(const ModelName& name, const std::string& description,
                              const Actor& actor);
  // An absent value removes the tag.
  Result<void> tag_model(const ModelName& name, const std::string& key,
                         const std::optional<std::string>& value, const Actor& actor);
  // With all its versions, aliases and attestations; the histories of its aliases and the audit log
  // stay. Conflict while the alias "live" of staging or production points at one of them.
  Result<void> remove_model(const ModelName& name, const Actor& actor);

  // Makes the model too, if it is new. Numbers are dense and start at 1. NotFound if the package is
  // not stored.
  Result<ModelVersion> add_version(const NewVersion& request, const Actor& actor);
  Result<ModelVersion> add_version(metadata::Transaction& tx, const NewVersion& request,
                                   const Actor& actor);
  Result<ModelVersion> version(const ModelName& model, Version version) const;  // NotFound
  Result<std::vector<ModelVersion>>
  versions(const ModelName& model) const;  // newest first; NotFound for an unknown model
  Result<std::vector<ModelVersion>> versions_of_run(const RunId& run) const;
  Result<std::vector<ModelVersion>> versions_of_package(const Digest& package) const;
  Result<void> describe_version(const ModelName& model, Version version,
                                const std::string& description, const Actor& actor);
  Result<void> tag_version(const ModelName& model, Version version, const std::string& key,
                           const std::optional<std::string>& value, const Actor& actor);
  // Conflict while an alias points at it.
  Result<void> remove_version(const ModelName& model, Version version, const Actor& actor);

  // "churn@live" (in that environment), "churn/3", "churn/latest". NotFound, InvalidArgument.
  Result<ModelVersion> resolve(std::string_view reference, Environment environment) const;
  // nullopt when the alias points nowhere.
  Result<std::optional<ModelVersion>> target_of(const ModelName& model, Environment environment,
                                                const Alias& alias) const;

  // Compare-and-set: Conflict if the alias no longer points at `move.expected`. NotFound for an
  // unknown target. Moving it to where it points already changes and records nothing.
  Result<void> move_alias(const AliasMove& move, const Actor& actor);
  Result<void> move_alias(metadata::Transaction& tx, const AliasMove& move, const Actor& actor);
  // Whatever it points at now (MLflow's meaning); `move.expected` is ignored.
  Result<void> set_alias(const AliasMove& move, const Actor& actor);
  // Whether it pointed anywhere.
  Result<bool> remove_alias(const ModelName& model, Environment environment, const Alias& alias,
                            const Actor& actor);
  // Oldest first.
  Result<std::vector<AliasChange>> alias_history(const ModelName& model, Environment environment,
                                                 const Alias& alias) const;

  // Adds a statement beside a version. NotFound; InvalidArgument when the statement is no object.
  Result<Attestation> attest(const ModelName& model, Version version, Attestation attestation,
                             const Actor& actor);
  Result<Attestation> attest(metadata::Transaction& tx, const ModelName& model, Version version,
                             Attestation attestation, const Actor& actor);
  Result<std::vector<Attestation>> attestations(const ModelName& model,
                                                Version version) const;  // oldest first

 private:
  Result<void> audit(metadata::Transaction& tx, const Actor& actor, std::string action,
                     std::string subject, Json details) const;
  Result<void> point_alias(metadata::Transaction& tx, const AliasMove& move,
                           const std::optional<Version>& from, const Actor& actor) const;

  metadata::Database& database_;
  const artifacts::BlobStore& blobs_;
  const Clock& clock_;
};

}  // namespace martlet::registry

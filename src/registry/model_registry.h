// registry/model_registry.h: named models, their versions, and the aliases that say what is live.
//
// Lifetime: one per process, built by lifecycle/. Thread-safe: every call is one metadata
// transaction, and every change writes its audit record in the same one. The overloads with a
// Transaction join the caller's; an Also joins ours. Never here: training, permission checks
// (server/ does those), loading model bytes, deciding whether a gate passed, opening what a
// version's source names.
#pragma once
#include "base/clock.h"
#include "base/result.h"
#include "metadata/also.h"
#include "metadata/audit.h"
#include "registry/model_search.h"
#include "registry/model_version.h"
#include "registry/names.h"

#include <cstdint>
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

struct VersionName {
  ModelName model;
  Version version;
};

enum class UnknownModel : std::uint8_t { Make, Refuse };

// A package of martlet's own, or the source of a client's; or the name of a version to copy, whose
// package, source, location and attestations the new one gets.
struct NewVersion {
  ModelName model;
  Digest package;  // its manifest must be in the blob store already; zero: none
  RunId trained_by;
  std::string description{};
  Texts tags{};
  std::string source{};    // checked by check_source() (version_source.h)
  std::string location{};  // where the files are, if `source` is a name
  std::string run_link{};
  std::string model_id{};
  std::optional<VersionName> copied_from{};
  UnknownModel unknown_model = UnknownModel::Make;
};

struct AliasMove {
  ModelName model;
  Environment environment = Environment::Experiment;
  Alias alias;
  std::optional<Version> expected;  // where the caller believes it points now; absent: nowhere
  Version target;
  std::string reason{};
};

enum class OthersInStage : std::uint8_t { Keep, Archive };

class ModelRegistry {
 public:
  // All must outlive the registry.
  ModelRegistry(metadata::Database& database, const artifacts::BlobStore& blobs, const Clock& clock)
      : database_(database), blobs_(blobs), clock_(clock) {}

  // --- models (registered_models.cc)

  // AlreadyExists.
  Result<RegisteredModel> create_model(const ModelName& name, const std::string& description,
                                       const Texts& tags, const Actor& actor,
                                       const metadata::Also<RegisteredModel>& also = {});
  Result<RegisteredModel> model(const ModelName& name) const;  // NotFound
  Result<std::vector<RegisteredModel>> models() const;         // by name
  Result<ModelPage> search_models(const RegistrySearch& search) const;
  Result<RegisteredModel> describe_model(const ModelName& name, const std::string& description,
                                         const Actor& actor);
  // An absent value removes the tag.
  Result<void> tag_model(const ModelName& name, const std::string& key,
                         const std::optional<std::string>& value, const Actor& actor);
  // With its versions, aliases, their histories and attestations. NotFound; AlreadyExists; Conflict
  // while a version of it is live (see remove_version): the project file, the prediction log and
  // the windows of its monitor know it by its name.
  Result<RegisteredModel> rename_model(const ModelName& name, const ModelName& to,
                                       const Actor& actor);
  // With all its versions, aliases and attestations; the histories of its aliases and the audit log
  // stay. Conflict while a version of it is live.
  Result<void> remove_model(const ModelName& name, const Actor& actor);

  // --- versions (model_versions.cc)

  // Numbers are dense, start at 1 and are never given again while the model exists. NotFound if
  // the package, the version to copy or, if it isn't to be made, the model isn't there.
  Result<ModelVersion> add_version(const NewVersion& request, const Actor& actor,
                                   const metadata::Also<ModelVersion>& also = {});
  Result<ModelVersion> add_version(metadata::Transaction& tx, const NewVersion& request,
                                   const Actor& actor);
  // With package, run, source, description, tags and attestations: what was judged stays judged.
  Result<ModelVersion> copy_version(const VersionName& from, const ModelName& to,
                                    const Actor& actor);
  Result<ModelVersion> version(const ModelName& model, Version version) const;  // NotFound
  Result<std::vector<ModelVersion>>
  versions(const ModelName& model) const;  // newest first; NotFound for an unknown model
  Result<std::vector<ModelVersion>> versions_of_run(const RunId& run) const;
  Result<std::vector<ModelVersion>> versions_of_package(const Digest& package) const;
  Result<VersionPage> search_versions(const RegistrySearch& search) const;
  Result<ModelVersion> describe_version(const ModelName& model, Version version,
                                        const std::string& description, const Actor& actor);
  Result<void> tag_version(const ModelName& model, Version version, const std::string& key,
                           const std::optional<std::string>& value, const Actor& actor);
  // Nothing of it can be read afterwards; aliases that point at it are removed. Conflict while it
  // is live: `live` of any environment points at it, and it has a package that martlet may be
  // serving.
  Result<void> remove_version(const ModelName& model, Version version, const Actor& actor);
  // "churn@live" (in that environment), "churn/3", "churn/latest". NotFound, InvalidArgument.
  Result<ModelVersion> resolve(std::string_view reference, Environment environment) const;

  // --- stages (stages.cc)

  // A label for old clients: no alias moves, nothing is deployed. `Archive` moves the others of
  // that stage to Archived; InvalidArgument unless it is Staging or Production.
  Result<ModelVersion> set_stage(const ModelName& model, Version version, Stage stage,
                                 OthersInStage others, const Actor& actor);
  // The newest version of each of these stages, of none: of every stage; in the order of the
  // stages.
  Result<std::vector<ModelVersion>> latest_versions(const ModelName& model,
                                                    const std::vector<Stage>& stages) const;

  // --- aliases (aliases.cc)

  // nullopt when the alias points nowhere.
  Result<std::optional<ModelVersion>> target_of(const ModelName& model, Environment environment,
                                                const Alias& alias) const;
  // Compare-and-set: Conflict if the alias no longer points at `move.expected`, or if it is `live`,
  // points at a version with a package and the target has none. NotFound for an unknown target.
  // Moving it to where it points already changes and records nothing.
  Result<void> move_alias(const AliasMove& move, const Actor& actor);
  Result<void> move_alias(metadata::Transaction& tx, const AliasMove& move, const Actor& actor);
  // Whatever it points at now (MLflow's meaning); `move.expected` is ignored.
  Result<void> set_alias(const AliasMove& move, const Actor& actor);
  // Whether it pointed anywhere. NotFound for an unknown model.
  Result<bool> remove_alias(const ModelName& model, Environment environment, const Alias& alias,
                            const Actor& actor);
  // Oldest first.
  Result<std::vector<AliasChange>> alias_history(const ModelName& model, Environment environment,
                                                 const Alias& alias) const;

  // --- attestations (attestations.cc)

  // Adds a statement beside a version. NotFound; InvalidArgument when the statement is no object.
  Result<Attestation> attest(const ModelName& model, Version version, Attestation attestation,
                             const Actor& actor);
  Result<Attestation> attest(metadata::Transaction& tx, const ModelName& model, Version version,
                             Attestation attestation, const Actor& actor);
  Result<std::vector<Attestation>> attestations(const ModelName& model,
                                                Version version) const;  // oldest first

 private:
  Result<void> point_alias(metadata::Transaction& tx, const AliasMove& move,
                           const std::optional<Version>& from, const Actor& actor) const;

  metadata::Database& database_;
  const artifacts::BlobStore& blobs_;
  const Clock& clock_;
};

}  // namespace martlet::registry

// registry/registry_import.h: registered models that another store keeps, taken over as they are:
// with their version numbers, times, stages, tags and aliases.
//
// An import only adds: what is here already stays as it is, what was removed here stays away, and
// both are told where they differ. Each model with its versions and aliases is one transaction, and
// all that it adds is audited as if it had been made here. Sources must have passed check_source()
// (version_source.h). Lifetime: of one import; the database must outlive it. Caller: lifecycle's
// import.
#pragma once
#include "base/clock.h"
#include "base/finding.h"
#include "base/result.h"
#include "metadata/audit.h"
#include "registry/model_version.h"

#include <cstdint>
#include <vector>

namespace martlet::metadata {
class Database;
class Transaction;
}  // namespace martlet::metadata

namespace martlet::registry {

// What one call added.
struct RegistryTally {
  std::int64_t models = 0;
  std::int64_t versions = 0;
  std::int64_t aliases = 0;
  std::int64_t tags = 0;
  RegistryTally& operator+=(const RegistryTally& other);
};

enum class RegistryImportMode : std::uint8_t { Write, Rehearse };

class RegistryImporter {
 public:
  RegistryImporter(metadata::Database& database, const Clock& clock, RegistryImportMode mode)
      : database_(database), clock_(clock), mode_(mode) {}

  // `theirs` with its aliases; of versions, their own aliases are not looked at, and none has a
  // package. A model of this name that was created at the same millisecond is the same one, as is
  // one without any version; Conflict for another. A version of the same number is the same if it
  // was created at the same millisecond by the same run. Findings: version_differs,
  // version_removed, alias_differs, alias_removed, and tags and aliases that our rules don't allow.
  // A rehearsal counts the same and writes nothing.
  Result<RegistryTally> add(const RegisteredModel& theirs,
                            const std::vector<ModelVersion>& versions,
                            std::vector<Finding>& findings);

 private:
  Result<RegistryTally> add(metadata::Transaction& tx, const RegisteredModel& theirs,
                            const std::vector<ModelVersion>& versions,
                            std::vector<Finding>& findings) const;

  metadata::Database& database_;
  const Clock& clock_;
  RegistryImportMode mode_;
};

}  // namespace martlet::registry

#include "registry/schema.h"

#include "registry/internal/records.h"

namespace martlet::registry {

namespace {

Result<void> models_versions_aliases(metadata::SchemaEditor& schema) {
  const metadata::TableOptions of_model{.references = {{"model", "registered_models"}}};
  MARTLET_TRY(schema.create_table<ModelRecord>());
  MARTLET_TRY(schema.create_table<VersionRecord>(of_model));
  MARTLET_TRY(schema.create_index<VersionRecord>({"package"}));
  MARTLET_TRY(schema.create_index<VersionRecord>({"run"}));
  MARTLET_TRY(schema.create_table<AliasRecord>(of_model));
  MARTLET_TRY(schema.create_table<AliasChangeRecord>());
  return schema.create_table<AttestationRecord>(of_model);
}

}  // namespace

metadata::SchemaGroup registry_schema() {
  return {"registry", {{1, "models, versions and aliases", models_versions_aliases}}};
}

}  // namespace martlet::registry

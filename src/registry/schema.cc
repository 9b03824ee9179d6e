#include "registry/schema.h"

#include "metadata/database.h"
#include "registry/internal/changes.h"
#include "registry/internal/records.h"

namespace martlet::registry {

namespace {

using metadata::SchemaEditor;
using metadata::Value;

metadata::TableOptions of_model() { return {.references = {{"model", "registered_models"}}}; }

Result<void> models_versions_aliases(SchemaEditor& schema) {
  MARTLET_TRY(schema.create_table<ModelRecord>());
  MARTLET_TRY(schema.create_table<VersionRecord>(of_model()));
  MARTLET_TRY(schema.create_index<VersionRecord>({"package"}));
  MARTLET_TRY(schema.create_index<VersionRecord>({"run"}));
  MARTLET_TRY(schema.create_table<AliasRecord>(of_model()));
  MARTLET_TRY(schema.create_table<AliasChangeRecord>());
  return schema.create_table<AttestationRecord>(of_model());
}

// Versions that clients register by their source, stages, and tags that can be searched.
Result<void> sources_stages_tags(SchemaEditor& schema) {
  const Value none = std::string();
  MARTLET_TRY(schema.add_column<ModelRecord>("created_by", none));
  for (const char* column : {"source", "location", "run_link", "model_id", "status_message"})
    MARTLET_TRY(schema.add_column<VersionRecord>(column, none));
  MARTLET_TRY(schema.add_column<VersionRecord>("stage", Value(std::string(name_of(Stage::None)))));
  MARTLET_TRY(schema.create_index<ModelRecord>({"created"}));
  MARTLET_TRY(schema.create_index<ModelRecord>({"updated"}));
  MARTLET_TRY(schema.create_index<VersionRecord>({"created"}));
  MARTLET_TRY(schema.create_index<VersionRecord>({"updated"}));
  MARTLET_TRY(schema.create_index<VersionRecord>({"model", "stage", "number"}));
  MARTLET_TRY(schema.create_table<ModelTagRecord>(of_model()));
  MARTLET_TRY(schema.create_index<ModelTagRecord>({"key", "brief"}));
  MARTLET_TRY(schema.create_table<VersionTagRecord>(of_model()));
  MARTLET_TRY(schema.create_index<VersionTagRecord>({"key", "brief"}));
  return schema.with_records([](metadata::Transaction& tx) -> Result<void> {
    MARTLET_TRY_SET(const auto models, tx.select<ModelRecord>());
    for (const ModelRecord& model : models) MARTLET_TRY(index_tags(tx, model));
    MARTLET_TRY_SET(const auto versions, tx.select<VersionRecord>());
    for (const VersionRecord& version : versions) MARTLET_TRY(index_tags(tx, version));
    return {};
  });
}

}  // namespace

metadata::SchemaGroup registry_schema() {
  return {"registry",
          {{1, "models, versions and aliases", models_versions_aliases},
           {2, "sources, stages and tags", sources_stages_tags}}};
}

}  // namespace martlet::registry

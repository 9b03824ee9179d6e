#include "metadata/internal/migrations.h"

#include "metadata/audit.h"
#include "metadata/claims.h"
#include "metadata/database.h"
#include "metadata/keyed_answer.h"
#include "metadata/shared_key.h"
#include "metadata/store_copy.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::metadata::internal {

namespace {

// metadata's own tables. Released migrations never change.
SchemaGroup own_schema() {
  return {"metadata",
          {{1, "claims and audit log",
            [](SchemaEditor& schema) -> Result<void> {
              MARTLET_TRY(schema.create_table<ClaimRecord>());
              return schema.create_table<AuditRecord>();
            }},
           {2, "keys that processes share",
            [](SchemaEditor& schema) { return schema.create_table<SharedKeyRecord>(); }},
           {3, "answers to requests with a key",
            [](SchemaEditor& schema) -> Result<void> {
              MARTLET_TRY(schema.create_table<KeyedAnswer>());
              return schema.create_index<KeyedAnswer>({"kept"});
            }},
           {4, "what a store is a copy of",
            [](SchemaEditor& schema) { return schema.create_table<StoreCopyRecord>(); }}}};
}

Result<void> refuse_newer(const std::vector<SchemaRecord>& applied,
                          const std::vector<SchemaGroup>& groups) {
  for (const SchemaRecord& record : applied) {
    const auto known = std::find_if(groups.begin(), groups.end(), [&](const SchemaGroup& group) {
      return group.name == record.group;
    });
    const auto newest =
        known == groups.end() || known->migrations.empty() ? 0 : known->migrations.back().number;
    if (record.number > newest) {
      return invalid_argument(fmt::format(
          "the store was written by a newer martlet (change {} of {}, \"{}\", is unknown here); "
          "use that version, or restore a backup made by this one",
          record.number, record.group, record.name));
    }
  }
  return {};
}

}  // namespace

std::vector<SchemaGroup> all_groups(const std::vector<SchemaGroup>& of_modules) {
  std::vector<SchemaGroup> groups{own_schema()};
  groups.insert(groups.end(), of_modules.begin(), of_modules.end());
  return groups;
}

Result<void> migrate(Connection& connection, const std::vector<SchemaGroup>& groups, StoreAge age) {
  SchemaEditor editor(connection);
  if (age == StoreAge::New) MARTLET_TRY(editor.create_table<SchemaRecord>());
  Transaction tx(connection);
  MARTLET_TRY_SET(const std::vector<SchemaRecord> applied, tx.select<SchemaRecord>());
  MARTLET_TRY(refuse_newer(applied, groups));
  for (const SchemaGroup& group : groups) {
    int expected = 1;
    for (const Migration& migration : group.migrations) {
      MARTLET_CHECK(migration.number == expected++, "migrations of a group are numbered 1, 2, 3 …");
      const bool done =
          std::any_of(applied.begin(), applied.end(), [&](const SchemaRecord& record) {
            return record.group == group.name && record.number == migration.number;
          });
      if (done) continue;
      if (auto changed = migration.apply(editor); !changed.has_value()) {
        return fail(std::move(changed).error().with_context(
            fmt::format("bringing the store up to date, {} {} ({})", group.name, migration.number,
                        migration.name)));
      }
      MARTLET_TRY(tx.insert(SchemaRecord{group.name, migration.number, migration.name}));
    }
  }
  return {};
}

}  // namespace martlet::metadata::internal

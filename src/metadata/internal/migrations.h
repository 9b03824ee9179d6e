// metadata/internal/migrations.h: bringing a store's tables up to date, the same for both drivers.
//
// The driver calls it inside a transaction in which nobody else migrates.
#pragma once
#include "base/result.h"
#include "metadata/internal/connection.h"
#include "metadata/record.h"
#include "metadata/schema.h"

#include <cstdint>
#include <string>
#include <vector>

namespace martlet::metadata::internal {

// What a store has been through.
struct SchemaRecord {
  std::string group;
  std::int64_t number = 0;
  std::string name;
  static constexpr RecordInfo kRecord{"schema_migrations", "group, number"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("group", self.group);
    field("number", self.number);
    field("name", self.name);
  }
};

enum class StoreAge : std::uint8_t { New, Old };

// metadata's own tables and the modules'.
std::vector<SchemaGroup> all_groups(const std::vector<SchemaGroup>& of_modules);

// Runs what the store lacks. InvalidArgument when it has been through something that isn't in
// `groups`: a newer martlet's.
Result<void> migrate(Connection& connection, const std::vector<SchemaGroup>& groups, StoreAge age);

}  // namespace martlet::metadata::internal

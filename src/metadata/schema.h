// metadata/schema.h: tables and how they change: numbered forward migrations, grouped by the module
// that owns the tables.
//
// A module that keeps records has one file, schema.cc, with one function that returns its
// SchemaGroup; lifecycle/ lists the groups when it opens the store. All migrations that a store
// lacks run at open, in one transaction. A migration, once released, never changes; a new one is
// appended. A store whose groups or numbers this program doesn't know is refused.
//
//   metadata::SchemaGroup workflow_schema() {
//     return {"workflow", {
//       {1, "runs and steps", [](metadata::SchemaEditor& schema) -> Result<void> {
//         MARTLET_TRY(schema.create_table<RunRecord>());
//         MARTLET_TRY(schema.create_table<StepRecord>({.references = {{"run", "pipeline_runs"}}}));
//         return schema.create_index<StepRecord>({"status", "due"});
//       }},
//       {2, "a step's reason", [](metadata::SchemaEditor& schema) { return
//       schema.add_column<StepRecord>("reason", Value("")); }},
//     }};
//   }
#pragma once
#include "base/result.h"
#include "metadata/record.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::metadata {

namespace internal {
class Connection;
}
class Transaction;

enum class Uniqueness : std::uint8_t { NotUnique, Unique };

// `column` holds the whole key of `table`, or is null. Checked at once, not at commit.
struct Reference {
  std::string column;
  std::string table;
};

struct TableOptions {
  std::vector<Reference> references{};
};

// Valid during one migration.
class SchemaEditor {
 public:
  explicit SchemaEditor(internal::Connection& connection) : connection_(connection) {}

  // The table as describe() has it today. So a later add_column of a field that describe() already
  // had when the table was made is a no-op: a new store and a migrated one end up alike.
  template <Record R>
  Result<void> create_table(const TableOptions& options = {}) {
    return create_table(shape_of<R>(), options);
  }
  // An index on columns of R, named after them.
  template <Record R>
  Result<void> create_index(const std::vector<std::string>& columns,
                            Uniqueness uniqueness = Uniqueness::NotUnique) {
    return create_index(shape_of<R>(), columns, uniqueness);
  }
  // The index that create_index() made of these columns.
  template <Record R>
  Result<void> drop_index(const std::vector<std::string>& columns) {
    return drop_index(shape_of<R>(), columns);
  }
  // A field that describe() gained; `existing` is what older records get (may be null only if the
  // field may).
  template <Record R>
  Result<void> add_column(const std::string& column, const Value& existing) {
    return add_column(shape_of<R>(), column, existing);
  }
  Result<void> rename_column(const std::string& table, const std::string& from,
                             const std::string& to);
  Result<void> drop_table(const std::string& table);

  // For migrations that move records.
  Result<void> with_records(const std::function<Result<void>(Transaction&)>& change);

 private:
  Result<void> create_table(const TableShape& shape, const TableOptions& options);
  Result<void> create_index(const TableShape& shape, const std::vector<std::string>& columns,
                            Uniqueness uniqueness);
  Result<void> drop_index(const TableShape& shape, const std::vector<std::string>& columns);
  Result<void> add_column(const TableShape& shape, const std::string& column,
                          const Value& existing);
  internal::Connection& connection_;
};

struct Migration {
  int number = 0;    // 1, 2, 3 … within the group
  std::string name;  // a few words, shown when it fails
  std::function<Result<void>(SchemaEditor&)> apply;
};

struct SchemaGroup {
  std::string name;  // the module's
  std::vector<Migration> migrations;
};

}  // namespace martlet::metadata

// metadata/store_copy.h: which store this is, and what it is a copy of. Free functions; caller:
// lifecycle's migrate.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "metadata/record.h"
#include "metadata/table_copy.h"

#include <optional>
#include <string>

namespace martlet::metadata {

class Database;
class ReadTransaction;
class Transaction;

// In a store that was made by copying another one; at most one, of the last copy. It isn't copied
// itself.
struct StoreCopyRecord {
  std::string name = "copy";
  std::string attempt;           // random: which call wrote last
  Timestamp at;                  // when the copy was complete; 0 when none ever was
  std::string from;              // the other store, as people name it
  Json tables = Json::object();  // {table: {rows, digest}} as the copy left them
  static constexpr RecordInfo kRecord{"store_copies", "name"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("name", self.name);
    field("attempt", self.attempt);
    field("at", self.at);
    field("from", self.from);
    field("tables", self.tables);
  }
};

// What tells this store and its copies from all others; "" when nobody has asked for it yet.
Result<std::string> store_identity(const ReadTransaction& tx);
// The same; `fresh` becomes it.
Result<std::string> store_identity(Database& database, std::string fresh);

Result<std::optional<StoreCopyRecord>> last_copy(const ReadTransaction& tx);
// Leaves what is known of the last complete copy.
Result<void> begin_copy(Transaction& tx, const std::string& attempt);
Result<void> end_copy(Transaction& tx, const std::string& attempt, Timestamp at,
                      const std::string& from, const TableSums& tables);

Json to_json(const TableSums& sums);
// Corrupt when it is something else.
Result<TableSums> parse_table_sums(const Json& json);

}  // namespace martlet::metadata

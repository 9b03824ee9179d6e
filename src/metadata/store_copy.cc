#include "metadata/store_copy.h"

#include "metadata/database.h"
#include "metadata/shared_key.h"

namespace martlet::metadata {

namespace {

constexpr const char* kIdentity = "store";
constexpr const char* kOnly = "copy";

Result<StoreCopyRecord> current(const ReadTransaction& tx) {
  MARTLET_TRY_SET(std::optional<StoreCopyRecord> known, last_copy(tx));
  return std::move(known).value_or(StoreCopyRecord());
}

}  // namespace

Result<std::string> store_identity(const ReadTransaction& tx) {
  MARTLET_TRY_SET(const std::optional<SharedKeyRecord> key, tx.get<SharedKeyRecord>(kIdentity));
  return key.has_value() ? key->bytes.bytes : std::string();
}

Result<std::string> store_identity(Database& database, std::string fresh) {
  return shared_key(database, kIdentity, std::move(fresh));
}

Result<std::optional<StoreCopyRecord>> last_copy(const ReadTransaction& tx) {
  return tx.get<StoreCopyRecord>(kOnly);
}

Result<void> begin_copy(Transaction& tx, const std::string& attempt) {
  MARTLET_TRY_SET(StoreCopyRecord record, current(tx));
  record.attempt = attempt;
  return tx.put(record);
}

Result<void> end_copy(Transaction& tx, const std::string& attempt, Timestamp at,
                      const std::string& from, const TableSums& tables) {
  StoreCopyRecord record;
  record.attempt = attempt;
  record.at = at;
  record.from = from;
  record.tables = to_json(tables);
  return tx.put(record);
}

Json to_json(const TableSums& sums) {
  Json json = Json::object();
  for (const auto& [table, sum] : sums)
    json[table] = Json{{"rows", sum.rows}, {"digest", sum.digest.text()}};
  return json;
}

Result<TableSums> parse_table_sums(const Json& json) {
  constexpr std::string_view kSubject = "a copy's table";
  TableSums sums;
  if (!json.is_object()) return corrupt("what is known of a copy's tables is no object");
  for (const auto& [table, entry] : json.items()) {
    TableSum& sum = sums[table];
    MARTLET_TRY_SET(sum.rows, integer_member(entry, "rows", kSubject));
    MARTLET_TRY_SET(const std::string digest, text_member(entry, "digest", kSubject));
    MARTLET_TRY_SET(sum.digest, Digest::parse(digest));
  }
  return sums;
}

}  // namespace martlet::metadata

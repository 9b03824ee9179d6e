#include "metadata/audit.h"

#include "metadata/database.h"

#include <fmt/format.h>

namespace martlet::metadata {

namespace {

constexpr std::int64_t kPage = 1000;

Digest hash_of(const AuditRecord& record) {
  Json object = to_json(record);
  object.erase("hash");
  // Exact, where the text of an instant is for people.
  object["at"] = record.at.micros;
  return digest_of(object);
}

}  // namespace

Result<AuditRecord> append_audit(Transaction& tx, Timestamp at, const Actor& actor,
                                 AuditEvent event) {
  MARTLET_TRY_SET(const std::optional<AuditRecord> last,
                  tx.first<AuditRecord>(Query().order_by("number", Order::Descending)));
  AuditRecord record;
  record.number = last.has_value() ? last->number + 1 : 1;
  record.at = at;
  record.actor = actor.name;
  record.action = std::move(event.action);
  record.subject = std::move(event.subject);
  record.details = std::move(event.details);
  record.previous = last.has_value() ? last->hash : Digest();
  record.hash = hash_of(record);
  MARTLET_TRY(tx.insert(record));
  return record;
}

Result<std::vector<Finding>> verify_audit(const ReadTransaction& tx) {
  std::vector<Finding> findings;
  const auto report = [&](std::int64_t number, std::string_view rule, std::string message) {
    Finding finding;
    finding.path = fmt::format("audit_log[{}]", number);
    finding.rule = rule;
    finding.message = std::move(message);
    findings.push_back(std::move(finding));
  };
  std::int64_t expected = 1;
  Digest previous;
  for (;;) {
    MARTLET_TRY_SET(const std::vector<AuditRecord> page,
                    tx.select<AuditRecord>(
                        Query(at_least("number", expected)).order_by("number").limit(kPage)));
    for (const AuditRecord& record : page) {
      if (record.number != expected) {
        report(expected, "missing_entry",
               fmt::format("entries {} to {} of the audit log are missing", expected,
                           record.number - 1));
      } else if (record.previous != previous) {
        report(record.number, "broken_chain",
               fmt::format("entry {} of the audit log doesn't continue entry {}", record.number,
                           expected - 1));
      }
      if (hash_of(record) != record.hash) {
        report(record.number, "changed_entry",
               fmt::format("entry {} of the audit log was changed after it was written",
                           record.number));
      }
      expected = record.number + 1;
      previous = record.hash;
    }
    if (static_cast<std::int64_t>(page.size()) < kPage) break;
  }
  return findings;
}

}  // namespace martlet::metadata

// metadata/audit.h: the audit log: who changed what, each entry chained to the one before by its
// hash.
//
// append() is called in the transaction of the change that it describes; if the entry can't be
// written, the change doesn't happen (RELIABILITY §1.10). Entries never change and are never
// removed. The chain shows changed, reordered and missing entries in the middle; a signed head kept
// elsewhere shows truncation (access/ exports it). Free functions; callers: registry, access,
// deployment, lifecycle.
#pragma once
#include "base/digest.h"
#include "base/finding.h"
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "metadata/record.h"

#include <cstdint>
#include <string>

namespace martlet::metadata {

class ReadTransaction;
class Transaction;

// Who does something: "user:ann", "service:ci", "system:retrain", "local" for the person at an
// embedded store's own command line.
struct Actor {
  std::string name = "local";
};

struct AuditRecord {
  std::int64_t number = 0;  // dense from 1
  Timestamp at;
  std::string actor;
  std::string action;   // "registry.alias.move": stable
  std::string subject;  // what was changed: "churn@live in production"
  Json details;         // before, after, reason: never secrets
  Digest previous;      // the hash of entry number - 1; zero for the first
  Digest hash;          // SHA-256 of the canonical JSON of all other fields
  static constexpr RecordInfo kRecord{"audit_log", "number"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("number", self.number);
    field("at", self.at);
    field("actor", self.actor);
    field("action", self.action);
    field("subject", self.subject);
    field("details", self.details);
    field("previous", self.previous);
    field("hash", self.hash);
  }
};

struct AuditEvent {
  std::string action;
  std::string subject;
  Json details = Json::object();
};

Result<AuditRecord> append_audit(Transaction& tx, Timestamp at, const Actor& actor,
                                 AuditEvent event);

// Every break of the chain; empty when it is whole. Reads the log in pages.
Result<std::vector<Finding>> verify_audit(const ReadTransaction& tx);

}  // namespace martlet::metadata

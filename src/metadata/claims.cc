#include "metadata/claims.h"

#include "metadata/database.h"

#include <fmt/format.h>

namespace martlet::metadata {

namespace {

Result<ClaimRecord> still_held(Transaction& tx, const Claim& claim) {
  MARTLET_TRY_SET(std::optional<ClaimRecord> record, tx.get<ClaimRecord>(claim.key));
  if (!record.has_value() || record->token != claim.token || record->owner != claim.owner) {
    return conflict(fmt::format(
        "{} no longer holds the claim {} (token {}): its lease lapsed and somebody else took over",
        claim.owner, claim.key, claim.token));
  }
  return std::move(*record);
}

}  // namespace

std::int64_t Claims::now_us() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             clock_.monotonic().time_since_epoch())
      .count();
}

Result<std::optional<Claim>> Claims::claim(Transaction& tx, const std::string& key,
                                           const std::string& owner, Duration lease) const {
  if (owner.empty() || lease.count() <= 0)
    return invalid_argument(
        fmt::format("claiming {}: an owner and a positive lease are needed", key));
  MARTLET_TRY_SET(std::optional<ClaimRecord> record, tx.get<ClaimRecord>(key));
  const std::int64_t now = now_us();
  if (record.has_value() && !record->owner.empty() && record->owner != owner &&
      record->host_start == host_start_ && record->lapses_us > now) {
    return std::optional<Claim>();
  }
  const std::int64_t token = record.has_value() ? record->token + 1 : 1;
  MARTLET_TRY(tx.put(ClaimRecord{key, owner, token, now + lease.count(), host_start_}));
  return std::optional<Claim>(Claim{key, owner, token});
}

Result<void> Claims::heartbeat(Transaction& tx, const Claim& claim, Duration lease) const {
  MARTLET_TRY_SET(ClaimRecord record, still_held(tx, claim));
  record.lapses_us = now_us() + lease.count();
  record.host_start = host_start_;
  return tx.update(record);
}

Result<void> Claims::check(Transaction& tx, const Claim& claim) {
  return still_held(tx, claim).map([](ClaimRecord&&) {});
}

Result<void> Claims::release(Transaction& tx, const Claim& claim) {
  MARTLET_TRY_SET(ClaimRecord record, still_held(tx, claim));
  record.owner.clear();
  return tx.update(record);
}

}  // namespace martlet::metadata

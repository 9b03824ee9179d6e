// metadata/claims.h: what must happen once is claimed in the database, with a lease, a heartbeat
// and a fencing token.
//
// A claim is held by one owner until it is released or its lease lapses by the monotonic clock
// (which all processes of a host share; a restart of the host lapses every lease). Each new holder
// gets a greater token. Check the token in the transaction that writes the claim's result: then an
// owner that was paused beyond its lease can't write any more (RELIABILITY §1.9). Free functions on
// a transaction; callers: workflow's scheduler and workers, monitoring's triggers.
#pragma once
#include "base/clock.h"
#include "base/result.h"
#include "metadata/record.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace martlet::metadata {

class Transaction;

struct ClaimRecord {
  std::string key;
  std::string owner;           // "" when released
  std::int64_t token = 0;      // grows with each new holder
  std::int64_t lapses_us = 0;  // monotonic microseconds
  std::string host_start;      // tells one start of the host from the next
  static constexpr RecordInfo kRecord{"claims", "key"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("key", self.key);
    field("owner", self.owner);
    field("token", self.token);
    field("lapses_us", self.lapses_us);
    field("host_start", self.host_start);
  }
};

struct Claim {
  std::string key;
  std::string owner;
  std::int64_t token = 0;
};

// Makes, keeps and checks claims. Values in; thread-safe.
class Claims {
 public:
  // `host_start` is the same for all processes since the host started and differs after a restart;
  // see platform/host.h.
  Claims(const Clock& clock, std::string host_start)
      : clock_(clock), host_start_(std::move(host_start)) {}

  // nullopt when another owner holds it. The same owner that asks again gets a fresh lease under a
  // new token.
  Result<std::optional<Claim>> claim(Transaction& tx, const std::string& key,
                                     const std::string& owner, Duration lease) const;
  // Extends the lease from now. Conflict when the claim has passed to somebody else or was
  // released.
  Result<void> heartbeat(Transaction& tx, const Claim& claim, Duration lease) const;
  // Conflict unless `claim` is still the newest holder. A lapsed lease that nobody has taken still
  // counts: the token decides.
  static Result<void> check(Transaction& tx, const Claim& claim);
  // Gives it back. Conflict as above.
  static Result<void> release(Transaction& tx, const Claim& claim);

 private:
  std::int64_t now_us() const;
  const Clock& clock_;
  std::string host_start_;
};

}  // namespace martlet::metadata

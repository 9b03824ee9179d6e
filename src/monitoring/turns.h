// monitoring/turns.h: the ledger of retraining: who asked for a training, what the policy said,
// what is under way and what became of it. One RetrainRecord a turn.
//
// A turn is entered in the transaction of what asked for it (a judged window, a schedule that fell
// due, a person) and ended in that of what it did (a version, an alias). So a crash in between
// neither loses nor doubles it: whoever comes next finds it "running" and takes it up again, a
// bounded number of times. Free functions on transactions; the caller, lifecycle's loop, lets one
// process at a time drive a deployment.
#pragma once
#include "base/result.h"
#include "monitoring/config.h"
#include "monitoring/records.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace martlet::metadata {
class ReadTransaction;
class Transaction;
}  // namespace martlet::metadata

namespace martlet::monitoring {

inline constexpr std::string_view kFirstModel =
    "begin";  // trigger of a model that nobody asked for
inline constexpr std::int64_t kTurnAttempts = 5;

enum class PolicyUse : std::uint8_t { Obey, Override };

struct TurnRequest {
  std::string id;  // a fresh one
  std::string deployment;
  std::string trigger;   // "alert value-falls", "schedule", "person: the fares changed"
  std::string champion;  // "flight-delay/1"
  Timestamp now;
  // Since when it has been asking: the same refusal again since then is no news.
  std::optional<Timestamp> asking_since;
  PolicyUse use = PolicyUse::Obey;  // cooldown and budget
};

struct TurnAnswer {
  bool granted = false;
  bool news = false;  // false: refused as before, and nothing was recorded
  std::string why;    // when refused
};

// Enters the turn as "running", or its refusal as "refused". A turn that is under way already is
// reason enough to refuse, whatever the policy.
Result<TurnAnswer> ask(metadata::Transaction& tx, const RetrainPolicy& policy,
                       const TurnRequest& request);

// The turn that was entered and has not ended.
Result<std::optional<RetrainRecord>> turn_under_way(const metadata::ReadTransaction& tx,
                                                    const std::string& deployment);
// When trainings of this deployment began, oldest first; refusals and the first model don't count.
Result<std::vector<Timestamp>> trainings_of(const metadata::ReadTransaction& tx,
                                            const std::string& deployment);

// Counts one more attempt and gives the record as it is then; after kTurnAttempts it ends as failed
// instead, and nullopt is given. Conflict when it has ended meanwhile.
Result<std::optional<RetrainRecord>> take_up(metadata::Transaction& tx, const std::string& id,
                                             Timestamp now);
// Leaves it to the next who comes: this attempt was told to stop and doesn't count.
Result<void> put_down(metadata::Transaction& tx, const RetrainRecord& turn);
// Conflict unless `turn` is still the attempt under way: somebody else took it up since.
Result<void> end_turn(metadata::Transaction& tx, RetrainRecord turn, const std::string& decision,
                      const std::string& why, Timestamp now);

}  // namespace martlet::monitoring

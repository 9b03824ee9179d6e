#include "monitoring/turns.h"

#include "metadata/database.h"
#include "monitoring/retraining.h"

#include <algorithm>

namespace martlet::monitoring {

namespace {

constexpr std::string_view kRunning = "running";
constexpr std::string_view kRefused = "refused";

using metadata::equal;
using metadata::Order;
using metadata::Query;

// Whether this very request was refused before, since it began to ask.
Result<bool> refused_before(const metadata::ReadTransaction& tx, const TurnRequest& request) {
  if (!request.asking_since.has_value()) return false;
  MARTLET_TRY_SET(const auto last,
                  tx.first<RetrainRecord>(Query(equal("deployment", request.deployment) &&
                                                equal("trigger_name", request.trigger))
                                              .order_by("at", Order::Descending)
                                              .order_by("id", Order::Descending)));
  return last.has_value() && last->decision == kRefused && last->at >= *request.asking_since;
}

}  // namespace

Result<std::optional<RetrainRecord>> turn_under_way(const metadata::ReadTransaction& tx,
                                                    const std::string& deployment) {
  return tx.first<RetrainRecord>(
      Query(equal("deployment", deployment) && equal("decision", kRunning)).order_by("at"));
}

Result<std::vector<Timestamp>> trainings_of(const metadata::ReadTransaction& tx,
                                            const std::string& deployment) {
  MARTLET_TRY_SET(const auto records,
                  tx.select<RetrainRecord>(Query(equal("deployment", deployment) &&
                                                 metadata::not_equal("decision", kRefused) &&
                                                 metadata::not_equal("trigger_name", kFirstModel))
                                               .order_by("at")));
  std::vector<Timestamp> times;
  for (const RetrainRecord& record : records) times.push_back(record.at);
  return times;
}

Result<TurnAnswer> ask(metadata::Transaction& tx, const RetrainPolicy& policy,
                       const TurnRequest& request) {
  RetrainRecord record{request.id,  request.deployment, request.now, request.trigger, "",
                       "",          request.champion,   "",          Json::object(),  0,
                       std::nullopt};
  if (request.use == PolicyUse::Override) record.details["policy_overridden"] = true;
  TurnAnswer answer;
  MARTLET_TRY_SET(const auto running, turn_under_way(tx, request.deployment));
  if (running.has_value()) {
    answer.why =
        "a turn is under way since " + to_text(running->at) + " (" + running->trigger + ")";
  } else if (request.use == PolicyUse::Obey) {
    MARTLET_TRY_SET(const auto trainings, trainings_of(tx, request.deployment));
    const Permission permission = may_retrain(policy, trainings, request.now);
    if (!permission.granted) answer.why = permission.why;
  }
  answer.granted = answer.why.empty();
  if (answer.granted) {
    answer.news = true;
    record.decision = kRunning;
    MARTLET_TRY(tx.insert(record));
    return answer;
  }
  MARTLET_TRY_SET(const bool as_before, refused_before(tx, request));
  const bool will_be_heard = running.has_value() && request.asking_since.has_value();
  if (as_before || will_be_heard) return answer;
  answer.news = true;
  record.decision = kRefused;
  record.why = answer.why;
  record.ended = request.now;
  MARTLET_TRY(tx.insert(record));
  return answer;
}

Result<std::optional<RetrainRecord>> take_up(metadata::Transaction& tx, const std::string& id,
                                             Timestamp now) {
  MARTLET_TRY_SET(RetrainRecord turn, tx.require<RetrainRecord>("turn", id));
  if (turn.decision != kRunning)
    return conflict("turn " + id + " has ended already: " + turn.decision);
  if (turn.attempts >= kTurnAttempts) {
    MARTLET_TRY(end_turn(tx, turn, "failed",
                         "the process that trained ended " + std::to_string(turn.attempts) +
                             " times before it was done; see the server's log",
                         now));
    return std::optional<RetrainRecord>();
  }
  ++turn.attempts;
  MARTLET_TRY(tx.update(turn));
  return std::optional(std::move(turn));
}

Result<void> put_down(metadata::Transaction& tx, const RetrainRecord& turn) {
  RetrainRecord waiting = turn;
  --waiting.attempts;
  return tx.compare_and_set(waiting,
                            equal("decision", kRunning) && equal("attempts", turn.attempts));
}

Result<void> end_turn(metadata::Transaction& tx, RetrainRecord turn, const std::string& decision,
                      const std::string& why, Timestamp now) {
  const auto still_mine = equal("decision", kRunning) && equal("attempts", turn.attempts);
  turn.decision = decision;
  turn.why = why;
  turn.ended = now;
  return tx.compare_and_set(turn, still_mine);
}

}  // namespace martlet::monitoring

// lifecycle/live_loop.h: the use cases "monitor tick" and "retrain": the loop of a deployment that
// serves, one look at a time, on the real clock and the store's records.
//
// Each call is a process's whole work: a server starts one whenever something is due
// (loop_keeper.h), a person or cron may do the same. One at a time per deployment: Conflict while
// another process has the loop.
#pragma once
#include "base/cancel.h"
#include "base/result.h"
#include "lifecycle/loop.h"
#include "lifecycle/webhooks.h"
#include "monitoring/history.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::lifecycle {

struct LiveLoopOptions {
  registry::Environment environment = registry::Environment::Experiment;
  WebhookOptions webhooks;
  CancelToken cancel;
  std::function<void(const LoopEvent&)> on_event;
  std::function<void(std::string_view)> on_line;  // what a training says
};

struct LiveLoopReport {
  std::string deployment;
  std::string model;  // live at the end
  std::vector<LoopEvent> events;
  WebhookTally webhooks;
  Timestamp next;  // when there will be something to do again
};
// {deployment, model, events: [{at, kind, why, model}], webhooks: {delivered, failed, given_up},
//  next}
Json to_json(const LiveLoopReport& report);

// How long after its end a window's predictions may still be on their way to the disk: a server
// makes them durable every 100 ms.
inline constexpr Duration kSettle = std::chrono::milliseconds(500);

// Adopts the version that is live, takes up what was begun, judges what is due, advances alerts,
// retrains if that is asked for and permitted, sends webhooks. Errors as Loop::adopt and tick.
Result<LiveLoopReport> tick_live(const Store& store, const Project& project,
                                 const LiveLoopOptions& options);

struct RetrainNow {
  std::string reason;
  monitoring::PolicyUse use = monitoring::PolicyUse::Obey;
};
struct RetrainReport {
  bool granted = false;
  std::string refusal;  // of the policy
  // The turn that was taken. Another one than was asked for, when that was begun before and had not
  // ended: it comes first.
  std::optional<monitoring::RetrainRecord> turn;
  bool took_up_another = false;
};
// {granted, why, turn: {…} or null}
Json to_json(const RetrainReport& report);

// One turn now, in a person's name. Errors as above.
Result<RetrainReport> retrain_now(const Store& store, const Project& project,
                                  const RetrainNow& request, const LiveLoopOptions& options);

struct WatchedDeployment {
  std::string model;  // live; "" when none is
  monitoring::DeploymentHistory history;
};
// What the store holds of it; see history_of.
Result<WatchedDeployment> look_at_deployment(const Store& store, const Project& project,
                                             registry::Environment environment, std::int64_t limit,
                                             std::optional<Duration> length);

}  // namespace martlet::lifecycle

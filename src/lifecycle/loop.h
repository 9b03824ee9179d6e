// lifecycle/loop.h: a deployment that keeps itself good: it judges windows, raises alerts, retrains
// and promotes.
//
// The same code runs beside a server, on the real clock, and in simulate, on a virtual one:
// whatever depends on time asks store.host().clock. All that it knows stands in the store (windows,
// alert states, turns), so that it may be dropped after any tick, or killed in one, and made again.
// One at a time per deployment (loop_lock); not thread-safe. All references must outlive it.
#pragma once
#include "base/result.h"
#include "lifecycle/turn.h"
#include "lifecycle/window_watch.h"
#include "monitoring/turns.h"
#include "platform/file_lock.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace martlet::lifecycle {

// Something that a person would want to know of.
struct LoopEvent {
  Timestamp at;
  std::string kind;  // "trained", "alert", "cleared", "refused", "rejected", "promoted", "failed"
  std::string why;
  std::string model;  // "flight-delay/3"; "" when none is concerned
};
Json to_json(const LoopEvent& event);

// "experiment/flight-delay": the deployment that serves a project's model in an environment.
std::string deployment_of(const Project& project, registry::Environment environment);

// Held by the one process that drives a deployment's loop; gone with that process, however it
// ends. Conflict names the process that has it.
Result<platform::FileLock> loop_lock(const Store& store, const std::string& deployment);

class Loop {
 public:
  struct Parts {
    const Store& store;
    const Project& project;
    registry::Environment environment = registry::Environment::Experiment;
    std::string deployment = {};
    Duration settle{};  // see WindowWatch
    std::function<void(const LoopEvent&)> on_event = {};
    // A version was taken over, or has just been promoted.
    std::function<Result<void>(const LoopModel&)> on_live = {};
    std::function<void(std::string_view)> log = {};  // what a training says
    CancelToken cancel = {};
  };
  // Where a training gets what it learns from; asked only when one begins.
  using Teacher = std::function<Result<Lessons>()>;

  static std::unique_ptr<Loop> create(Parts parts);

  // Trains the first model on these lessons and makes it live: the same recipe as every later one,
  // by the candidate that does best on the validation rows.
  // InvalidArgument when an alert's condition or a KPI doesn't fit the rows that the model is asked
  // with.
  Result<void> begin(const Lessons& lessons);
  // Takes over the version that is live. NotFound when there is none; InvalidArgument as begin().
  Result<void> adopt();

  const LoopModel& live() const { return *live_; }
  monitoring::TruthStore& truth() { return watch_.truth(); }

  // Judges the windows that are due by now, advances alerts, and takes the turn that an alert or
  // the schedule asks for and the policy permits, or one that was begun before and not ended.
  // What fails in a training is an event; an Error means that the store failed, or Cancelled: then
  // the turn stays for the next tick.
  Result<void> tick(const Teacher& teacher);
  // The first half of it: all but the training. Enters the turn that is granted.
  Result<void> judge();
  // Asks for a turn now, in the name of a person; granted ones are taken with the next
  // take_pending().
  Result<monitoring::TurnAnswer> ask(const std::string& reason, monitoring::PolicyUse use);
  // Takes the turn that is under way, if any; gives its record as it ended.
  Result<std::optional<monitoring::RetrainRecord>> take_pending(const Teacher& teacher);

  // The keys that were asked about in the windows that are due: whose truth is wanted now.
  Result<std::unordered_set<std::string>> due_keys() const;
  // When there will be something to do.
  Result<Timestamp> next_due() const;

 private:
  explicit Loop(Parts parts);
  Result<void> judge_due(Timestamp now, bool& asked);
  Result<void> ask_by_schedule(Timestamp now);
  Result<Timestamp> schedule_base() const;
  monitoring::TurnRequest request_of(const std::string& trigger, Timestamp now) const;
  Result<TurnResult> train(const Teacher& teacher, Timestamp now) const;
  Result<void> finish(monitoring::RetrainRecord turn, const std::string& decision,
                      const std::string& why);
  Result<void> promote(monitoring::RetrainRecord turn, const TurnResult& result);
  Result<registry::ModelVersion> make_live(const TurnResult& result, const std::string& reason,
                                           monitoring::RetrainRecord turn);
  Result<void> take_over(const registry::ModelVersion& version);
  Result<std::optional<registry::ModelVersion>> live_version() const;
  void tell(const std::string& kind, const std::string& why, const std::string& model) const;
  std::string live_text() const;

  Parts parts_;
  registry::ModelName name_;
  WindowWatch watch_;
  std::optional<LoopModel> live_;
};

}  // namespace martlet::lifecycle

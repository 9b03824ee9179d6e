// lifecycle/loop.h: a deployment that keeps itself good: it answers, logs, learns the truth, judges
// windows, raises alerts, retrains and promotes.
//
// The same code runs on the real clock and, in simulate, on a virtual one: whatever depends on time
// asks store.host().clock. One per deployment; not thread-safe: one thread calls tick(). All
// references must outlive it.
#pragma once
#include "base/result.h"
#include "deployment/model_slot.h"
#include "deployment/prediction_sink.h"
#include "lifecycle/challenger.h"
#include "lifecycle/packages.h"
#include "lifecycle/workshop.h"
#include "monitoring/alerts.h"
#include "monitoring/prediction_log.h"
#include "monitoring/truth.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace martlet::lifecycle {

// Something that a person would want to know of.
struct LoopEvent {
  Timestamp at;
  std::string kind;  // "trained", "alert", "cleared", "refused", "rejected", "promoted", "failed"
  std::string why;
  std::string model;  // "flight-delay/3"; "" when none is concerned
};

struct LoopModel {
  std::string name;
  std::int64_t version = 0;
  Timestamp trained_at;
  std::shared_ptr<const models::Package> package;
  monitoring::ReferenceProfile reference;
};

class Loop {
 public:
  struct Parts {
    const Store& store;
    const Project& project;
    const problem::Problem& problem;
    const features::Lookups& lookups;
    const std::map<std::string, columns::Batch>& lookup_rows;  // what they were built of
    registry::Environment environment = registry::Environment::Experiment;
    deployment::ModelSlot& slot;
    std::function<void(const LoopEvent&)> on_event;
    CancelToken cancel;
  };
  // What may be learnt from: the rows of the dataset as they are known now, and which of them have
  // truth.
  struct History {
    std::shared_ptr<const Frame> frame;
    std::vector<std::uint32_t> known;
  };

  static std::unique_ptr<Loop> create(Parts parts, std::string deployment);
  ~Loop();

  // Trains the first model on the history and makes it live: the same recipe as every later one.
  // InvalidArgument when an alert's condition or a KPI doesn't fit the rows that the model is asked
  // with.
  Result<void> begin(const History& history, const std::string& trainer, const Json& parameters);

  // Where an InferenceService reports to.
  deployment::PredictionSink& sink();
  // Makes what was reported durable.
  Result<void> flush() { return log_->flush(); }
  monitoring::TruthStore& truth() { return truth_; }
  const LoopModel& live() const { return live_; }
  std::string deployment() const { return deployment_; }

  // Judges the windows that are due by now, advances alerts, and retrains when an alert or the
  // schedule asks for it and the policy permits. `history` is asked for only when a training
  // begins. What fails in a training is an event; an Error means that the store failed.
  Result<void> tick(const std::function<Result<History>()>& history);

 private:
  class LogSink;
  Loop(Parts parts, std::string deployment);
  Result<void> prepare(const columns::Schema& row_schema);
  Result<void> judge_due(Timestamp now, std::vector<std::string>& triggers);
  Result<void> judge_window(Duration length, Timestamp begin, Timestamp end,
                            std::vector<std::string>& triggers);
  Result<void> retrain(const std::string& trigger, const std::function<Result<History>()>& history);
  Result<void> deploy(const Challenger& challenger, const History& history,
                      const std::string& reason);
  Result<void> record(const std::string& trigger, const std::string& decision,
                      const std::string& why, const std::string& challenger, Json details);
  void tell(const std::string& kind, const std::string& why, const std::string& model) const;
  std::string live_text() const;

  Parts parts_;
  std::string deployment_;
  columns::Schema row_schema_;
  std::vector<problem::Kpi> kpis_;  // over the rows as they are logged
  monitoring::TruthStore truth_;
  std::unique_ptr<monitoring::PredictionLog> log_;
  std::unique_ptr<LogSink> sink_;
  std::vector<monitoring::CompiledAlert> alerts_;
  std::map<std::string, monitoring::AlertRecord> states_;
  std::map<std::int64_t, Timestamp> judged_until_;  // by window length
  std::vector<Timestamp> trainings_;
  std::string trainer_;
  Json parameters_;
  LoopModel live_;
  std::optional<problem::Baseline> baseline_;
};

}  // namespace martlet::lifecycle

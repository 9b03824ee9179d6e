// lifecycle/simulate.h: history replayed through deployment, monitors and retraining policy on a
// virtual clock (DESIGN §12.10), with the production code and no second implementation.
#pragma once
#include "base/cancel.h"
#include "base/result.h"
#include "lifecycle/loop.h"
#include "lifecycle/run.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace martlet::lifecycle {

struct SimulatedWindow {
  Timestamp begin, end;
  std::int64_t rows = 0;        // predicted
  std::int64_t truth_rows = 0;  // whose target is defined
  // Value KPIs: sums over the window; metrics: the metric of the window. NaN: not defined.
  double live = 0;
  double frozen = 0;                    // the model of the beginning, never retrained
  double rule = 0;                      // the best rule of the beginning
  std::map<std::string, double> rules;  // every declared rule, fitted at the beginning
};

struct SimulateRequest {
  Timestamp from;
  std::optional<Timestamp> to;  // default: after the last row
  CancelToken cancel;
  std::function<void(const SimulatedWindow&)> on_window;
  std::function<void(const LoopEvent&)> on_event;
  RunRequest ingest;  // how the data's steps are shown
};

// What the monitor saw of a window's inputs, against the profile of the model that was live.
struct SimulatedDrift {
  Timestamp begin, end;
  double share_drifted = 0;  // of the columns; NaN: too few rows to say
  std::string worst;         // the column that moved most, and its stability index
  double worst_psi = 0;
};

struct SimulateReport {
  std::string kpi, unit;
  std::string rule;  // the name of the best rule
  bool sums = true;  // the KPI is a value: windows add up
  std::vector<SimulatedWindow> windows;
  std::vector<LoopEvent> events;
  std::vector<SimulatedDrift> drift;  // not in to_json(): reports draw it
  double live = 0, frozen = 0, rule_total = 0;
  std::map<std::string, double> rules;
  std::int64_t trainings = 0;

  // DESIGN §5's shape of `simulate --json`.
  Json to_json() const;
};

// State lives in a scratch store that is removed afterwards; the project's own store only provides
// dataset versions. Training takes no virtual time. InvalidArgument: no event time, nothing to
// train on before `from`, nothing to replay after it.
Result<SimulateReport> simulate(const Store& store, const Project& project,
                                const SimulateRequest& request);

}  // namespace martlet::lifecycle

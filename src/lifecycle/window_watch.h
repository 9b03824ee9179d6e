// lifecycle/window_watch.h: the windows of a deployment that fall due: judged against predictions,
// truth and the live model's reference, and recorded together with what follows from them: alert
// states, webhooks owed, and the training that an alert asks for.
//
// What was judged stands in the store, so that a restart neither judges a window twice nor misses
// one. One per Loop; not thread-safe. Store and project must outlive it.
#pragma once
#include "base/result.h"
#include "lifecycle/turn.h"
#include "monitoring/alerts.h"
#include "monitoring/truth.h"
#include "monitoring/window.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace martlet::metadata {
class Transaction;
}

namespace martlet::lifecycle {

struct DueWindow {
  Duration length{};
  Timestamp begin;
  Timestamp end;
};

// An alert that asks for a training: it fires, and has done so since then.
struct AskingAlert {
  std::string name;
  Timestamp since;
};

struct AlertNews {
  std::string alert;
  std::string condition;
  monitoring::AlertChange change = monitoring::AlertChange::None;
};

class WindowWatch {
 public:
  // After so many windows without a judge the oldest are left out: a server that was away for a
  // month need not look at each minute of it.
  static constexpr std::int64_t kOverdue = 1000;

  // `settle`: how long after its end a window's predictions may still be on their way to the disk.
  WindowWatch(const Store& store, const Project& project, std::string deployment, Duration settle);

  // Begins to watch now, unless it did before; windows that end later are judged.
  Result<void> begin(Timestamp now);
  // Compiles KPIs and alerts for the rows that this version is asked with. InvalidArgument when a
  // KPI reads a column that isn't among them, or a condition doesn't fit.
  Result<void> fit(const LoopModel& live);

  Result<std::vector<DueWindow>> due(Timestamp now) const;
  // The keys that were asked about in the windows that are due.
  Result<std::unordered_set<std::string>> due_keys(Timestamp now) const;
  // When the next window will be due.
  Result<Timestamp> next_due() const;

  // Judges a window and records it. `asked` runs in the same transaction, with the alerts that ask
  // for a training. Nothing happens when the window was judged meanwhile.
  using Asked =
      std::function<Result<void>(metadata::Transaction&, const std::vector<AskingAlert>&)>;
  Result<std::vector<AlertNews>> judge(const DueWindow& window, const LoopModel& live,
                                       const Asked& asked);

  monitoring::TruthStore& truth() { return truth_; }

 private:
  Result<monitoring::WindowRows> rows_of(const DueWindow& window) const;
  Result<std::map<std::string, double>> values_of(const monitoring::WindowReport& report,
                                                  const monitoring::WindowRows& rows,
                                                  const LoopModel& live) const;
  Result<Timestamp> judged_until(Duration length) const;

  const Store& store_;
  const Project& project_;
  std::string deployment_;
  Duration settle_;
  monitoring::TruthStore truth_;
  columns::Schema row_schema_;
  problem::Task task_ = problem::Task::Binary;
  std::vector<problem::Kpi> kpis_;  // over the rows as they are logged
  std::vector<monitoring::CompiledAlert> alerts_;
  std::optional<problem::Baseline> baseline_;  // absent: it reads what isn't logged
};

}  // namespace martlet::lifecycle

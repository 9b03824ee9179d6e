// monitoring/window.h: one stretch of a deployment's life, judged: KPIs with intervals, metrics,
// drift, latency, errors.
//
// Pure functions over what the prediction log and the truth store hold.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "base/zone.h"
#include "monitoring/prediction_log.h"
#include "monitoring/reference.h"
#include "monitoring/truth.h"
#include "problem/kpi.h"
#include "problem/task.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace martlet::monitoring {

// The predictions of a window, column by column. `actual` is NaN where no truth is known.
struct WindowRows {
  problem::Outcomes outcomes;     // of the answers that were given
  std::vector<std::string> keys;  // of the same
  std::vector<Timestamp> at;
  std::vector<std::int64_t> versions;
  std::vector<std::int64_t> latency_micros;  // of all, failures included
  std::int64_t failed = 0;
  std::int64_t excluded = 0;  // truth says that it will never come
};
// InvalidArgument when the entries have different schemas.
Result<WindowRows> gather(const columns::Schema& schema, std::vector<Prediction> predictions,
                          const std::map<std::string, Truth>& truth);

struct KpiFigure {
  std::string name;
  double value = 0;  // NaN: unknown
  double low = 0;
  double high = 0;
  double total = 0;  // value KPIs: the sum; NaN otherwise
};

struct WindowReport {
  Timestamp begin;
  Timestamp end;
  std::int64_t rows = 0;        // answered
  std::int64_t truth_rows = 0;  // with known truth
  std::int64_t failed = 0;
  std::vector<KpiFigure> kpis;
  std::map<std::string, double> metrics;  // by name; NaN: not defined
  DriftReport drift;
  double p50_ms = 0;  // NaN: unknown
  double p99_ms = 0;
};

struct WindowContext {
  const std::vector<problem::Kpi>& kpis;
  problem::Task task;
  const Zone& zone;
  const DriftConfig& drift;
  const ReferenceProfile* reference;  // nullptr: no drift figures
  int resamples = 500;
  std::uint64_t seed = 0;
};

// Blocks of the intervals are days in `zone`; a window of a single day takes rows.
Result<WindowReport> judge(const WindowContext& context, const WindowRows& rows, Timestamp begin,
                           Timestamp end);

Json to_json(const WindowReport& report);

}  // namespace martlet::monitoring

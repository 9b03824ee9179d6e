// tracking/run_search.h: which runs to find, and in which order. Plain data.
#pragma once
#include "tracking/run.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace martlet::tracking {

enum class View : std::uint8_t { Active, Deleted, All };

// Where a page begins. Good for the same search only. Runs that are made or deleted between two
// pages don't shift the second one where the order is by start or by one metric.
struct RunCursor {
  // Of the order by one metric: runs that have it, then those with NaN, then the rest.
  std::int64_t part = 0;
  std::int64_t offset = 0;  // how many to pass over from there on
  // Where to begin within the part: at this start (microseconds) or, in the first part of the order
  // by a metric, at this value (its bits). Absent: at the beginning.
  std::optional<std::int64_t> at{};
  bool operator==(const RunCursor&) const = default;
};

// Everything given must hold.
struct RunSearch {
  std::vector<ExperimentId> experiments;  // none: all
  std::vector<RunStatus> statuses;        // none: all
  Texts tags;                             // all must be equal
  Texts params;                           // all must be equal
  View view = View::Active;
  // The search language (metadata/filter.h) over metrics.KEY (the latest values), params.KEY,
  // tags.KEY, datasets.name|digest|context, and attributes: run_id, run_name, status, user_id,
  // experiment_id, start_time and end_time (milliseconds). A run without the metric, param or tag
  // holds no comparison on it, not even !=, but IS NULL; NaN holds only !=.
  std::string filter;
  // Terms such as "metrics.auc DESC"; none: the latest start first. Runs without the value come
  // last in both directions, those with NaN just before them; ties: the latest start, then the
  // smaller id.
  std::vector<std::string> order_by;
  std::int64_t limit = 100;
  RunCursor from;
};

// Runs come without their artifacts.
struct RunPage {
  std::vector<Run> runs;
  std::optional<RunCursor> next;  // absent on the last page
};

}  // namespace martlet::tracking

// lifecycle/run_search.h: the use cases "runs list", "runs search" and "runs note": tracked runs
// found by the search language, over as many pages as it takes.
#pragma once
#include "base/result.h"
#include "lifecycle/store.h"
#include "tracking/run.h"
#include "tracking/run_search.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::lifecycle {

// The tag that keeps a run's note, as MLflow's clients read it.
inline constexpr std::string_view kNoteTag = "mlflow.note.content";

struct RunQuery {
  std::vector<std::string> experiments;  // by name; none: all
  std::string filter;                    // see tracking/run_search.h
  std::vector<std::string> order_by;
  tracking::View view = tracking::View::Active;
  std::int64_t limit = 100;  // of runs; 0: all
};

struct RunsFound {
  std::vector<tracking::Run> runs;
  std::map<ExperimentId, std::string> experiments;  // names of all that the runs are in
  bool more = false;                                // there are more than the limit
  // What the filter and the order speak of, in their order: "metrics.auc", "tags.team".
  std::vector<std::string> columns;
};

// NotFound naming the nearest experiment; InvalidArgument with the place in the filter.
Result<RunsFound> find_runs_by(const Store& store, const RunQuery& query);

// The value of a column of `columns` in a run; null where it has none.
Json value_of(const tracking::Run& run, std::string_view column);

// Sets the run's note; an empty text removes it. Returns the run, see find_tracked_run().
Result<tracking::Run> set_note(const Store& store, const std::string& run, const std::string& text);

}  // namespace martlet::lifecycle

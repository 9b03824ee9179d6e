// tracking/experiment_search.h: which experiments to find, and in which order. Plain data.
#pragma once
#include "tracking/run.h"
#include "tracking/run_search.h"

#include <cstdint>
#include <string>
#include <vector>

namespace martlet::tracking {

struct ExperimentSearch {
  View view = View::Active;
  // The search language (metadata/filter.h) over tags.KEY and the attributes name, experiment_id,
  // creation_time and last_update_time (milliseconds). An experiment without the tag holds no
  // comparison on it but IS NULL.
  std::string filter;
  // Terms such as "name ASC", over the attributes; none: the newest first. Ties: by number,
  // descending.
  std::vector<std::string> order_by;
  std::int64_t limit = 1000;
  std::int64_t offset = 0;
};

struct ExperimentPage {
  std::vector<Experiment> experiments;
  bool more = false;  // whether there are others behind them
};

}  // namespace martlet::tracking

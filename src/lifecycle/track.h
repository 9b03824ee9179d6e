// lifecycle/track.h: a finished pipeline run as a run of its experiment: params, metrics, dataset
// versions, artifacts.
#pragma once
#include "lifecycle/run.h"
#include "lifecycle/run_facts.h"
#include "tracking/tracker.h"

#include <string_view>

namespace martlet::lifecycle {

// The tag of a tracked run that names its pipeline run.
inline constexpr std::string_view kPipelineRunTag = "martlet.pipeline_run";

tracking::Tracker tracker_of(const Store& store);

// Logs the run under the experiment of the project's name, once: the tracked run carries the
// pipeline run's id as a tag, and a second call for the same run changes nothing. Its lineage is
// recorded with it.
Result<void> track_run(const Store& store, const Project& project, const RunReport& report,
                       const RunFacts& facts);

// The tracked run of a pipeline run; nothing when there is none (it has not ended, or was only
// a part: the data for a simulation).
Result<std::optional<tracking::Run>> tracked_run_of(const Store& store, const RunId& run);
// By its own id, or by the id of its pipeline run, the beginning of either, or "latest". NotFound;
// InvalidArgument when several begin so.
Result<tracking::Run> find_tracked_run(const Store& store, const std::string& text);

}  // namespace martlet::lifecycle

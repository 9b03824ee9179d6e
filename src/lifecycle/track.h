// lifecycle/track.h: a finished pipeline run as a run of its experiment: params, metrics, dataset
// versions, artifacts.
#pragma once
#include "lifecycle/run.h"
#include "tracking/tracker.h"

#include <string_view>

namespace martlet::lifecycle {

// The tag of a tracked run that names its pipeline run.
inline constexpr std::string_view kPipelineRunTag = "martlet.pipeline_run";

tracking::Tracker tracker_of(const Store& store);

// Logs the run under the experiment of the project's name, once: the tracked run carries the
// pipeline run's id as a tag, and a second call for the same run changes nothing.
Result<void> track_run(const Store& store, const Project& project, const RunReport& report);

}  // namespace martlet::lifecycle

// lifecycle/internal/lineage_events.h: what a run's records say, as OpenLineage events.
#pragma once
#include "base/result.h"
#include "lifecycle/store.h"
#include "tracking/openlineage.h"
#include "tracking/run.h"
#include "workflow/runner.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::lifecycle {

struct LineageEvent {
  std::string id;  // of the outbox
  tracking::openlineage::RunEvent event;
};

// Only events whose ids `wanted` says are filled with what has to be looked up (datasets), and
// returned. By time, starts before ends.
Result<std::vector<LineageEvent>>
events_of_pipeline_run(const Store& store, const workflow::RunOutcome& outcome,
                       const std::string& name_space,
                       const std::function<Result<bool>(const std::string& id)>& wanted);

// Of a run that a client tracked; `experiment` is the name of its experiment.
std::vector<LineageEvent> events_of_tracked_run(const tracking::Run& run,
                                                const std::string& experiment,
                                                const std::string& name_space,
                                                const std::string& version);

}  // namespace martlet::lifecycle

// lifecycle/lineage_records.h: which edges of the lineage follow from which records: those of a
// run, stored with it, and those that the registry and the loop's records imply.
#pragma once
#include "base/result.h"
#include "lifecycle/store.h"
#include "tracking/lineage.h"
#include "workflow/runner.h"

#include <vector>

namespace martlet::lifecycle {

// Sources → dataset versions → run → feature program, package; and the champion that it was judged
// against. Storing them again changes nothing.
Result<void> record_lineage(const Store& store, const workflow::RunOutcome& outcome);

// Package → model version → deployment, champion → challenger, and what packages without a run say
// of themselves. Reads the records once; the function holds what it read.
Result<tracking::MoreEdges> implied_edges(const Store& store);

// "experiment/flight-delay": where a model serves.
std::string deployment_name(std::string_view environment, std::string_view model);

// The id of a source file's node: what was read, and which bytes that was.
std::string source_node_id(const std::string& source, const std::string& path,
                           const std::string& digest);

}  // namespace martlet::lifecycle

// lifecycle/compare_outputs.h: what a run gave, beside what making it again gave: dataset versions,
// splits, feature programs, models, figures, packages; each difference down to its first place.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "lifecycle/store.h"
#include "workflow/runner.h"

#include <string>
#include <vector>

namespace martlet::lifecycle {

struct OutputComparison {
  std::string name;  // "dataset:departures", "model:lightgbm", "kpi.saving", "package"
  Json expected;     // a digest, or a figure; null when the run didn't give it
  Json actual;
  bool equal = false;
  // {where, expected, actual, …}: the first place that differs; null when there is none, or when
  // one side is missing, of which `note` tells.
  Json difference = nullptr;
  std::string note;
};
Json to_json(const OutputComparison& comparison);

// One side: a run, and the store that its blobs lie in.
struct RunSide {
  const Store& store;
  const workflow::RunOutcome& outcome;
};

// What may differ without being a difference of the outputs.
struct CompareOptions {
  bool same_program = true;  // else a package may name another code version
};

// Everything that the recorded run gave, in the pipeline's order. A recorded blob that is damaged
// or gone is a difference: what can't be read wasn't reproduced. The stores' errors otherwise.
Result<std::vector<OutputComparison>>
compare_outputs(const RunSide& recorded, const RunSide& reproduced, const CompareOptions& options);

}  // namespace martlet::lifecycle

// lifecycle/why.h: the use case "why": everything behind one logged prediction: its row, features,
// score and decision, the model and its gates, the run, the rows it learnt from, and what turned
// out to be true.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "lifecycle/store.h"

#include <string>

namespace martlet::lifecycle {

// {prediction, inputs, features, lookups, recomputed, decision, model, gates, run, datasets,
// truth}; docs/cli.md describes it. The features are computed by the package's own program on the
// logged row, with the look-ups that were the latest then: the log holds no looked-up values.
// NotFound: no log has the id, or its model version is gone. Corrupt: the package is damaged.
Result<Json> why_prediction(const Store& store, const std::string& id);

}  // namespace martlet::lifecycle

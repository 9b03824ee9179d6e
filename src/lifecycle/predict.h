// lifecycle/predict.h: batch scoring of a file's rows with a registered model.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "columns/batch.h"
#include "features/lookup_table.h"
#include "lifecycle/project.h"
#include "lifecycle/store.h"
#include "registry/names.h"

#include <string>

namespace martlet::lifecycle {

struct PredictRequest {
  std::string model;  // "flight-delay@live"
  registry::Environment environment = registry::Environment::Experiment;
  columns::Batch rows;
  std::string output;
  bool only_key = false;
};

struct PredictReport {
  std::string model;  // the version that answered
  std::int64_t rows = 0;
  std::int64_t rejected = 0;
  double seconds = 0;
  std::string output;
  // DESIGN §5: {rows, rejected, seconds, output}, and the model.
  Json to_json() const;
};

// The rows with "score" and "predicted" behind them (a regression: "predicted" alone). Rows that
// can't be scored go to <output>.rejected.jsonl with their number and the reason. NotFound for the
// model; InvalidArgument lists missing and ill-typed columns.
Result<PredictReport> predict(const Store& store, const Project& project,
                              const PredictRequest& request);

// The tables of the project's look-ups, at the latest versions of their datasets.
Result<features::Lookups> latest_lookups(const Store& store, const Project& project);

}  // namespace martlet::lifecycle

// lifecycle/prediction_search.h: one logged prediction, found by its id in whatever deployment
// answered.
#pragma once
#include "base/result.h"
#include "columns/schema.h"
#include "lifecycle/store.h"
#include "monitoring/prediction_log.h"

#include <optional>
#include <string>

namespace martlet::lifecycle {

struct FoundPrediction {
  std::string deployment;  // "experiment/flight-delay"
  columns::Schema schema;  // of entry.row
  monitoring::Prediction entry;
  std::string environment() const { return deployment.substr(0, deployment.find('/')); }
  std::string model() const { return deployment.substr(deployment.find('/') + 1); }
};

// An id holds the moment when it was made, so only the days around it are read. Nothing when no log
// has it, or when the text is no id. Corrupt names a damaged segment.
Result<std::optional<FoundPrediction>> find_prediction(const Store& store, const std::string& id);

}  // namespace martlet::lifecycle

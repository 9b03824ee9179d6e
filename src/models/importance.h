// models/importance.h: how much each feature matters to a model, read from the model file. Pure
// functions.
#pragma once
#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::models {

struct FeatureImportance {
  std::string feature;
  // lightgbm: the gain summed over the feature's splits, as LightGBM's importance_type="gain".
  // Linear: the coefficient's size per standard deviation of an amount, or of the category that
  // moves the score the most.
  double weight = 0;
  std::int64_t splits = 0;  // lightgbm: how often it is split on; 0 for linear models
};

// The most important first; ties in the order of the features. All features, also those with 0.
// Errors as load_predictor().
Result<std::vector<FeatureImportance>> importance_of(std::string_view flavour,
                                                     std::string_view bytes);

}  // namespace martlet::models

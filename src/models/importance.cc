#include "models/importance.h"

#include "models/internal/lightgbm_text.h"
#include "models/linear_model.h"

#include <cmath>

namespace martlet::models {
namespace {

std::vector<FeatureImportance> of_trees(const TextModel& model) {
  std::vector<FeatureImportance> importance;
  for (const std::string& name : model.features) importance.push_back({.feature = name});
  for (const TextTree& tree : model.trees) {
    for (std::size_t i = 0; i < tree.feature.size(); ++i) {
      if (!(tree.gain[i] > 0)) continue;  // as LightGBM counts
      FeatureImportance& entry = importance[static_cast<std::size_t>(tree.feature[i])];
      entry.weight += static_cast<double>(static_cast<float>(tree.gain[i]));  // it keeps floats
      ++entry.splits;
    }
  }
  return importance;
}

std::vector<FeatureImportance> of_coefficients(const LinearModel& model) {
  std::vector<FeatureImportance> importance;
  for (const LinearColumn& column : model.columns()) {
    double weight = std::fabs(column.coefficient);
    for (const double coefficient : column.category_coefficients)
      weight = std::max(weight, std::fabs(coefficient));
    importance.push_back({.feature = column.name, .weight = weight});
  }
  return importance;
}

}  // namespace

Result<std::vector<FeatureImportance>> importance_of(std::string_view flavour,
                                                     std::string_view bytes) {
  std::vector<FeatureImportance> importance;
  if (flavour == "lightgbm") {
    MARTLET_TRY_SET(const TextModel model, parse_lightgbm_text(bytes));
    importance = of_trees(model);
  } else if (flavour == "logistic" || flavour == "ridge") {
    MARTLET_TRY_SET(const auto model, LinearModel::parse(bytes));
    importance = of_coefficients(*model);
  } else {
    return invalid_argument(fmt::format(
        "the importance of features is not known for models of flavour \"{}\"", flavour));
  }
  std::stable_sort(
      importance.begin(), importance.end(),
      [](const FeatureImportance& a, const FeatureImportance& b) { return a.weight > b.weight; });
  return importance;
}

}  // namespace martlet::models

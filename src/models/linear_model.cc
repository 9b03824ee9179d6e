#include "models/linear_model.h"

#include <cmath>

namespace martlet::models {
namespace {

constexpr std::string_view kFormat = "martlet-linear-1";

Result<double> finite_member(const Json& object, std::string_view key) {
  MARTLET_TRY_SET(const double value, number_member(object, key, "linear model"));
  if (!std::isfinite(value)) return corrupt(fmt::format("linear model: {} is not finite", key));
  return value;
}

Result<LinearColumn> column_from_json(const Json& json) {
  LinearColumn column;
  MARTLET_TRY_SET(column.name, text_member(json, "name", "linear model's column"));
  if (const auto found = json.find("categories"); found != json.end()) {
    if (!found->is_array() || found->empty())
      return corrupt("linear model: a category's coefficients must be a non-empty list");
    for (const Json& value : *found) {
      if (!value.is_number() || !std::isfinite(value.get<double>()))
        return corrupt("linear model: a category's coefficient is no number");
      column.category_coefficients.push_back(value.get<double>());
    }
    return column;
  }
  MARTLET_TRY_SET(column.coefficient, finite_member(json, "coefficient"));
  MARTLET_TRY_SET(column.mean, finite_member(json, "mean"));
  MARTLET_TRY_SET(column.scale, finite_member(json, "scale"));
  MARTLET_TRY_SET(column.fill, finite_member(json, "fill"));
  if (!(column.scale > 0)) return corrupt("linear model: a scale must be positive");
  return column;
}

double contribution(const LinearColumn& column, double value) {
  if (!column.categorical()) {
    if (std::isnan(value)) value = column.fill;
    return column.coefficient * ((value - column.mean) / column.scale);
  }
  // Whatever isn't one of the codes, NaN included, adds nothing.
  if (!(value >= 0 && value < static_cast<double>(column.category_coefficients.size()))) return 0;
  return column.category_coefficients[static_cast<std::size_t>(value)];
}

Result<std::shared_ptr<const LinearModel>> read(std::string_view bytes) {
  MARTLET_TRY_SET(const Json json, parse_json(bytes, {.size_bytes = 64u << 20}));
  MARTLET_TRY_SET(const std::string format, text_member(json, "format", "linear model"));
  if (format != kFormat) return corrupt("linear model: unknown format \"" + format + "\"");
  MARTLET_TRY_SET(const std::string flavour, text_member(json, "flavour", "linear model"));
  if (flavour != "logistic" && flavour != "ridge")
    return corrupt("linear model: unknown flavour \"" + flavour + "\"");
  MARTLET_TRY_SET(const double intercept, finite_member(json, "intercept"));
  MARTLET_TRY_SET(const Json* listed, member(json, "columns", "linear model"));
  if (!listed->is_array()) return corrupt("linear model: columns must be a list");
  std::vector<LinearColumn> columns;
  for (const Json& entry : *listed) {
    MARTLET_TRY_SET(LinearColumn column, column_from_json(entry));
    columns.push_back(std::move(column));
  }
  return std::make_shared<const LinearModel>(flavour == "logistic" ? LinearKind::Logistic
                                                                   : LinearKind::Ridge,
                                             intercept, std::move(columns));
}

}  // namespace

LinearModel::LinearModel(LinearKind kind, double intercept, std::vector<LinearColumn> columns)
    : kind_(kind), intercept_(intercept), columns_(std::move(columns)) {
  for (const LinearColumn& column : columns_) inputs_.push_back(column.name);
}

Result<std::shared_ptr<const LinearModel>> LinearModel::parse(std::string_view bytes) {
  auto model = read(bytes);
  // Whatever the JSON reader complained of, to the caller it is a damaged model file.
  if (!model.has_value()) return corrupt(model.error().message());
  return model;
}

std::string LinearModel::to_bytes() const {
  Json json = {{"format", kFormat},
               {"flavour", flavour()},
               {"link", to_json(link())},
               {"intercept", intercept_}};
  Json listed = Json::array();
  for (const LinearColumn& column : columns_) {
    if (column.categorical()) {
      listed.push_back({{"name", column.name}, {"categories", column.category_coefficients}});
    } else {
      listed.push_back({{"name", column.name},
                        {"coefficient", column.coefficient},
                        {"mean", column.mean},
                        {"scale", column.scale},
                        {"fill", column.fill}});
    }
  }
  json["columns"] = std::move(listed);
  return to_pretty_text(json) + "\n";
}

Link LinearModel::link() const {
  return {.kind = kind_ == LinearKind::Logistic ? LinkKind::Sigmoid : LinkKind::Identity};
}

double LinearModel::raw_score(const double* row) const {
  double sum = intercept_;
  for (std::size_t j = 0; j < columns_.size(); ++j) sum += contribution(columns_[j], row[j]);
  return sum;
}

void LinearModel::raw_scores(std::span<const double> rows, std::size_t width,
                             std::span<double> out) const {
  MARTLET_CHECK(width == columns_.size(), "rows must be as wide as the model");
  MARTLET_CHECK(rows.size() == width * out.size(), "there must be one score per row");
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = raw_score(rows.data() + i * width);
}

}  // namespace martlet::models

#include "models/parameters.h"

#include "base/result.h"
#include "base/text.h"

#include <array>
#include <charconv>
#include <cmath>

namespace martlet::models {
namespace {

using enum ParameterKind;
constexpr double kHuge = 1e300;
constexpr double kMaxInteger = 2147483647;

constexpr std::array<std::string_view, 11> kObjectives = {
    "binary",   "cross_entropy", "regression", "regression_l1", "huber",  "fair",
    "quantile", "mape",          "poisson",    "gamma",         "tweedie"};
constexpr std::array<std::string_view, 6> kMetrics = {"log_loss", "auc", "average_precision",
                                                      "rmse",     "mae", "pinball"};
constexpr std::array<std::string_view, 3> kBoosting = {"gbdt", "rf", "dart"};
constexpr std::array<std::string_view, 2> kSampling = {"bagging", "goss"};

constexpr Parameter kLogistic[] = {
    {"c", Number, 1e-12, 1e12, "1", "weight of the data against the L2 penalty"},
    {"standardise", Boolean, 0, 0, "true", "bring amounts to mean 0 and deviation 1 first"},
    {"max_iterations", Integer, 1, 10000, "100", "Newton steps at most"},
};

constexpr Parameter kRidge[] = {
    {"alpha", Number, 1e-12, 1e12, "1", "weight of the L2 penalty"},
    {"standardise", Boolean, 0, 0, "true", "bring amounts to mean 0 and deviation 1 first"},
};

constexpr Parameter kLightgbm[] = {
    {"rounds", Integer, 1, 100000, "200", "trees at most"},
    {"early_stopping", Integer, 0, 100000, "50",
     "rounds without improvement on the validation rows before it stops; 0: never"},
    {"metric", Choice, 0, 0, "", "what early stopping watches", kMetrics},
    {"objective", Choice, 0, 0, "", "the loss; binary or regression by default", kObjectives},
    {"learning_rate", Number, 1e-6, 10, "0.05", "share of each tree that is added"},
    {"num_leaves", Integer, 2, 131072, "31", "leaves of a tree at most"},
    {"max_depth", Integer, -1, 1000, "-1", "depth of a tree at most; -1: any"},
    {"min_data_in_leaf", Integer, 0, kMaxInteger, "20", "rows of a leaf at least"},
    {"min_sum_hessian_in_leaf", Number, 0, kHuge, "0.001", "second derivatives of a leaf at least"},
    {"min_gain_to_split", Number, 0, kHuge, "0", "gain of a split at least"},
    {"lambda_l1", Number, 0, kHuge, "0", "L1 penalty of leaf values"},
    {"lambda_l2", Number, 0, kHuge, "0", "L2 penalty of leaf values"},
    {"max_delta_step", Number, 0, kHuge, "0", "size of a leaf value at most; 0: any"},
    {"path_smooth", Number, 0, kHuge, "0", "pulls leaf values towards their parent's"},
    {"feature_fraction", Number, 1e-6, 1, "1", "share of the features a tree may use"},
    {"feature_fraction_bynode", Number, 1e-6, 1, "1", "share of the features a split may use"},
    {"bagging_fraction", Number, 1e-6, 1, "1", "share of the rows a tree sees"},
    {"bagging_freq", Integer, 0, kMaxInteger, "0",
     "trees between two draws of rows; 0: no bagging"},
    {"pos_bagging_fraction", Number, 1e-6, 1, "1", "share of the positive rows a tree sees"},
    {"neg_bagging_fraction", Number, 1e-6, 1, "1", "share of the negative rows a tree sees"},
    {"data_sample_strategy", Choice, 0, 0, "bagging", "how rows are drawn", kSampling},
    {"top_rate", Number, 0, 1, "0.2", "goss: share of rows with large gradients that is kept"},
    {"other_rate", Number, 0, 1, "0.1", "goss: share of the other rows that is kept"},
    {"boosting", Choice, 0, 0, "gbdt", "boosted trees, random forest, or boosting with dropout",
     kBoosting},
    {"drop_rate", Number, 0, 1, "0.1", "dart: share of the trees dropped"},
    {"max_drop", Integer, -1, kMaxInteger, "50", "dart: trees dropped at most"},
    {"skip_drop", Number, 0, 1, "0.5", "dart: probability of dropping none"},
    {"extra_trees", Boolean, 0, 0, "false", "one random threshold per feature"},
    {"max_bin", Integer, 2, 65535, "255", "bins per feature"},
    {"min_data_in_bin", Integer, 1, kMaxInteger, "3", "rows of a bin at least"},
    {"bin_construct_sample_cnt", Integer, 1, kMaxInteger, "200000", "rows that bins are chosen by"},
    {"max_cat_threshold", Integer, 1, kMaxInteger, "32",
     "categories on one side of a split at most"},
    {"max_cat_to_onehot", Integer, 1, kMaxInteger, "4",
     "up to so many categories are split off one by one"},
    {"cat_l2", Number, 0, kHuge, "10", "L2 penalty of splits by category"},
    {"cat_smooth", Number, 0, kHuge, "10", "smooths categories with few rows"},
    {"min_data_per_group", Integer, 1, kMaxInteger, "100", "rows of a category at least"},
    {"scale_pos_weight", Number, 1e-12, 1e12, "1", "weight of the positive rows"},
    {"is_unbalance", Boolean, 0, 0, "false", "weigh the classes equally"},
    {"boost_from_average", Boolean, 0, 0, "true", "begin at the mean of the target"},
    {"sigmoid", Number, 1e-6, 1e6, "1", "slope of the sigmoid"},
    {"reg_sqrt", Boolean, 0, 0, "false", "fit the square root of the target"},
    {"alpha", Number, 1e-12, kHuge, "0.9", "huber: where it becomes linear; quantile: which one"},
    {"fair_c", Number, 1e-12, kHuge, "1", "fair: its constant"},
    {"poisson_max_delta_step", Number, 1e-12, kHuge, "0.7", "poisson: guards the optimisation"},
    {"tweedie_variance_power", Number, 1, 1.999999, "1.5",
     "tweedie: between poisson (1) and gamma (2)"},
    {"use_missing", Boolean, 0, 0, "true", "missing values are handled as such"},
    {"zero_as_missing", Boolean, 0, 0, "false", "zeros are missing values"},
};

std::string range_of(const Parameter& parameter) {
  const std::string low = shortest(parameter.low), high = shortest(parameter.high);
  if (parameter.high >= kHuge) return "at least " + low;
  return "between " + low + " and " + high;
}

}  // namespace

const std::vector<std::string>& trainer_names() {
  static const std::vector<std::string> kNames = {"logistic", "ridge", "lightgbm"};
  return kNames;
}

std::span<const Parameter> parameters_of(std::string_view trainer) {
  if (trainer == "logistic") return kLogistic;
  if (trainer == "ridge") return kRidge;
  if (trainer == "lightgbm") return kLightgbm;
  return {};
}

const Parameter* find_parameter(std::string_view trainer, std::string_view name) {
  for (const Parameter& parameter : parameters_of(trainer)) {
    if (parameter.name == name) return &parameter;
  }
  return nullptr;
}

std::optional<std::string> problem_with(const Parameter& parameter, const Json& value) {
  if (parameter.kind == Boolean) {
    if (!value.is_boolean()) return fmt::format("{} must be true or false", parameter.name);
    return std::nullopt;
  }
  if (parameter.kind == Choice) {
    std::vector<std::string> names(parameter.choices.begin(), parameter.choices.end());
    if (value.is_string() &&
        std::find(names.begin(), names.end(), value.get<std::string>()) != names.end()) {
      return std::nullopt;
    }
    return fmt::format("{} must be one of {}{}", parameter.name, join(names, ", "),
                       value.is_string() ? did_you_mean(value.get<std::string>(), names) : "");
  }
  const bool integer = parameter.kind == Integer;
  if (!value.is_number() || !std::isfinite(value.get<double>()) ||
      (integer && std::floor(value.get<double>()) != value.get<double>())) {
    return fmt::format("{} must be {} {}", parameter.name, integer ? "a whole number" : "a number",
                       range_of(parameter));
  }
  const double number = value.get<double>();
  if (number < parameter.low || number > parameter.high) {
    return fmt::format("{} must be {}, not {}", parameter.name, range_of(parameter),
                       shortest(number));
  }
  return std::nullopt;
}

std::vector<Finding> check_parameters(std::string_view trainer, const Json& values,
                                      std::string_view path) {
  std::vector<Finding> findings;
  if (!values.is_object()) {
    findings.push_back({.path = std::string(path),
                        .rule = "wrong_type",
                        .message = fmt::format("the parameters of {} must be a map", trainer),
                        .file = {}});
    return findings;
  }
  std::vector<std::string> names;
  for (const Parameter& parameter : parameters_of(trainer)) names.emplace_back(parameter.name);
  for (const auto& [name, value] : values.items()) {
    const std::string where = path.empty() ? name : std::string(path) + "." + name;
    const Parameter* const parameter = find_parameter(trainer, name);
    if (parameter == nullptr) {
      findings.push_back({.path = where,
                          .rule = "unknown_key",
                          .message = fmt::format("{} has no parameter \"{}\"{}", trainer, name,
                                                 did_you_mean(name, names)),
                          .file = {}});
      continue;
    }
    if (auto problem = problem_with(*parameter, value)) {
      findings.push_back(
          {.path = where, .rule = "wrong_value", .message = std::move(*problem), .file = {}});
    }
  }
  return findings;
}

namespace {

const Parameter& declared(std::string_view trainer, std::string_view name) {
  const Parameter* const parameter = find_parameter(trainer, name);
  MARTLET_CHECK(parameter != nullptr, "only declared parameters are read");
  return *parameter;
}

double fallback_number(const Parameter& parameter) {
  double value = 0;
  const char* const end = parameter.fallback.data() + parameter.fallback.size();
  const auto [stopped, problem] = std::from_chars(parameter.fallback.data(), end, value);
  MARTLET_CHECK(problem == std::errc() && stopped == end, "the default of a number is a number");
  return value;
}

}  // namespace

std::int64_t integer_parameter(std::string_view trainer, const Json& values,
                               std::string_view name) {
  return static_cast<std::int64_t>(number_parameter(trainer, values, name));
}

double number_parameter(std::string_view trainer, const Json& values, std::string_view name) {
  const Parameter& parameter = declared(trainer, name);
  const auto given = values.find(name);
  return given != values.end() ? given->get<double>() : fallback_number(parameter);
}

bool boolean_parameter(std::string_view trainer, const Json& values, std::string_view name) {
  const Parameter& parameter = declared(trainer, name);
  const auto given = values.find(name);
  return given != values.end() ? given->get<bool>() : parameter.fallback == "true";
}

std::string choice_parameter(std::string_view trainer, const Json& values, std::string_view name) {
  const Parameter& parameter = declared(trainer, name);
  const auto given = values.find(name);
  return given != values.end() ? given->get<std::string>() : std::string(parameter.fallback);
}

}  // namespace martlet::models

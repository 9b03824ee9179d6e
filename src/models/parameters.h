// models/parameters.h: what each trainer may be told, with type, range, default and meaning: for
// martlet.yaml, searches and docs.
//
// Constant tables; thread-safe.
#pragma once
#include "base/finding.h"
#include "base/json.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::models {

enum class ParameterKind : std::uint8_t { Integer, Number, Boolean, Choice };

struct Parameter {
  std::string_view name;
  ParameterKind kind = ParameterKind::Number;
  double low = 0, high = 0;        // Integer and Number: the closed range
  std::string_view fallback = {};  // the default as text; "" when it depends on the task
  std::string_view meaning = {};
  std::span<const std::string_view> choices = {};  // Choice
};

// "logistic", "ridge", "lightgbm": the trainers whose parameters are known.
const std::vector<std::string>& trainer_names();
// Empty for an unknown trainer.
std::span<const Parameter> parameters_of(std::string_view trainer);
// nullptr when there's none of that name.
const Parameter* find_parameter(std::string_view trainer, std::string_view name);

// What is wrong with a value, or nullopt.
std::optional<std::string> problem_with(const Parameter& parameter, const Json& value);
// Every problem of an object of parameters: unknown names (with the nearest known one), wrong
// types, values out of range. `path` begins the findings' paths.
std::vector<Finding> check_parameters(std::string_view trainer, const Json& values,
                                      std::string_view path);

// The value given, or the default.
std::int64_t integer_parameter(std::string_view trainer, const Json& values, std::string_view name);
double number_parameter(std::string_view trainer, const Json& values, std::string_view name);
bool boolean_parameter(std::string_view trainer, const Json& values, std::string_view name);
std::string choice_parameter(std::string_view trainer, const Json& values, std::string_view name);

}  // namespace martlet::models

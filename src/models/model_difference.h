// models/model_difference.h: where two model files first differ: the line and the tree of a text
// model, the path of a linear one. A pure function.
#pragma once
#include "base/json.h"

#include <optional>
#include <string>
#include <string_view>

namespace martlet::models {

struct ModelDifference {
  std::string where;  // "line 812, tree 12", "coefficients[3]"
  Json expected;      // null where only the other file has it; long lines are cut around the place
  Json actual;
};
// None when the bytes are the same.
std::optional<ModelDifference> first_difference(std::string_view expected, std::string_view actual);

}  // namespace martlet::models

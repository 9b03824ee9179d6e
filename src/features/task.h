// features/task.h: what the features are for: the kind of answer, and the kind of model that will
// read them.
#pragma once
#include "base/result.h"

#include <cstdint>
#include <string_view>

namespace martlet::features {

// Binary: targets are 0 and 1; Multiclass: 0 … classes-1; Regression: any finite number. NaN is an
// unknown target everywhere.
enum class Task : std::uint8_t { Binary, Multiclass, Regression };

// Tree: amounts as they are, missing stays missing, categories as codes. Linear: no missing values,
// everything of the same scale.
enum class Family : std::uint8_t { Tree, Linear };

// "binary", "multiclass", "regression"; "tree", "linear".
std::string_view name_of(Task task);
std::string_view name_of(Family family);
Result<Task> parse_task(std::string_view name);
Result<Family> parse_family(std::string_view name);

}  // namespace martlet::features

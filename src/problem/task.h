// problem/task.h: the kinds of question, and the target read as numbers.
//
// Pure functions; thread-safe. Callers: contract (parsing), lifecycle (training and judging rows),
// evaluation (files without a project).
#pragma once
#include "base/result.h"
#include "columns/column.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::problem {

enum class Task : std::uint8_t { Binary, Multiclass, Regression, Forecast, Ranking };

// "binary", "multiclass", "regression", "forecast", "ranking".
std::string_view name_of(Task task);
// NotFound, with the nearest name.
Result<Task> parse_task(std::string_view name);
// Whether this version can work on such a problem.
inline bool is_supported(Task task) { return task == Task::Binary || task == Task::Regression; }

// What a target column asks for: two values (booleans, texts, or the numbers 0 and 1 or -1 and 1)
// are binary; more texts are multiclass; other numbers are regression. InvalidArgument for a column
// without values, of one text, or of times.
Result<Task> infer_task(const columns::Column& target);

struct Target {
  std::vector<double> values;  // NaN where the target is missing; binary: 0 and 1
  std::string positive;        // binary: the value that 1 stands for; "" for regression
  std::string negative;
};

// Reads a target column. Binary: the positive value is `positive` when given, else true, else the
// greater one: numbers by value, texts in the order of their bytes ("UP" of UP and DOWN, ">50K" of
// >50K and <=50K, "yes" of yes and no), as scikit-learn's LabelBinarizer does. InvalidArgument:
// binary with more than two values, `positive` not among them, a non-numeric target of a
// regression, an infinite number, a task that isn't supported.
Result<Target> read_target(const columns::Column& column, Task task,
                           const std::optional<std::string>& positive = std::nullopt);

}  // namespace martlet::problem

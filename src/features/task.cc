#include "features/task.h"

namespace martlet::features {

std::string_view name_of(Task task) {
  switch (task) {
    case Task::Binary: return "binary";
    case Task::Multiclass: return "multiclass";
    case Task::Regression: return "regression";
  }
  return "";
}

std::string_view name_of(Family family) { return family == Family::Tree ? "tree" : "linear"; }

Result<Task> parse_task(std::string_view name) {
  for (const Task task : {Task::Binary, Task::Multiclass, Task::Regression}) {
    if (name == name_of(task)) return task;
  }
  return invalid_argument("no task \"" + std::string(name) +
                          "\" for features; there are binary, multiclass and regression");
}

Result<Family> parse_family(std::string_view name) {
  for (const Family family : {Family::Tree, Family::Linear}) {
    if (name == name_of(family)) return family;
  }
  return invalid_argument("no model family \"" + std::string(name) +
                          "\"; there are tree and linear");
}

}  // namespace martlet::features

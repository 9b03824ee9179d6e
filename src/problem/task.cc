#include "problem/task.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>

namespace martlet::problem {
namespace {

using columns::Cell;
using columns::Column;
using columns::Type;

constexpr std::array<Task, 5> kTasks{Task::Binary, Task::Multiclass, Task::Regression,
                                     Task::Forecast, Task::Ranking};
// Enough to tell two values from many, and to name some in a message.
constexpr std::size_t kMostDistinct = 6;

bool is_time(Type type) { return type == Type::Timestamp || type == Type::Date; }

// The distinct values in ascending order (numbers by value, texts by bytes), at most kMostDistinct
// of them.
std::vector<Cell> distinct_values(const Column& column) {
  std::vector<Cell> found;
  const auto less = [](const Cell& a, const Cell& b) {
    return a.type == Type::Text ? a.text < b.text : a.as_double() < b.as_double();
  };
  for (std::size_t i = 0; i < column.size() && found.size() < kMostDistinct; ++i) {
    if (column.is_missing(i)) continue;
    const Cell cell = column.cell(i);
    const auto place = std::lower_bound(found.begin(), found.end(), cell, less);
    if (place == found.end() || less(cell, *place)) found.insert(place, cell);
  }
  return found;
}

std::string list_of(const std::vector<Cell>& cells) {
  std::vector<std::string> texts;
  texts.reserve(cells.size());
  for (const Cell& cell : cells) texts.push_back(columns::to_text(cell));
  return join(texts, ", ");
}

bool is_yes_no_numbers(const std::vector<Cell>& values) {
  return values.size() == 2 && values[1].as_double() == 1.0 &&
         (values[0].as_double() == 0.0 || values[0].as_double() == -1.0);
}

Result<Target> read_binary(const Column& column, const std::optional<std::string>& positive) {
  if (is_time(column.type()))
    return invalid_argument("a binary target holds two values; this column holds times");
  std::vector<Cell> values = distinct_values(column);
  if (values.size() > 2) {
    return invalid_argument(fmt::format("a binary target holds two values; this column holds {}{}",
                                        list_of(values),
                                        values.size() == kMostDistinct ? ", …" : ""));
  }
  if (values.empty()) return invalid_argument("the target column holds no value");
  Target target;
  Cell chosen = values.back();
  // A lone 0 or false is no positive.
  bool chosen_exists = values.size() == 2 || column.type() == Type::Text || chosen.as_double() > 0;
  if (positive) {
    const auto matches = [&](const Cell& cell) {
      return columns::to_text(cell) == *positive ||
             (cell.type == Type::Double &&
              columns::to_text(Cell::of_double(cell.number)) == *positive);
    };
    const auto found = std::find_if(values.begin(), values.end(), matches);
    if (found == values.end()) {
      return invalid_argument(
          fmt::format("the positive value \"{}\" isn't in the target column, which holds {}",
                      *positive, list_of(values)));
    }
    chosen = *found;
    chosen_exists = true;
  }
  if (chosen_exists) target.positive = columns::to_text(chosen);
  for (const Cell& cell : values) {
    if (!chosen_exists || !cell.same_as(chosen)) target.negative = columns::to_text(cell);
  }
  target.values.reserve(column.size());
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (column.is_missing(i)) {
      target.values.push_back(std::numeric_limits<double>::quiet_NaN());
    } else {
      target.values.push_back(chosen_exists && column.cell(i).same_as(chosen) ? 1.0 : 0.0);
    }
  }
  return target;
}

}  // namespace

std::string_view name_of(Task task) {
  switch (task) {
    case Task::Binary: return "binary";
    case Task::Multiclass: return "multiclass";
    case Task::Regression: return "regression";
    case Task::Forecast: return "forecast";
    case Task::Ranking: return "ranking";
  }
  return "";
}

Result<Task> parse_task(std::string_view name) {
  std::vector<std::string> known;
  for (const Task task : kTasks) {
    if (name_of(task) == name) return task;
    known.emplace_back(name_of(task));
  }
  return not_found(fmt::format("there is no task \"{}\"{}; there are {}", name,
                               did_you_mean(name, known), join(known, ", ")));
}

Result<Task> infer_task(const Column& target) {
  if (is_time(target.type()))
    return invalid_argument("a target of times can't be learnt; derive a number from it");
  const std::vector<Cell> values = distinct_values(target);
  if (values.empty()) return invalid_argument("the target column holds no value");
  if (target.type() == Type::Bool) return Task::Binary;
  if (target.type() == Type::Text) {
    if (values.size() == 1) {
      return invalid_argument(
          fmt::format("the target column holds the one value \"{}\"; there is nothing to learn",
                      values[0].text));
    }
    return values.size() == 2 ? Task::Binary : Task::Multiclass;
  }
  return is_yes_no_numbers(values) ? Task::Binary : Task::Regression;
}

Result<Target> read_target(const Column& column, Task task,
                           const std::optional<std::string>& positive) {
  if (task == Task::Binary) return read_binary(column, positive);
  if (task != Task::Regression)
    return invalid_argument(fmt::format("the task {} is not supported yet", name_of(task)));
  if (column.type() == Type::Text || is_time(column.type())) {
    return invalid_argument(
        fmt::format("the target of a regression is a number; this column is of type {}",
                    columns::name_of(column.type())));
  }
  Target target{.values = column.as_doubles(), .positive = "", .negative = ""};
  for (std::size_t i = 0; i < target.values.size(); ++i) {
    if (std::isinf(target.values[i]))
      return invalid_argument(fmt::format("the target in row {} is infinite", i + 1));
  }
  return target;
}

}  // namespace martlet::problem

#include "models/model_difference.h"

#include "base/first_difference.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::models {

namespace {

constexpr std::size_t kShown = 120;  // characters of a line

// The number of the tree that a line of LightGBM's text format belongs to: "Tree=12" begins one.
std::optional<std::string> tree_of(std::string_view text, std::size_t line) {
  constexpr std::string_view kTree = "Tree=";
  std::optional<std::string> tree;
  std::size_t number = 0;
  for (const std::string_view each : split(text, '\n')) {
    if (++number > line) break;
    if (each.starts_with(kTree)) tree = std::string(each.substr(kTree.size()));
    if (each == "end of trees") tree.reset();
  }
  return tree;
}

// A window of the line that holds the first character in which the two differ.
Json window(const std::optional<std::string>& line, std::size_t differing) {
  if (!line.has_value()) return nullptr;
  if (line->size() <= kShown) return *line;
  const std::size_t begin = differing > kShown / 2 ? differing - kShown / 2 : 0;
  const std::string piece = line->substr(std::min(begin, line->size()), kShown);
  return (begin > 0 ? "…" : "") + piece + (begin + kShown < line->size() ? "…" : "");
}

std::optional<ModelDifference> in_json(std::string_view expected, std::string_view actual) {
  const auto first = parse_json(expected);
  const auto second = parse_json(actual);
  if (!first.has_value() || !second.has_value()) return std::nullopt;
  const auto found = json_differences(*first, *second, 1);
  if (found.empty()) return std::nullopt;
  return ModelDifference{found[0].path, found[0].expected.value_or(nullptr),
                         found[0].actual.value_or(nullptr)};
}

}  // namespace

std::optional<ModelDifference> first_difference(std::string_view expected,
                                                std::string_view actual) {
  if (expected == actual) return std::nullopt;
  if (auto found = in_json(expected, actual); found.has_value()) return found;
  const auto line = first_line_difference(expected, actual);
  if (!line.has_value()) return std::nullopt;
  ModelDifference found;
  found.where = fmt::format("line {}", line->line);
  // "Tree=" stands in the line before, so either text may tell it.
  if (const auto tree = tree_of(expected, line->line); tree.has_value())
    found.where += ", tree " + *tree;
  std::size_t differing = 0;
  if (line->expected.has_value() && line->actual.has_value()) {
    const auto pair = std::mismatch(line->expected->begin(), line->expected->end(),
                                    line->actual->begin(), line->actual->end());
    differing = static_cast<std::size_t>(pair.first - line->expected->begin());
  }
  found.expected = window(line->expected, differing);
  found.actual = window(line->actual, differing);
  return found;
}

}  // namespace martlet::models

#include "expr/goal.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace martlet::expr {
namespace {

struct Symbol {
  std::string_view text;
  Comparator comparator;
};
// Longer symbols first.
constexpr Symbol kSymbols[] = {{"<=", Comparator::AtMost},   {">=", Comparator::AtLeast},
                               {"<>", Comparator::NotEqual}, {"!=", Comparator::NotEqual},
                               {"==", Comparator::Equal},    {"<", Comparator::Less},
                               {">", Comparator::Greater},   {"=", Comparator::Equal}};

tl::unexpected<Error> bad_goal(std::string_view text, int column, std::string_view rule,
                               std::string message) {
  Finding finding;
  finding.rule = std::string(rule);
  finding.message = std::move(message);
  finding.line = 1;
  finding.column = column;
  return invalid(fmt::format("reading the goal \"{}\"", text), {std::move(finding)});
}

}  // namespace

std::string_view symbol_of(Comparator comparator) {
  switch (comparator) {
    case Comparator::Less: return "<";
    case Comparator::AtMost: return "<=";
    case Comparator::Greater: return ">";
    case Comparator::AtLeast: return ">=";
    case Comparator::Equal: return "=";
    case Comparator::NotEqual: return "<>";
  }
  return "?";
}

Result<double> Goal::limit_value(std::span<const NamedNumber> values) const {
  std::vector<columns::Cell> cells;
  for (const std::string& name : limit.names_used()) {
    const auto found = std::find_if(values.begin(), values.end(),
                                    [&](const NamedNumber& given) { return given.name == name; });
    if (found == values.end())
      return not_found(fmt::format("the goal \"{}\" needs a value of {}", text, name));
    cells.push_back(std::isnan(found->value) ? columns::Cell::none(columns::Type::Double)
                                             : columns::Cell::of_double(found->value));
  }
  Scratch scratch;
  MARTLET_TRY_SET(const columns::Cell cell, limit.evaluate_row(cells, scratch));
  return cell.as_double();
}

bool Goal::met(double value, double limit_value) const {
  if (std::isnan(value) || std::isnan(limit_value)) return false;
  switch (comparator) {
    case Comparator::Less: return value < limit_value;
    case Comparator::AtMost: return value <= limit_value;
    case Comparator::Greater: return value > limit_value;
    case Comparator::AtLeast: return value >= limit_value;
    case Comparator::Equal: return value == limit_value;
    case Comparator::NotEqual: return value != limit_value;
  }
  return false;
}

bool Goal::smaller_is_better() const {
  return comparator == Comparator::Less || comparator == Comparator::AtMost;
}

Result<Goal> parse_goal(std::string_view text, const Scope& scope) {
  const std::size_t begin = text.size() - trim(text).size() == 0
                                ? 0
                                : std::min(text.find_first_not_of(" \t\r\n"), text.size());
  const auto symbol =
      std::find_if(std::begin(kSymbols), std::end(kSymbols),
                   [&](const Symbol& known) { return text.substr(begin).starts_with(known.text); });
  if (symbol == std::end(kSymbols)) {
    return bad_goal(text, static_cast<int>(begin) + 1, "syntax",
                    "a goal begins with a comparator, as in \">= baseline + 3\" or \"<= 0.1\"");
  }
  // Blanks in the comparator's place keep the positions of findings.
  std::string blanked(text);
  std::fill_n(blanked.begin() + static_cast<std::ptrdiff_t>(begin), symbol->text.size(), ' ');
  if (trim(blanked).empty()) {
    return bad_goal(text, static_cast<int>(begin + symbol->text.size()) + 1, "syntax",
                    "a limit must follow the comparator, as in \">= baseline + 3\"");
  }
  Result<Expression> limit = Expression::compile(blanked, scope);
  if (!limit.has_value())
    return invalid(fmt::format("reading the goal \"{}\"", text), limit.error().findings());
  if (!columns::is_numeric(limit->type())) {
    return bad_goal(text, static_cast<int>(begin + symbol->text.size()) + 1, "wrong_type",
                    fmt::format("the limit is of type {}; it must be a number",
                                columns::name_of(limit->type())));
  }
  return Goal{symbol->comparator, *std::move(limit), std::string(text)};
}

Result<Goal> parse_goal(std::string_view text) {
  Scope scope;
  scope.names = columns::Schema({{"baseline", columns::Type::Double},
                                 {"champion", columns::Type::Double},
                                 {"reference", columns::Type::Double}});
  return parse_goal(text, scope);
}

}  // namespace martlet::expr

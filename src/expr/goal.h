// expr/goal.h: a goal: a comparator and a limit, as in ">= baseline + 3", "<= 0.1" or "> champion"
// (DESIGN §3, §12.5).
//
// KPIs, gates and fairness limits are written so. Immutable and cheap to copy; safe to share
// between threads.
#pragma once
#include "expr/expression.h"

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace martlet::expr {

enum class Comparator : std::uint8_t { Less, AtMost, Greater, AtLeast, Equal, NotEqual };

// "<", "<=", ">", ">=", "=", "<>".
std::string_view symbol_of(Comparator comparator);

struct NamedNumber {
  std::string_view name;
  double value = 0;
};

struct Goal {
  Comparator comparator;
  Expression limit;
  std::string text;

  // The limit with the given values; further names are ignored. NaN when the limit is unknown (a
  // value given as NaN counts as missing). NotFound when a name of the limit is not given.
  Result<double> limit_value(std::span<const NamedNumber> values) const;
  // Whether `value` meets `limit_value`, compared as doubles. False when either is NaN: callers
  // treat unknown as its own answer first.
  bool met(double value, double limit_value) const;
  // True for < and <=: a smaller value is the better one.
  bool smaller_is_better() const;
};

// Reads a goal whose limit may use the names of `scope`. InvalidArgument with findings positioned
// inside `text`.
Result<Goal> parse_goal(std::string_view text, const Scope& scope);
// With the names baseline, champion and reference, all numbers.
Result<Goal> parse_goal(std::string_view text);

}  // namespace martlet::expr

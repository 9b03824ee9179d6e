// expr/expression.h: the expression language: a typed subset of SQL scalar expressions with
// DuckDB's semantics (docs/expressions.md).
//
// An expression is compiled once against the names that a place offers, and is then evaluated over
// whole batches (training, validation, scoring) or on one row (serving, stream). Both ways run the
// same kernels, so they agree bit for bit. Callers: problem (rules, values, decided_at), data
// (where, expectations), features (derive), workflow (when, if), deployment and monitoring
// (conditions).
#pragma once
#include "base/result.h"
#include "base/zone.h"
#include "columns/batch.h"
#include "columns/cell.h"
#include "columns/column.h"
#include "columns/schema.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::expr {

class Program;
class Frame;

// What an expression may name, and the zone in which calendar functions and bare local times are
// read. Names may contain dots ("kpi.saving", "train.kpi.saving"); they are matched exactly, then
// without regard to case if that is unambiguous.
struct Scope {
  columns::Schema names;
  Zone zone = Zone::utc();
};

inline constexpr std::size_t kMaxExpressionBytes = 65'536;
inline constexpr int kMaxNesting = 200;    // parentheses, calls, cases inside each other
inline constexpr int kMaxOperators = 500;  // in one chain, as in a + b + c + …

// Working memory of evaluate_row: kept between calls so that the steady state does not allocate.
// One thread at a time; may serve any number of expressions in turn. A value: movable, not
// copyable.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  Scratch(Scratch&&) noexcept;
  Scratch& operator=(Scratch&&) noexcept;

 private:
  friend class Expression;
  std::unique_ptr<Frame> frame_;
};

// A compiled expression: immutable, cheap to copy, safe to share between threads.
class Expression {
 public:
  // InvalidArgument with every finding that could be made: each has line and column inside the
  // expression (1-based, columns count characters) and a rule of: syntax, too_long, too_deep,
  // unknown_name, ambiguous_name, unknown_function, wrong_arguments, wrong_type, wrong_literal.
  static Result<Expression> compile(std::string_view text, const Scope& scope);

  const std::string& text() const;
  // Of the result. An expression that is always null is Int64, as in DuckDB.
  columns::Type type() const;
  // The names it reads, in order of first use, as the scope spells them.
  const std::vector<std::string>& names_used() const;

  // One value per row of the batch; the batch's columns are found by name and may be in any order.
  // NotFound when a name has no column; InvalidArgument when a column's type differs from the
  // scope's, and when evaluation fails on a row (integer overflow, failed cast, logarithm of zero
  // …): the message names the row, counted from 1.
  Result<columns::Column> evaluate(const columns::Batch& batch) const;

  // One row. `cells` are in the order of names_used(). Does not allocate in the steady state. The
  // cell's text stays valid until the next use of `scratch`, and while the given cells' texts and
  // this expression live. InvalidArgument when the number or the types of the cells differ, and
  // when evaluation fails.
  Result<columns::Cell> evaluate_row(std::span<const columns::Cell> cells, Scratch& scratch) const;

 private:
  explicit Expression(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const Program> program_;
};

// Every function that can be called by name, sorted; for completion and documentation.
std::vector<std::string> function_names();

}  // namespace martlet::expr

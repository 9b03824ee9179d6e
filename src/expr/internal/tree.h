// expr/internal/tree.h: the typed tree of an expression: what the binder makes of the syntax, and
// the emitter of a program reads.
#pragma once
#include "base/finding.h"
#include "base/pattern.h"
#include "expr/expression.h"
#include "expr/internal/functions.h"
#include "expr/internal/program.h"
#include "expr/internal/syntax.h"
#include "expr/internal/value.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::expr {

enum class NodeForm : std::uint8_t {
  Constant,
  Name,
  Call,  // kernel over one to three children
  And,
  Or,
  Case,  // operand or nullptr; when, then, …; else or nullptr. Conditions are truths, or of
         // `operand_kind` with an operand
  Coalesce,
  In,       // value, then the list, all of `operand_kind`
  Between,  // value, low, high, all of `operand_kind`
  NullIf,   // value, other; compared as `operand_kind`
};

struct Node {
  NodeForm form = NodeForm::Constant;
  Kind kind = Kind::Null;  // Null only of constants
  std::size_t offset = 0;
  std::string name;  // of the function or operator, for messages
  std::vector<Node*> children;
  Value value;                 // Constant
  std::size_t name_index = 0;  // Name: into Program::names
  Kernel kernel = nullptr;     // Call; NullIf: the cast of the value to operand_kind, or nullptr
  const char* failure = nullptr;
  std::int64_t immediate = 0;
  Kind operand_kind = Kind::Null;
  std::optional<Pattern> pattern;
  bool can_fail = false;  // it or something under it
};

using Nodes = std::deque<Node>;

// Types the syntax and folds constants. Names go into program.names in order of first use. nullptr,
// with findings, when something is wrong.
Node* bind_syntax(std::string_view text, const Syntax& root, const Scope& scope, Nodes& nodes,
                  Program& program, std::vector<Finding>& findings);

// Appends the instructions for the tree to an otherwise empty program, whose names are known.
void emit_tree(const Node& root, Program& program);

}  // namespace martlet::expr

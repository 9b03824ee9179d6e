// expr/internal/syntax.h: the untyped tree of an expression, and the parser that makes it.
//
// The grammar and its precedences are PostgreSQL's, which DuckDB uses, from loosest to tightest:
//   or; and; not; is; comparison (cannot be chained); between, in, like; ||; + -; * / // %; ^ **;
//   unary minus; ::
#pragma once
#include "base/finding.h"
#include "expr/internal/value.h"

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::expr {

enum class SyntaxForm : std::uint8_t {
  Literal,  // value
  Name,     // name: the parts joined by dots
  Call,     // name: the function's or operator's lower-case name; children
  Case,     // children: operand or nullptr; when, then, …; else or nullptr
  Cast,     // name: the type's lower-case name; one child
  TryCast,  // likewise
};

struct Syntax {
  SyntaxForm form = SyntaxForm::Literal;
  std::size_t offset = 0;  // in bytes, of the token that a message should point at
  std::string name;
  Value value;
  std::vector<const Syntax*> children;
  int height = 1;  // of the tree under it
  bool written =
      false;  // Cast: a typed literal such as date '2024-01-31', which must be right when compiled
};

// Owns the nodes; they point at each other.
struct SyntaxTree {
  std::deque<Syntax> nodes;
  const Syntax* root = nullptr;
};

// A finding at a byte offset of `text`.
Finding finding_at(std::string_view text, std::size_t offset, std::string_view rule,
                   std::string message);

// The tree; without a root and with one finding when the text is not an expression.
SyntaxTree parse_syntax(std::string_view text, std::vector<Finding>& findings);

}  // namespace martlet::expr

// expr/internal/function_binder.h: which function a call means: overloads by the types of their
// operands, and those with rules of their own.
#pragma once
#include "expr/internal/syntax.h"
#include "expr/internal/typing.h"

#include <string_view>
#include <vector>

namespace martlet::expr {

// Whether any function or arithmetic operator is called so.
bool is_function(std::string_view name);
// With did-you-mean.
void report_unknown_function(Typing& typing, const Syntax& call);
// The call over operands that are typed already; nullptr after a finding.
Node* bind_function(Typing& typing, const Syntax& call, std::vector<Node*> operands);

}  // namespace martlet::expr

// Gives every part of an expression its type, as DuckDB does, with the exceptions that
// docs/expressions.md lists.
#include "base/text.h"
#include "expr/internal/function_binder.h"
#include "expr/internal/tree.h"
#include "expr/internal/typing.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::expr {
namespace {

std::optional<Relation> find_relation(std::string_view name) {
  if (name == "=") return Relation::Equal;
  if (name == "<>") return Relation::NotEqual;
  if (name == "<") return Relation::Less;
  if (name == "<=") return Relation::AtMost;
  if (name == ">") return Relation::Greater;
  if (name == ">=") return Relation::AtLeast;
  if (name == "is distinct from") return Relation::Distinct;
  if (name == "is not distinct from") return Relation::NotDistinct;
  return std::nullopt;
}

struct TypeName {
  std::string_view name;
  Kind kind;
};
constexpr TypeName kTypeNames[] = {
    {"boolean", Kind::Bool},       {"bool", Kind::Bool},     {"bigint", Kind::Int64},
    {"integer", Kind::Int64},      {"int", Kind::Int64},     {"int8", Kind::Int64},
    {"int64", Kind::Int64},        {"long", Kind::Int64},    {"double", Kind::Double},
    {"float8", Kind::Double},      {"number", Kind::Double}, {"varchar", Kind::Text},
    {"text", Kind::Text},          {"string", Kind::Text},   {"timestamp", Kind::Timestamp},
    {"datetime", Kind::Timestamp}, {"date", Kind::Date},     {"interval", Kind::Interval},
};

class Binder {
 public:
  Binder(Typing& typing, Program& program) : typing_(typing), program_(program) {}

  // nullptr when something under it is wrong, which has been reported.
  Node* bind(const Syntax& syntax) {
    switch (syntax.form) {
      case SyntaxForm::Literal: return typing_.constant(syntax.offset, syntax.value);
      case SyntaxForm::Name: return bind_name(syntax);
      case SyntaxForm::Call: return bind_call(syntax);
      case SyntaxForm::Case: return bind_case(syntax);
      case SyntaxForm::Cast:
      case SyntaxForm::TryCast: return bind_cast(syntax);
    }
    return nullptr;
  }

 private:
  std::vector<Node*> bind_children(const Syntax& syntax, bool& complete) {
    std::vector<Node*> children;
    complete = true;
    for (const Syntax* child : syntax.children) {
      children.push_back(child == nullptr ? nullptr : bind(*child));
      complete = complete && (child == nullptr || children.back() != nullptr);
    }
    return children;
  }

  Node* bind_name(const Syntax& syntax) {
    std::optional<std::size_t> found = typing_.scope().names.find(syntax.name);
    if (!found.has_value()) {
      const std::string wanted = lower_ascii(syntax.name);
      for (std::size_t i = 0; i < typing_.scope().names.size(); ++i) {
        if (lower_ascii(typing_.scope().names[i].name) != wanted) continue;
        if (found.has_value()) {
          return typing_.report(syntax.offset, "ambiguous_name",
                                fmt::format("\"{}\" may be \"{}\" or \"{}\"; write it exactly",
                                            syntax.name, typing_.scope().names[*found].name,
                                            typing_.scope().names[i].name));
        }
        found = i;
      }
    }
    if (!found.has_value()) return report_unknown_name(syntax);
    const columns::Field& field = typing_.scope().names[*found];
    const auto known = std::find(program_.names.begin(), program_.names.end(), field.name);
    const auto index = static_cast<std::size_t>(known - program_.names.begin());
    if (known == program_.names.end()) {
      program_.names.push_back(field.name);
      program_.name_kinds.push_back(kind_of(field.type));
    }
    Node* node = typing_.make(NodeForm::Name, kind_of(field.type), syntax.offset, field.name, {});
    node->name_index = index;
    return node;
  }
  std::nullptr_t report_unknown_name(const Syntax& syntax) {
    const std::vector<std::string> names = typing_.scope().names.names();
    std::string help = did_you_mean(syntax.name, names);
    if (help.empty() && names.size() <= 20) {
      help = names.empty() ? "; no names are offered here"
                           : fmt::format("; there is {}", join(names, ", "));
    }
    return typing_.report(syntax.offset, "unknown_name",
                          fmt::format("nothing is called \"{}\" here{}", syntax.name, help));
  }

  Node* bind_cast(const Syntax& syntax) {
    Node* inner = bind(*syntax.children.front());
    const auto* type =
        std::find_if(std::begin(kTypeNames), std::end(kTypeNames),
                     [&](const TypeName& known) { return known.name == syntax.name; });
    if (type == std::end(kTypeNames)) return report_unknown_type(syntax);
    if (inner == nullptr || inner->kind == type->kind) return inner;
    if (inner->kind == Kind::Null) return typing_.convert(inner, type->kind);
    const CastKernel cast = find_cast(inner->kind, type->kind);
    if (cast.kernel == nullptr) {
      return typing_.report(
          syntax.offset, "wrong_type",
          fmt::format("{} cannot be cast to {}", article(inner->kind), name_of(type->kind)));
    }
    if (syntax.written) return typing_.convert(inner, type->kind);
    const bool tries = syntax.form == SyntaxForm::TryCast;
    return typing_.fold(typing_.call(
        type->kind, syntax.offset, fmt::format("cast to {}", name_of(type->kind)),
        tries ? cast.try_kernel : cast.kernel, {inner}, tries ? nullptr : cast.failure));
  }
  std::nullptr_t report_unknown_type(const Syntax& syntax) {
    std::string help;
    if (syntax.name == "float" || syntax.name == "real" || syntax.name == "decimal" ||
        syntax.name == "numeric") {
      help = "; numbers here are of 64 bits: double";
    } else {
      std::vector<std::string> names;
      for (const TypeName& known : kTypeNames) names.emplace_back(known.name);
      help = did_you_mean(syntax.name, names);
      if (help.empty())
        help = "; there are boolean, bigint, double, varchar, timestamp, date and interval";
    }
    return typing_.report(syntax.offset, "wrong_type",
                          fmt::format("no type is called \"{}\"{}", syntax.name, help));
  }

  Node* bind_case(const Syntax& syntax) {
    bool complete = false;
    std::vector<Node*> children = bind_children(syntax, complete);
    if (!complete) return nullptr;
    const bool has_operand = children.front() != nullptr;
    const bool has_else = children.back() != nullptr;
    std::vector<Node*> results;
    std::vector<Node*> compared;
    if (has_operand) compared.push_back(children.front());
    for (std::size_t i = 1; i + 1 < children.size(); i += 2) {
      if (has_operand)
        compared.push_back(children[i]);
      else
        complete =
            (children[i] = typing_.truth_of(children[i], "the condition of when")) != nullptr &&
            complete;
      results.push_back(children[i + 1]);
    }
    if (has_else) results.push_back(children.back());
    Kind operand_kind = Kind::Null;
    Kind kind = Kind::Null;
    const bool compares = !has_operand || typing_.unify(compared, Literals::TakeAnyKind,
                                                        syntax.offset, "case", operand_kind);
    const bool unified =
        typing_.unify(results, Literals::TakeTimes, syntax.offset, "the results of case", kind);
    if (!complete || !compares || !unified) return nullptr;
    if (kind == Kind::Null) typing_.convert_all(results, kind = Kind::Int64);
    if (has_operand && operand_kind == Kind::Null)
      typing_.convert_all(compared, operand_kind = Kind::Int64);
    std::size_t next = 0;
    for (std::size_t i = 1; i + 1 < children.size(); i += 2) {
      if (has_operand) children[i] = compared[next + 1];
      children[i + 1] = results[next++];
    }
    if (has_else) children.back() = results.back();
    if (has_operand) children.front() = compared.front();
    Node* node = typing_.make(NodeForm::Case, kind, syntax.offset, "case", std::move(children));
    node->operand_kind = operand_kind;
    return node;
  }
  Node* bind_call(const Syntax& syntax) {
    bool complete = false;
    std::vector<Node*> children = bind_children(syntax, complete);
    const std::string& name = syntax.name;
    if (!complete) {
      // The function's own name is checked all the same, so that all findings come at once.
      if (!is_known(name)) report_unknown_function(typing_, syntax);
      return nullptr;
    }
    if (name == "and" || name == "or") return bind_conjunction(syntax, children);
    if (name == "not") {
      Node* inner = typing_.truth_of(children.front(), "what stands behind not");
      return inner == nullptr ? nullptr
                              : typing_.fold(typing_.call(Kind::Bool, syntax.offset, "not",
                                                          &not_kernel, {inner}));
    }
    if (name == "is null") return bind_is_null(syntax, children.front());
    if (const std::optional<Relation> relation = find_relation(name); relation.has_value())
      return bind_comparison(syntax, children, *relation);
    if (name == "between" || name == "in") return bind_membership(syntax, children);
    return bind_function(typing_, syntax, std::move(children));
  }

  static bool is_known(std::string_view name) {
    return is_function(name) || find_relation(name).has_value() || name == "and" || name == "or" ||
           name == "not" || name == "is null" || name == "between" || name == "in";
  }

  Node* bind_conjunction(const Syntax& syntax, std::vector<Node*>& children) {
    const bool is_and = syntax.name == "and";
    for (Node*& child : children)
      child = typing_.truth_of(child, is_and ? "what and joins" : "what or joins");
    if (children[0] == nullptr || children[1] == nullptr) return nullptr;
    return typing_.fold(typing_.make(is_and ? NodeForm::And : NodeForm::Or, Kind::Bool,
                                     syntax.offset, syntax.name, std::move(children)));
  }

  Node* bind_is_null(const Syntax& syntax, Node* inner) {
    if (inner->kind == Kind::Null) inner = typing_.convert(inner, Kind::Int64);
    return typing_.fold(
        typing_.call(Kind::Bool, syntax.offset, "is null", &is_null_kernel, {inner}));
  }

  Node* bind_comparison(const Syntax& syntax, std::vector<Node*>& children, Relation relation) {
    Kind kind = Kind::Null;
    if (!typing_.unify(children, Literals::TakeAnyKind, syntax.offset,
                       fmt::format("\"{}\"", syntax.name), kind))
      return nullptr;
    if (kind == Kind::Null) typing_.convert_all(children, kind = Kind::Int64);
    return typing_.fold(typing_.call(Kind::Bool, syntax.offset, syntax.name,
                                     comparison_kernel(relation, kind), std::move(children)));
  }

  Node* bind_membership(const Syntax& syntax, std::vector<Node*>& children) {
    Kind kind = Kind::Null;
    if (!typing_.unify(children, Literals::TakeAnyKind, syntax.offset, syntax.name, kind))
      return nullptr;
    if (kind == Kind::Null) typing_.convert_all(children, kind = Kind::Int64);
    const NodeForm form = syntax.name == "in" ? NodeForm::In : NodeForm::Between;
    Node* node = typing_.make(form, Kind::Bool, syntax.offset, syntax.name, std::move(children));
    node->operand_kind = kind;
    return typing_.fold(node);
  }

  Typing& typing_;
  Program& program_;
};

}  // namespace

Node* bind_syntax(std::string_view text, const Syntax& root, const Scope& scope, Nodes& nodes,
                  Program& program, std::vector<Finding>& findings) {
  Typing typing(text, scope, nodes, findings);
  return Binder(typing, program).bind(root);
}

}  // namespace martlet::expr

// Gives every part of an expression its type, as DuckDB does, with the exceptions that
// docs/expressions.md lists.
#include "base/text.h"
#include "expr/internal/calendar.h"
#include "expr/internal/tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace martlet::expr {

namespace {

using Overloads = std::unordered_map<std::string_view, std::vector<const Overload*>>;

const Overloads& overloads_by_name() {
  static const Overloads all = [] {
    Overloads found;
    for (const auto table : {number_overloads(), text_overloads(), time_overloads()}) {
      for (const Overload& overload : table) found[overload.name].push_back(&overload);
    }
    return found;
  }();
  return all;
}

// Functions that the binder types itself.
constexpr std::string_view kSpecial[] = {
    "coalesce", "ifnull",     "nullif",         "if",
    "greatest", "least",      "concat",         "date_part",
    "datepart", "date_trunc", "datetrunc",      "date_diff",
    "datediff", "pi",         "cast",           "try_cast",
    "extract",  "position",   "regexp_matches", "regexp_full_match"};

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

bool is_literal_text(const Node& node) {
  return node.form == NodeForm::Constant && node.kind == Kind::Text && !node.value.missing;
}

// Whether texts written in the expression may stand for the kind.
bool takes_literal(Kind kind) { return kind == Kind::Timestamp || kind == Kind::Date; }

class Binder {
 public:
  Binder(std::string_view text, const Scope& scope, Nodes& nodes, Program& program,
         std::vector<Finding>& findings)
      : text_(text), scope_(scope), nodes_(nodes), program_(program), findings_(findings) {}

  // nullptr when something under it is wrong, which has been reported.
  Node* bind(const Syntax& syntax) {
    switch (syntax.form) {
      case SyntaxForm::Literal: return constant(syntax.offset, syntax.value);
      case SyntaxForm::Name: return bind_name(syntax);
      case SyntaxForm::Call: return bind_call(syntax);
      case SyntaxForm::Case: return bind_case(syntax);
      case SyntaxForm::Cast:
      case SyntaxForm::TryCast: return bind_cast(syntax);
    }
    return nullptr;
  }

 private:
  Node* make(NodeForm form, Kind kind, std::size_t offset, std::string_view name,
             std::vector<Node*> children) {
    Node& node = nodes_.emplace_back();
    node.form = form;
    node.kind = kind;
    node.offset = offset;
    node.name = std::string(name);
    for (const Node* child : children)
      node.can_fail = node.can_fail || (child != nullptr && child->can_fail);
    node.children = std::move(children);
    return &node;
  }
  Node* constant(std::size_t offset, Value value) {
    Node* node = make(NodeForm::Constant, value.kind, offset, "", {});
    node->value = std::move(value);
    return node;
  }
  Node* call(Kind kind, std::size_t offset, std::string_view name, Kernel kernel,
             std::vector<Node*> children, const char* failure = nullptr,
             std::int64_t immediate = 0) {
    Node* node = make(NodeForm::Call, kind, offset, name, std::move(children));
    node->kernel = kernel;
    node->failure = failure;
    node->immediate = immediate;
    node->can_fail = node->can_fail || failure != nullptr;
    return node;
  }

  std::nullptr_t report(std::size_t offset, std::string_view rule, std::string message) {
    findings_.push_back(finding_at(text_, offset, rule, std::move(message)));
    return nullptr;
  }

  // A node over constants becomes one, unless it fails: then it does so when it is reached, if
  // ever.
  Node* fold(Node* node) {
    const bool constants =
        !node->children.empty() &&
        std::all_of(node->children.begin(), node->children.end(), [](const Node* child) {
          return child != nullptr && child->form == NodeForm::Constant;
        });
    if (!constants) return node;
    Program program;
    program.zone = scope_.zone;
    emit_tree(*node, program);
    Frame frame;
    program.prepare(frame, 1);
    if (!program.run(frame, 1)) return node;
    bool missing = false;
    const Slot slot = frame.slot(program.result, node->kind, 0, missing);
    Value value = Value::none(node->kind);
    if (!missing) value = value_of(node->kind, slot);
    return constant(node->offset, std::move(value));
  }
  static Value value_of(Kind kind, const Slot& slot) {
    switch (kind) {
      case Kind::Bool: return Value::of_bool(slot.boolean != 0);
      case Kind::Double: return Value::of_number(slot.number);
      case Kind::Text: return Value::of_text(std::string(slot.text));
      case Kind::Interval: return Value::of_interval(slot.interval);
      default: return Value::of_integer(slot.integer, kind);
    }
  }

  // `node` as `kind`. Null takes any kind; a literal text must read as the kind; otherwise there
  // must be a cast.
  Node* convert(Node* node, Kind kind) {
    if (node == nullptr || node->kind == kind) return node;
    if (node->kind == Kind::Null) return constant(node->offset, Value::none(kind));
    const CastKernel cast = find_cast(node->kind, kind);
    if (cast.kernel == nullptr) {
      return report(node->offset, "wrong_type",
                    fmt::format("{} cannot become {}", article(node->kind), article(kind)));
    }
    const bool literal = is_literal_text(*node);
    Node* converted = fold(call(kind, node->offset, fmt::format("cast to {}", name_of(kind)),
                                cast.kernel, {node}, cast.failure));
    if (literal && converted->form != NodeForm::Constant)
      return report(
          node->offset, "wrong_literal",
          fmt::format("'{}' cannot be read as {}", excerpt(node->value.text, 60), article(kind)));
    return converted;
  }

  static std::string article(Kind kind) {
    const std::string_view name = name_of(kind);
    const bool vowel = name.front() == 'i';
    return fmt::format("{} {}", vowel ? "an" : "a", name);
  }
  static std::string kinds_text(const std::vector<Node*>& children) {
    std::string text;
    for (const Node* child : children)
      text += fmt::format("{}{}", text.empty() ? "" : ", ", name_of(child->kind));
    return text;
  }

  // The kind in which values can be compared or stand for one another; nullopt when there is none.
  // `literals`: texts written in the expression take the kind of the others.
  std::optional<Kind> common_kind(const std::vector<Node*>& nodes, bool literals) {
    Kind kind = Kind::Null;
    bool has_literal = false;
    for (const Node* node : nodes) {
      if (node == nullptr || node->kind == Kind::Null) continue;
      if (is_literal_text(*node)) {
        has_literal = true;
        continue;
      }
      const std::optional<Kind> wider = wider_kind(kind, node->kind);
      if (!wider.has_value()) return std::nullopt;
      kind = *wider;
    }
    if (has_literal && kind == Kind::Null) return Kind::Text;
    if (has_literal && kind != Kind::Text && !(literals || takes_literal(kind)))
      return std::nullopt;
    return kind;
  }
  static std::optional<Kind> wider_kind(Kind a, Kind b) {
    if (a == Kind::Null || a == b) return b;
    const auto is_number = [](Kind kind) {
      return kind == Kind::Bool || kind == Kind::Int64 || kind == Kind::Double;
    };
    if (is_number(a) && is_number(b)) return std::max(a, b);
    const auto is_time = [](Kind kind) { return kind == Kind::Timestamp || kind == Kind::Date; };
    if (is_time(a) && is_time(b)) return Kind::Timestamp;
    return std::nullopt;
  }

  // Converts all to their common kind; false, with a finding, when there is none or a child is
  // wrong.
  bool unify(std::vector<Node*>& nodes, bool literals, std::size_t offset, std::string_view what,
             Kind& kind) {
    if (std::find(nodes.begin(), nodes.end(), nullptr) != nodes.end()) return false;
    const std::optional<Kind> common = common_kind(nodes, literals);
    if (!common.has_value()) {
      report(offset, "wrong_type",
             fmt::format("{} mixes {}; bring them to one type with cast(x as type)", what,
                         kinds_text(nodes)));
      return false;
    }
    kind = *common;
    for (Node*& node : nodes) {
      node = convert(node, kind);
      if (node == nullptr) return false;
    }
    return true;
  }

  Node* truth_of(Node* node, std::string_view what) {
    if (node == nullptr || node->kind == Kind::Bool) return node;
    if (node->kind == Kind::Null) return convert(node, Kind::Bool);
    return report(
        node->offset, "wrong_type",
        fmt::format("{} must be a boolean, not {}; compare it with something, as in x <> 0", what,
                    article(node->kind)));
  }

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
    std::optional<std::size_t> found = scope_.names.find(syntax.name);
    if (!found.has_value()) {
      const std::string wanted = lower_ascii(syntax.name);
      for (std::size_t i = 0; i < scope_.names.size(); ++i) {
        if (lower_ascii(scope_.names[i].name) != wanted) continue;
        if (found.has_value()) {
          return report(syntax.offset, "ambiguous_name",
                        fmt::format("\"{}\" may be \"{}\" or \"{}\"; write it exactly", syntax.name,
                                    scope_.names[*found].name, scope_.names[i].name));
        }
        found = i;
      }
    }
    if (!found.has_value()) return report_unknown_name(syntax);
    const columns::Field& field = scope_.names[*found];
    const auto known = std::find(program_.names.begin(), program_.names.end(), field.name);
    const auto index = static_cast<std::size_t>(known - program_.names.begin());
    if (known == program_.names.end()) {
      program_.names.push_back(field.name);
      program_.name_kinds.push_back(kind_of(field.type));
    }
    Node* node = make(NodeForm::Name, kind_of(field.type), syntax.offset, field.name, {});
    node->name_index = index;
    return node;
  }
  std::nullptr_t report_unknown_name(const Syntax& syntax) {
    const std::vector<std::string> names = scope_.names.names();
    std::string help = did_you_mean(syntax.name, names);
    if (help.empty() && names.size() <= 20) {
      help = names.empty() ? "; no names are offered here"
                           : fmt::format("; there is {}", join(names, ", "));
    }
    return report(syntax.offset, "unknown_name",
                  fmt::format("nothing is called \"{}\" here{}", syntax.name, help));
  }

  Node* bind_cast(const Syntax& syntax) {
    Node* inner = bind(*syntax.children.front());
    const auto* type =
        std::find_if(std::begin(kTypeNames), std::end(kTypeNames),
                     [&](const TypeName& known) { return known.name == syntax.name; });
    if (type == std::end(kTypeNames)) return report_unknown_type(syntax);
    if (inner == nullptr || inner->kind == type->kind) return inner;
    if (inner->kind == Kind::Null) return convert(inner, type->kind);
    const CastKernel cast = find_cast(inner->kind, type->kind);
    if (cast.kernel == nullptr) {
      return report(
          syntax.offset, "wrong_type",
          fmt::format("{} cannot be cast to {}", article(inner->kind), name_of(type->kind)));
    }
    if (syntax.written) return convert(inner, type->kind);
    const bool tries = syntax.form == SyntaxForm::TryCast;
    return fold(call(type->kind, syntax.offset, fmt::format("cast to {}", name_of(type->kind)),
                     tries ? cast.try_kernel : cast.kernel, {inner},
                     tries ? nullptr : cast.failure));
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
    return report(syntax.offset, "wrong_type",
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
            (children[i] = truth_of(children[i], "the condition of when")) != nullptr && complete;
      results.push_back(children[i + 1]);
    }
    if (has_else) results.push_back(children.back());
    Kind operand_kind = Kind::Null;
    Kind kind = Kind::Null;
    const bool compares =
        !has_operand || unify(compared, true, syntax.offset, "case", operand_kind);
    const bool unified = unify(results, false, syntax.offset, "the results of case", kind);
    if (!complete || !compares || !unified) return nullptr;
    if (kind == Kind::Null) unified_to(results, kind = Kind::Int64);
    if (has_operand && operand_kind == Kind::Null) unified_to(compared, operand_kind = Kind::Int64);
    std::size_t next = 0;
    for (std::size_t i = 1; i + 1 < children.size(); i += 2) {
      if (has_operand) children[i] = compared[next + 1];
      children[i + 1] = results[next++];
    }
    if (has_else) children.back() = results.back();
    if (has_operand) children.front() = compared.front();
    Node* node = make(NodeForm::Case, kind, syntax.offset, "case", std::move(children));
    node->operand_kind = operand_kind;
    return node;
  }
  void unified_to(std::vector<Node*>& nodes, Kind kind) {
    for (Node*& node : nodes) node = convert(node, kind);
  }

  Node* bind_call(const Syntax& syntax) {
    bool complete = false;
    std::vector<Node*> children = bind_children(syntax, complete);
    const std::string& name = syntax.name;
    if (!complete) {
      // The function's own name is checked all the same, so that all findings come at once.
      if (!is_known(name)) report_unknown_function(syntax);
      return nullptr;
    }
    if (name == "and" || name == "or") return bind_conjunction(syntax, children);
    if (name == "not") {
      Node* inner = truth_of(children.front(), "what stands behind not");
      return inner == nullptr ? nullptr
                              : fold(call(Kind::Bool, syntax.offset, "not", &not_kernel, {inner}));
    }
    if (name == "is null") return bind_is_null(syntax, children.front());
    if (const std::optional<Relation> relation = find_relation(name); relation.has_value())
      return bind_comparison(syntax, children, *relation);
    if (name == "between" || name == "in") return bind_membership(syntax, children);
    if (Node* special = nullptr; bind_special(syntax, children, special)) return special;
    return resolve(syntax, name, std::move(children));
  }

  static bool is_known(std::string_view name) {
    return overloads_by_name().contains(name) || find_relation(name).has_value() || name == "and" ||
           name == "or" || name == "not" || name == "is null" || name == "between" ||
           name == "in" ||
           std::find(std::begin(kSpecial), std::end(kSpecial), name) != std::end(kSpecial);
  }

  Node* bind_conjunction(const Syntax& syntax, std::vector<Node*>& children) {
    const bool is_and = syntax.name == "and";
    for (Node*& child : children)
      child = truth_of(child, is_and ? "what and joins" : "what or joins");
    if (children[0] == nullptr || children[1] == nullptr) return nullptr;
    return fold(make(is_and ? NodeForm::And : NodeForm::Or, Kind::Bool, syntax.offset, syntax.name,
                     std::move(children)));
  }

  Node* bind_is_null(const Syntax& syntax, Node* inner) {
    if (inner->kind == Kind::Null) inner = convert(inner, Kind::Int64);
    return fold(call(Kind::Bool, syntax.offset, "is null", &is_null_kernel, {inner}));
  }

  Node* bind_comparison(const Syntax& syntax, std::vector<Node*>& children, Relation relation) {
    Kind kind = Kind::Null;
    if (!unify(children, true, syntax.offset, fmt::format("\"{}\"", syntax.name), kind))
      return nullptr;
    if (kind == Kind::Null) unified_to(children, kind = Kind::Int64);
    return fold(call(Kind::Bool, syntax.offset, syntax.name, comparison_kernel(relation, kind),
                     std::move(children)));
  }

  Node* bind_membership(const Syntax& syntax, std::vector<Node*>& children) {
    Kind kind = Kind::Null;
    if (!unify(children, true, syntax.offset, syntax.name, kind)) return nullptr;
    if (kind == Kind::Null) unified_to(children, kind = Kind::Int64);
    const NodeForm form = syntax.name == "in" ? NodeForm::In : NodeForm::Between;
    Node* node = make(form, Kind::Bool, syntax.offset, syntax.name, std::move(children));
    node->operand_kind = kind;
    return fold(node);
  }

  bool takes(const Syntax& syntax, std::size_t least, std::size_t most, std::string_view usage) {
    if (syntax.children.size() >= least && syntax.children.size() <= most) return true;
    report(
        syntax.offset, "wrong_arguments",
        fmt::format("{} has {} arguments; write {}", syntax.name, syntax.children.size(), usage));
    return false;
  }

  // False when the name is not one of these.
  bool bind_special(const Syntax& syntax, std::vector<Node*>& children, Node*& result) {
    const std::string& name = syntax.name;
    constexpr std::size_t kAny = ~std::size_t{0};
    if (name == "coalesce") {
      if (takes(syntax, 1, kAny, "coalesce(a, b, …)")) result = bind_coalesce(syntax, children);
    } else if (name == "ifnull") {
      if (takes(syntax, 2, 2, "ifnull(a, b)")) result = bind_coalesce(syntax, children);
    } else if (name == "nullif") {
      if (takes(syntax, 2, 2, "nullif(a, b)")) result = bind_null_if(syntax, children);
    } else if (name == "if") {
      if (takes(syntax, 3, 3, "if(condition, then, else)")) result = bind_if(syntax, children);
    } else if (name == "greatest" || name == "least") {
      if (takes(syntax, 1, kAny, name + "(a, b, …)")) result = bind_extreme(syntax, children);
    } else if (name == "concat") {
      if (takes(syntax, 1, kAny, "concat(a, b, …)")) result = bind_concat(syntax, children);
    } else if (name == "||") {
      for (Node*& child : children) child = text_of(child);
      if (children[0] != nullptr && children[1] != nullptr)
        result = resolve(syntax, name, children);
    } else if (name == "pi") {
      if (takes(syntax, 0, 0, "pi()"))
        result = constant(syntax.offset, Value::of_number(3.14159265358979323846));
    } else if (name == "date_part" || name == "datepart") {
      if (takes(syntax, 2, 2, "date_part('hour', x)")) result = bind_date_part(syntax, children);
    } else if (name == "date_trunc" || name == "datetrunc") {
      if (takes(syntax, 2, 2, "date_trunc('hour', x)"))
        result = bind_with_unit(syntax, "date_trunc", children);
    } else if (name == "date_diff" || name == "datediff") {
      if (takes(syntax, 3, 3, "date_diff('day', from, to)"))
        result = bind_with_unit(syntax, "date_diff", children);
    } else if (name == "interval") {
      if (takes(syntax, 2, 2, "interval 3 hours")) result = bind_interval(syntax, children);
    } else if (name == "regexp_matches" || name == "regexp_full_match") {
      if (takes(syntax, 2, 3, name + "(text, 'pattern')")) result = bind_pattern(syntax, children);
    } else if (name == "+" && children.size() == 1) {
      result = bind_plus(syntax, children.front());
    } else {
      return false;
    }
    return true;
  }

  Node* bind_coalesce(const Syntax& syntax, std::vector<Node*>& children) {
    Kind kind = Kind::Null;
    if (!unify(children, false, syntax.offset, syntax.name, kind)) return nullptr;
    if (kind == Kind::Null) return children.front();
    return make(NodeForm::Coalesce, kind, syntax.offset, syntax.name, std::move(children));
  }

  Node* bind_null_if(const Syntax& syntax, std::vector<Node*>& children) {
    Node* value = children[0];
    if (value->kind == Kind::Null) return value;
    std::vector<Node*> compared = children;
    Kind kind = Kind::Null;
    if (!unify(compared, true, syntax.offset, "nullif", kind)) return nullptr;
    // The value keeps its own kind; a literal text that was compared as another one takes that.
    if (is_literal_text(*value)) value = compared[0];
    Node* node = make(NodeForm::NullIf, value->kind, syntax.offset, "nullif", {value, compared[1]});
    node->operand_kind = kind;
    if (value->kind != kind) {
      const CastKernel cast = find_cast(value->kind, kind);
      node->kernel = cast.kernel;
      node->failure = cast.failure;
      node->can_fail = node->can_fail || cast.failure != nullptr;
    }
    return fold(node);
  }

  Node* bind_if(const Syntax& syntax, std::vector<Node*>& children) {
    Node* condition = truth_of(children[0], "the condition of if");
    std::vector<Node*> results = {children[1], children[2]};
    Kind kind = Kind::Null;
    if (!unify(results, false, syntax.offset, "if", kind) || condition == nullptr) return nullptr;
    if (kind == Kind::Null) return results.front();
    return make(NodeForm::Case, kind, syntax.offset, "if",
                {nullptr, condition, results[0], results[1]});
  }

  Node* bind_extreme(const Syntax& syntax, std::vector<Node*>& children) {
    Kind kind = Kind::Null;
    if (!unify(children, false, syntax.offset, syntax.name, kind)) return nullptr;
    if (kind == Kind::Null) return children.front();
    const Kernel kernel =
        extreme_kernel(syntax.name == "greatest" ? Extreme::Greatest : Extreme::Least, kind);
    return chain(children, [&](Node* left, Node* right) {
      return fold(call(kind, syntax.offset, syntax.name, kernel, {left, right}));
    });
  }

  // Joins the nodes pairwise into a balanced tree, whose height stays small.
  template <class Join>
  Node* chain(std::vector<Node*> nodes, Join join_two) {
    while (nodes.size() > 1) {
      std::vector<Node*> joined;
      for (std::size_t i = 0; i + 1 < nodes.size(); i += 2)
        joined.push_back(join_two(nodes[i], nodes[i + 1]));
      if (nodes.size() % 2 == 1) joined.push_back(nodes.back());
      nodes = std::move(joined);
    }
    return nodes.front();
  }

  Node* text_of(Node* node) {
    if (node->kind == Kind::Interval)
      return report(node->offset, "wrong_type",
                    "an interval has no text here; use epoch(x) for its seconds");
    return convert(node, Kind::Text);
  }

  Node* bind_concat(const Syntax& syntax, std::vector<Node*>& children) {
    for (Node*& child : children) {
      child = text_of(child);
      if (child == nullptr) return nullptr;
    }
    if (children.size() == 1) children.push_back(constant(syntax.offset, Value::of_text("")));
    const Overload& overload = *overloads_by_name().at("concat").front();
    return chain(children, [&](Node* left, Node* right) {
      return fold(call(Kind::Text, syntax.offset, "concat", overload.kernel, {left, right},
                       overload.failure));
    });
  }

  std::optional<Unit> unit_of(const Syntax& syntax, const Node& node) {
    if (!is_literal_text(node)) {
      report(node.offset, "wrong_arguments",
             fmt::format("{} needs its unit as a text, such as 'hour'", syntax.name));
      return std::nullopt;
    }
    const std::string name = lower_ascii(node.value.text);
    const std::optional<Unit> unit = find_unit(name);
    if (!unit.has_value()) {
      report(node.offset, "wrong_arguments",
             fmt::format("'{}' is no unit of time{}", excerpt(node.value.text, 60),
                         did_you_mean(name, unit_names())));
    }
    return unit;
  }

  Node* bind_date_part(const Syntax& syntax, std::vector<Node*>& children) {
    const std::optional<Unit> unit = unit_of(syntax, *children[0]);
    if (!unit.has_value()) return nullptr;
    if (*unit == Unit::Epoch) return resolve(syntax, "epoch", {children[1]});
    return resolve(syntax, "date_part", {children[1]}, static_cast<std::int64_t>(*unit));
  }
  Node* bind_with_unit(const Syntax& syntax, std::string_view name, std::vector<Node*>& children) {
    const std::optional<Unit> unit = unit_of(syntax, *children[0]);
    if (!unit.has_value()) return nullptr;
    return resolve(syntax, name, {children.begin() + 1, children.end()},
                   static_cast<std::int64_t>(*unit));
  }
  Node* bind_interval(const Syntax& syntax, std::vector<Node*>& children) {
    const std::optional<Unit> unit = unit_of(syntax, *children[0]);
    if (!unit.has_value()) return nullptr;
    if (!interval_of(*unit, 1).has_value()) {
      return report(children[0]->offset, "wrong_arguments",
                    fmt::format("an interval cannot be counted in {}", children[0]->value.text));
    }
    return resolve(syntax, "interval", {children[1]}, static_cast<std::int64_t>(*unit));
  }

  Node* bind_pattern(const Syntax& syntax, std::vector<Node*>& children) {
    for (std::size_t i = 1; i < children.size(); ++i) {
      if (!is_literal_text(*children[i])) {
        return report(children[i]->offset, "wrong_arguments",
                      fmt::format("{} needs its pattern and options as texts", syntax.name));
      }
    }
    std::string flags;
    for (const char option : children.size() == 3 ? children[2]->value.text : std::string()) {
      if (option == 'i' || option == 's')
        flags += option;
      else if (option != 'c')
        return report(children[2]->offset, "wrong_arguments",
                      fmt::format("'{}' is no option; there are i (ignore case), c (heed it) and s "
                                  "(. also matches line ends)",
                                  option));
    }
    const std::string& source = children[1]->value.text;
    Result<Pattern> pattern =
        Pattern::compile(flags.empty() ? source : "(?" + flags + ")" + source);
    if (!pattern.has_value())
      return report(children[1]->offset, "wrong_literal", pattern.error().message());
    Node* node = resolve(syntax, syntax.name, {children[0]}, std::nullopt, &*pattern);
    return node;
  }

  Node* bind_plus(const Syntax& syntax, Node* inner) {
    if (inner->kind == Kind::Int64 || inner->kind == Kind::Double || inner->kind == Kind::Null)
      return inner;
    return report(syntax.offset, "wrong_arguments",
                  fmt::format("+ stands before {}; it needs a number", article(inner->kind)));
  }

  // What it costs to take the node for the kind; negative: impossible.
  static int cost_of(const Node& node, Kind kind) {
    if (node.kind == kind) return 0;
    if (node.kind == Kind::Null) return 1;
    if (node.kind == Kind::Int64 && kind == Kind::Double) return 2;
    if (node.kind == Kind::Date && kind == Kind::Timestamp) return 2;
    if (is_literal_text(node) && takes_literal(kind)) return 4;
    return -1;
  }

  Node* resolve(const Syntax& syntax, std::string_view name, std::vector<Node*> children,
                std::optional<std::int64_t> immediate = std::nullopt,
                const Pattern* pattern = nullptr) {
    const auto found = overloads_by_name().find(name);
    if (found == overloads_by_name().end()) return report_unknown_function(syntax);
    const Overload* best = nullptr;
    int best_cost = 0;
    for (const Overload* overload : found->second) {
      if (overload->operands.size() != children.size()) continue;
      int cost = 0;
      for (std::size_t i = 0; i < children.size() && cost >= 0; ++i) {
        const int one = cost_of(*children[i], overload->operands[i]);
        cost = one < 0 ? -1 : cost + one;
      }
      if (cost >= 0 && (best == nullptr || cost < best_cost)) {
        best = overload;
        best_cost = cost;
      }
    }
    if (best == nullptr) return report_wrong_arguments(syntax, found->second, children);
    for (std::size_t i = 0; i < children.size(); ++i) {
      children[i] = convert(children[i], best->operands[i]);
      if (children[i] == nullptr) return nullptr;
    }
    Node* node = call(best->result, syntax.offset, syntax.name, best->kernel, std::move(children),
                      best->failure, immediate.value_or(best->immediate));
    if (pattern != nullptr) node->pattern = *pattern;
    return fold(node);
  }

  std::nullptr_t report_wrong_arguments(const Syntax& syntax,
                                        const std::vector<const Overload*>& overloads,
                                        const std::vector<Node*>& children) {
    std::string forms;
    bool has_bool = false;
    bool has_text = false;
    for (const Node* child : children) {
      has_bool = has_bool || child->kind == Kind::Bool;
      has_text = has_text || child->kind == Kind::Text;
    }
    for (const Overload* overload : overloads) {
      std::string kinds;
      for (const Kind kind : overload->operands)
        kinds += fmt::format("{}{}", kinds.empty() ? "" : ", ", name_of(kind));
      forms += fmt::format("{}({})", forms.empty() ? "" : ", ", kinds);
    }
    std::string help;
    const bool arithmetic = syntax.name.size() <= 2;
    if (has_bool && arithmetic)
      help = "; to count a boolean, write case when x then 1 else 0 end";
    else if (has_text && arithmetic)
      help = "; to reckon with a text, write cast(x as double)";
    return report(syntax.offset, "wrong_arguments",
                  fmt::format("\"{}\" does not take ({}); it takes {}{}", syntax.name,
                              kinds_text(children), forms, help));
  }

  std::nullptr_t report_unknown_function(const Syntax& syntax) {
    return report(syntax.offset, "unknown_function",
                  fmt::format("no function is called \"{}\"{}; docs/expressions.md lists them",
                              syntax.name, did_you_mean(syntax.name, function_names())));
  }

  std::string_view text_;
  const Scope& scope_;
  Nodes& nodes_;
  Program& program_;
  std::vector<Finding>& findings_;
};

}  // namespace

std::vector<std::string> function_names() {
  std::vector<std::string> names(std::begin(kSpecial), std::end(kSpecial));
  for (const auto& [name, overloads] : overloads_by_name()) {
    const char first = name.front();
    if (first >= 'a' && first <= 'z' && name != "like" && name != "ilike" && name != "interval")
      names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Node* bind_syntax(std::string_view text, const Syntax& root, const Scope& scope, Nodes& nodes,
                  Program& program, std::vector<Finding>& findings) {
  return Binder(text, scope, nodes, program, findings).bind(root);
}

}  // namespace martlet::expr

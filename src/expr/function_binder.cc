#include "expr/internal/function_binder.h"

#include "base/text.h"
#include "expr/internal/calendar.h"

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

// Functions with rules of their own.
constexpr std::string_view kSpecial[] = {
    "coalesce", "ifnull",     "nullif",         "if",
    "greatest", "least",      "concat",         "date_part",
    "datepart", "date_trunc", "datetrunc",      "date_diff",
    "datediff", "pi",         "cast",           "try_cast",
    "extract",  "position",   "regexp_matches", "regexp_full_match"};

class FunctionBinder {
 public:
  explicit FunctionBinder(Typing& typing) : typing_(typing) {}

  Node* bind(const Syntax& syntax, std::vector<Node*>& children) {
    if (Node* special = nullptr; bind_special(syntax, children, special)) return special;
    return resolve(syntax, syntax.name, std::move(children));
  }

 private:
  bool takes(const Syntax& syntax, std::size_t least, std::size_t most, std::string_view usage) {
    if (syntax.children.size() >= least && syntax.children.size() <= most) return true;
    typing_.report(
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
        result = typing_.constant(syntax.offset, Value::of_number(3.14159265358979323846));
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
    if (!typing_.unify(children, Literals::TakeTimes, syntax.offset, syntax.name, kind))
      return nullptr;
    if (kind == Kind::Null) return children.front();
    return typing_.make(NodeForm::Coalesce, kind, syntax.offset, syntax.name, std::move(children));
  }

  Node* bind_null_if(const Syntax& syntax, std::vector<Node*>& children) {
    Node* value = children[0];
    if (value->kind == Kind::Null) return value;
    std::vector<Node*> compared = children;
    Kind kind = Kind::Null;
    if (!typing_.unify(compared, Literals::TakeAnyKind, syntax.offset, "nullif", kind))
      return nullptr;
    // The value keeps its own kind; a literal text that was compared as another one takes that.
    if (is_literal_text(*value)) value = compared[0];
    Node* node =
        typing_.make(NodeForm::NullIf, value->kind, syntax.offset, "nullif", {value, compared[1]});
    node->operand_kind = kind;
    if (value->kind != kind) {
      const CastKernel cast = find_cast(value->kind, kind);
      node->kernel = cast.kernel;
      node->failure = cast.failure;
      node->can_fail = node->can_fail || cast.failure != nullptr;
    }
    return typing_.fold(node);
  }

  Node* bind_if(const Syntax& syntax, std::vector<Node*>& children) {
    Node* condition = typing_.truth_of(children[0], "the condition of if");
    std::vector<Node*> results = {children[1], children[2]};
    Kind kind = Kind::Null;
    if (!typing_.unify(results, Literals::TakeTimes, syntax.offset, "if", kind) ||
        condition == nullptr)
      return nullptr;
    if (kind == Kind::Null) return results.front();
    return typing_.make(NodeForm::Case, kind, syntax.offset, "if",
                        {nullptr, condition, results[0], results[1]});
  }

  Node* bind_extreme(const Syntax& syntax, std::vector<Node*>& children) {
    Kind kind = Kind::Null;
    if (!typing_.unify(children, Literals::TakeTimes, syntax.offset, syntax.name, kind))
      return nullptr;
    if (kind == Kind::Null) return children.front();
    const Kernel kernel =
        extreme_kernel(syntax.name == "greatest" ? Extreme::Greatest : Extreme::Least, kind);
    return chain(children, [&](Node* left, Node* right) {
      return typing_.fold(typing_.call(kind, syntax.offset, syntax.name, kernel, {left, right}));
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
      return typing_.report(node->offset, "wrong_type",
                            "an interval has no text here; use epoch(x) for its seconds");
    return typing_.convert(node, Kind::Text);
  }

  Node* bind_concat(const Syntax& syntax, std::vector<Node*>& children) {
    for (Node*& child : children) {
      child = text_of(child);
      if (child == nullptr) return nullptr;
    }
    if (children.size() == 1)
      children.push_back(typing_.constant(syntax.offset, Value::of_text("")));
    const Overload& overload = *overloads_by_name().at("concat").front();
    return chain(children, [&](Node* left, Node* right) {
      return typing_.fold(typing_.call(Kind::Text, syntax.offset, "concat", overload.kernel,
                                       {left, right}, overload.failure));
    });
  }

  std::optional<Unit> unit_of(const Syntax& syntax, const Node& node) {
    if (!is_literal_text(node)) {
      typing_.report(node.offset, "wrong_arguments",
                     fmt::format("{} needs its unit as a text, such as 'hour'", syntax.name));
      return std::nullopt;
    }
    const std::string name = lower_ascii(node.value.text);
    const std::optional<Unit> unit = find_unit(name);
    if (!unit.has_value()) {
      typing_.report(node.offset, "wrong_arguments",
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
      return typing_.report(
          children[0]->offset, "wrong_arguments",
          fmt::format("an interval cannot be counted in {}", children[0]->value.text));
    }
    return resolve(syntax, "interval", {children[1]}, static_cast<std::int64_t>(*unit));
  }

  Node* bind_pattern(const Syntax& syntax, std::vector<Node*>& children) {
    for (std::size_t i = 1; i < children.size(); ++i) {
      if (!is_literal_text(*children[i])) {
        return typing_.report(
            children[i]->offset, "wrong_arguments",
            fmt::format("{} needs its pattern and options as texts", syntax.name));
      }
    }
    std::string flags;
    for (const char option : children.size() == 3 ? children[2]->value.text : std::string()) {
      if (option == 'i' || option == 's')
        flags += option;
      else if (option != 'c')
        return typing_.report(
            children[2]->offset, "wrong_arguments",
            fmt::format("'{}' is no option; there are i (ignore case), c (heed it) and s "
                        "(. also matches line ends)",
                        option));
    }
    const std::string& source = children[1]->value.text;
    Result<Pattern> pattern =
        Pattern::compile(flags.empty() ? source : "(?" + flags + ")" + source);
    if (!pattern.has_value())
      return typing_.report(children[1]->offset, "wrong_literal", pattern.error().message());
    Node* node = resolve(syntax, syntax.name, {children[0]}, std::nullopt, &*pattern);
    return node;
  }

  Node* bind_plus(const Syntax& syntax, Node* inner) {
    if (inner->kind == Kind::Int64 || inner->kind == Kind::Double || inner->kind == Kind::Null)
      return inner;
    return typing_.report(
        syntax.offset, "wrong_arguments",
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
    if (found == overloads_by_name().end()) {
      report_unknown_function(typing_, syntax);
      return nullptr;
    }
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
      children[i] = typing_.convert(children[i], best->operands[i]);
      if (children[i] == nullptr) return nullptr;
    }
    Node* node =
        typing_.call(best->result, syntax.offset, syntax.name, best->kernel, std::move(children),
                     best->failure, immediate.value_or(best->immediate));
    if (pattern != nullptr) node->pattern = *pattern;
    return typing_.fold(node);
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
    return typing_.report(syntax.offset, "wrong_arguments",
                          fmt::format("\"{}\" does not take ({}); it takes {}{}", syntax.name,
                                      kinds_text(children), forms, help));
  }

  Typing& typing_;
};

}  // namespace

bool is_function(std::string_view name) {
  return overloads_by_name().contains(name) ||
         std::find(std::begin(kSpecial), std::end(kSpecial), name) != std::end(kSpecial);
}

void report_unknown_function(Typing& typing, const Syntax& call) {
  typing.report(call.offset, "unknown_function",
                fmt::format("no function is called \"{}\"{}; docs/expressions.md lists them",
                            call.name, did_you_mean(call.name, function_names())));
}

Node* bind_function(Typing& typing, const Syntax& call, std::vector<Node*> operands) {
  return FunctionBinder(typing).bind(call, operands);
}

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

}  // namespace martlet::expr

#include "expr/internal/typing.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::expr {
namespace {

Value value_of(Kind kind, const Slot& slot) {
  switch (kind) {
    case Kind::Bool: return Value::of_bool(slot.boolean != 0);
    case Kind::Double: return Value::of_number(slot.number);
    case Kind::Text: return Value::of_text(std::string(slot.text));
    case Kind::Interval: return Value::of_interval(slot.interval);
    default: return Value::of_integer(slot.integer, kind);
  }
}

std::optional<Kind> wider_kind(Kind a, Kind b) {
  if (a == Kind::Null || a == b) return b;
  const auto is_number = [](Kind kind) {
    return kind == Kind::Bool || kind == Kind::Int64 || kind == Kind::Double;
  };
  if (is_number(a) && is_number(b)) return std::max(a, b);
  const auto is_time = [](Kind kind) { return kind == Kind::Timestamp || kind == Kind::Date; };
  if (is_time(a) && is_time(b)) return Kind::Timestamp;
  return std::nullopt;
}

// The kind in which values can be compared or stand for one another; nullopt when there is none.
std::optional<Kind> common_kind(const std::vector<Node*>& nodes, Literals literals) {
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
  if (has_literal && kind != Kind::Text &&
      !(literals == Literals::TakeAnyKind || takes_literal(kind)))
    return std::nullopt;
  return kind;
}

}  // namespace

bool is_literal_text(const Node& node) {
  return node.form == NodeForm::Constant && node.kind == Kind::Text && !node.value.missing;
}

bool takes_literal(Kind kind) { return kind == Kind::Timestamp || kind == Kind::Date; }

std::string article(Kind kind) {
  const std::string_view name = name_of(kind);
  const bool vowel = name.front() == 'i';
  return fmt::format("{} {}", vowel ? "an" : "a", name);
}
std::string kinds_text(const std::vector<Node*>& children) {
  std::string text;
  for (const Node* child : children)
    text += fmt::format("{}{}", text.empty() ? "" : ", ", name_of(child->kind));
  return text;
}

Node* Typing::make(NodeForm form, Kind kind, std::size_t offset, std::string_view name,
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
Node* Typing::constant(std::size_t offset, Value value) {
  Node* node = make(NodeForm::Constant, value.kind, offset, "", {});
  node->value = std::move(value);
  return node;
}
Node* Typing::call(Kind kind, std::size_t offset, std::string_view name, Kernel kernel,
                   std::vector<Node*> children, const char* failure, std::int64_t immediate) {
  Node* node = make(NodeForm::Call, kind, offset, name, std::move(children));
  node->kernel = kernel;
  node->failure = failure;
  node->immediate = immediate;
  node->can_fail = node->can_fail || failure != nullptr;
  return node;
}

std::nullptr_t Typing::report(std::size_t offset, std::string_view rule, std::string message) {
  findings_.push_back(finding_at(text_, offset, rule, std::move(message)));
  return nullptr;
}

Node* Typing::fold(Node* node) {
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
Node* Typing::convert(Node* node, Kind kind) {
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

bool Typing::unify(std::vector<Node*>& nodes, Literals literals, std::size_t offset,
                   std::string_view what, Kind& kind) {
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

Node* Typing::truth_of(Node* node, std::string_view what) {
  if (node == nullptr || node->kind == Kind::Bool) return node;
  if (node->kind == Kind::Null) return convert(node, Kind::Bool);
  return report(node->offset, "wrong_type",
                fmt::format("{} must be a boolean, not {}; compare it with something, as in x <> 0",
                            what, article(node->kind)));
}

void Typing::convert_all(std::vector<Node*>& nodes, Kind kind) {
  for (Node*& node : nodes) node = convert(node, kind);
}

}  // namespace martlet::expr

#include "base/result.h"
#include "expr/internal/tree.h"

#include <algorithm>

namespace martlet::expr {
namespace {

// Constants beyond this many are spread by an instruction where they are used: that bounds a frame.
constexpr std::size_t kConstantRegisters = 64;

Slot slot_of(const Value& value) {
  Slot slot;
  switch (value.kind) {
    case Kind::Bool: slot.boolean = value.boolean ? 1 : 0; break;
    case Kind::Double: slot.number = value.number; break;
    case Kind::Text: slot.text = value.text; break;
    case Kind::Interval: slot.interval = value.interval; break;
    default: slot.integer = value.integer; break;
  }
  return slot;
}

class Emitter {
 public:
  explicit Emitter(Program& program) : program_(program) {}

  void run(const Node& root) {
    collect(root);
    first_temporary_ = static_cast<Register>(program_.names.size() + program_.constants.size());
    program_.result = emit(root, kNoRegister);
    program_.kind = root.kind;
  }

 private:
  void collect(const Node& node) {
    if (node.form == NodeForm::Constant) find_constant(node.value);
    if (is_constant_set(node)) {
      collect(*node.children.front());
      return;
    }
    for (const Node* child : node.children) {
      if (child != nullptr) collect(*child);
    }
  }

  // Index of the constant if it has a register; adds it while there is room.
  std::optional<std::size_t> find_constant(const Value& value) {
    for (std::size_t i = 0; i < program_.constants.size(); ++i) {
      if (program_.constants[i].value.same_as(value)) return i;
    }
    if (program_.constants.size() >= kConstantRegisters) return std::nullopt;
    program_.constants.push_back(make_constant(value));
    Constant& constant = program_.constants.back();
    constant.slot = slot_of(constant.value);
    return program_.constants.size() - 1;
  }
  static Constant make_constant(const Value& value) {
    Constant constant;
    constant.value = value;
    return constant;
  }

  Register take() {
    if (!free_.empty()) {
      const Register last = free_.back();
      free_.pop_back();
      return last;
    }
    return first_temporary_ + program_.temporaries++;
  }
  void give_back(Register r) {
    if (r != kNoRegister && r >= first_temporary_) free_.push_back(r);
  }

  Instruction& add(Kernel kernel, Register dst, Register a = kNoRegister, Register b = kNoRegister,
                   Register mask = kNoRegister) {
    Instruction in;
    in.kernel = kernel;
    in.dst = dst;
    in.a = a;
    in.b = b;
    in.mask = mask;
    program_.instructions.push_back(in);
    return program_.instructions.back();
  }
  // Returns the jump's index, to be aimed later.
  std::size_t jump_if_idle(Register mask) {
    add(nullptr, kNoRegister, kNoRegister, kNoRegister, mask);
    return program_.instructions.size() - 1;
  }
  void aim(std::size_t jump) {
    program_.instructions[jump].target = static_cast<std::uint32_t>(program_.instructions.size());
  }

  Register emit(const Node& node, Register mask) {
    switch (node.form) {
      case NodeForm::Constant: return emit_constant(node);
      case NodeForm::Name: return static_cast<Register>(node.name_index);
      case NodeForm::Call: return emit_call(node, mask);
      case NodeForm::And:
      case NodeForm::Or: return emit_conjunction(node, mask);
      case NodeForm::Case: return emit_case(node, mask);
      case NodeForm::Coalesce: return emit_coalesce(node, mask);
      case NodeForm::In: return emit_in(node, mask);
      case NodeForm::Between: return emit_between(node, mask);
      case NodeForm::NullIf: return emit_null_if(node, mask);
    }
    return kNoRegister;
  }

  Register emit_constant(const Node& node) {
    if (const std::optional<std::size_t> known = find_constant(node.value); known.has_value())
      return program_.constant_register(*known);
    program_.spread_constants.push_back(make_constant(node.value));
    Constant& constant = program_.spread_constants.back();
    constant.slot = slot_of(constant.value);
    const Register dst = take();
    add(spread_kernel(node.kind), dst).object = &constant;
    return dst;
  }

  std::uint32_t add_site(const Node& node, std::vector<Kind> kinds) {
    Site site;
    site.offset = node.offset;
    site.name = node.name;
    site.failure = node.failure == nullptr ? "" : node.failure;
    site.kinds = std::move(kinds);
    program_.sites.push_back(std::move(site));
    return static_cast<std::uint32_t>(program_.sites.size() - 1);
  }

  Register emit_call(const Node& node, Register mask) {
    Register operands[3] = {kNoRegister, kNoRegister, kNoRegister};
    std::vector<Kind> kinds;
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      operands[i] = emit(*node.children[i], mask);
      kinds.push_back(node.children[i]->kind);
    }
    const Register dst = take();
    const std::uint32_t site = node.failure == nullptr ? 0 : add_site(node, std::move(kinds));
    const Pattern* pattern = nullptr;
    if (node.pattern.has_value()) {
      program_.patterns.push_back(*node.pattern);
      pattern = &program_.patterns.back();
    }
    Instruction& in = add(node.kernel, dst, operands[0], operands[1], mask);
    in.c = operands[2];
    in.site = site;
    in.immediate = node.immediate;
    in.object = pattern;
    for (const Register operand : operands) give_back(operand);
    return dst;
  }

  // The right side runs where the left one does not decide, if it could fail there.
  Register emit_conjunction(const Node& node, Register mask) {
    const bool is_and = node.form == NodeForm::And;
    const Register left = emit(*node.children[0], mask);
    Register inner = mask;
    if (node.children[1]->can_fail) {
      inner = take();
      add(is_and ? &unless_false_kernel : &unless_true_kernel, inner, left, mask);
    }
    const Register right = emit(*node.children[1], inner);
    const Register dst = take();
    add(is_and ? &and_kernel : &or_kernel, dst, left, right);
    give_back(left);
    give_back(right);
    if (inner != mask) give_back(inner);
    return dst;
  }

  Register emit_case(const Node& node, Register mask) {
    const Register dst = take();
    add(clear_kernel(node.kind), dst);
    const Node* operand_node = node.children.front();
    const Register operand = operand_node == nullptr ? kNoRegister : emit(*operand_node, mask);
    const Register remaining = take();
    add(&start_mask_kernel, remaining, kNoRegister, mask);
    std::vector<std::size_t> to_end;
    const std::size_t last = node.children.size() - 1;
    for (std::size_t i = 1; i + 1 < node.children.size(); i += 2) {
      if (i > 1) to_end.push_back(jump_if_idle(remaining));
      Register condition = emit(*node.children[i], remaining);
      if (operand != kNoRegister) {
        const Register equal = take();
        add(comparison_kernel(Relation::Equal, node.operand_kind), equal, operand, condition);
        give_back(condition);
        condition = equal;
      }
      const Register taken = take();
      add(&split_mask_kernel, taken, condition, remaining);
      give_back(condition);
      emit_branch(*node.children[i + 1], dst, taken);
      give_back(taken);
    }
    if (const Node* otherwise = node.children[last]; otherwise != nullptr)
      emit_branch(*otherwise, dst, remaining);
    for (const std::size_t jump : to_end) aim(jump);
    give_back(remaining);
    give_back(operand);
    return dst;
  }
  void emit_branch(const Node& node, Register dst, Register mask) {
    const std::size_t over = jump_if_idle(mask);
    const Register value = emit(node, mask);
    add(blend_kernel(node.kind), dst, value, kNoRegister, mask);
    give_back(value);
    aim(over);
  }

  Register emit_coalesce(const Node& node, Register mask) {
    const Register dst = take();
    add(clear_kernel(node.kind), dst);
    const Register remaining = take();
    add(&start_mask_kernel, remaining, kNoRegister, mask);
    std::vector<std::size_t> to_end;
    for (const Node* child : node.children) {
      if (child != node.children.front()) to_end.push_back(jump_if_idle(remaining));
      const Register value = emit(*child, remaining);
      add(blend_present_kernel(node.kind), dst, value, remaining);
      give_back(value);
    }
    for (const std::size_t jump : to_end) aim(jump);
    give_back(remaining);
    return dst;
  }

  static bool is_constant_set(const Node& node) {
    return node.form == NodeForm::In && set_kernel(node.operand_kind) != nullptr &&
           std::all_of(node.children.begin() + 1, node.children.end(),
                       [](const Node* child) { return child->form == NodeForm::Constant; });
  }

  const ConstantSet* add_set(const Node& node) {
    ConstantSet& set = program_.sets.emplace_back();
    for (std::size_t i = 1; i < node.children.size(); ++i) {
      const Value& value = node.children[i]->value;
      if (value.missing)
        set.has_null = true;
      else if (value.kind == Kind::Text)
        set.texts.push_back(value.text);
      else if (value.kind == Kind::Double)
        set.numbers.push_back(value.number);
      else
        set.integers.push_back(value.integer);
    }
    std::sort(set.texts.begin(), set.texts.end());
    std::sort(set.integers.begin(), set.integers.end());
    // NaN is the greatest number here, as everywhere in the language.
    std::sort(set.numbers.begin(), set.numbers.end(),
              [](double a, double b) { return a < b || (!(a != a) && b != b); });
    return &set;
  }

  Register emit_in(const Node& node, Register mask) {
    const Register value = emit(*node.children.front(), mask);
    if (is_constant_set(node)) {
      const Register dst = take();
      add(set_kernel(node.operand_kind), dst, value).object = add_set(node);
      give_back(value);
      return dst;
    }
    Register found = kNoRegister;
    for (std::size_t i = 1; i < node.children.size(); ++i) {
      const Register other = emit(*node.children[i], mask);
      const Register equal = take();
      add(comparison_kernel(Relation::Equal, node.operand_kind), equal, value, other);
      give_back(other);
      if (found == kNoRegister) {
        found = equal;
        continue;
      }
      const Register either = take();
      add(&or_kernel, either, found, equal);
      give_back(found);
      give_back(equal);
      found = either;
    }
    give_back(value);
    return found;
  }

  Register emit_between(const Node& node, Register mask) {
    const Register value = emit(*node.children[0], mask);
    const Register low = emit(*node.children[1], mask);
    const Register above = take();
    add(comparison_kernel(Relation::AtLeast, node.operand_kind), above, value, low);
    give_back(low);
    const Register high = emit(*node.children[2], mask);
    const Register below = take();
    add(comparison_kernel(Relation::AtMost, node.operand_kind), below, value, high);
    give_back(high);
    give_back(value);
    const Register dst = take();
    add(&and_kernel, dst, above, below);
    give_back(above);
    give_back(below);
    return dst;
  }

  Register emit_null_if(const Node& node, Register mask) {
    const Register value = emit(*node.children[0], mask);
    Register compared = value;
    if (node.kernel != nullptr) {
      compared = take();
      const std::uint32_t site = add_site(node, {node.children[0]->kind});
      add(node.kernel, compared, value, kNoRegister, mask).site = site;
    }
    const Register other = emit(*node.children[1], mask);
    const Register equal = take();
    add(comparison_kernel(Relation::Equal, node.operand_kind), equal, compared, other);
    const Register dst = take();
    add(null_if_kernel(node.kind), dst, value, equal);
    give_back(equal);
    give_back(other);
    if (compared != value) give_back(compared);
    give_back(value);
    return dst;
  }

  Program& program_;
  Register first_temporary_ = 0;
  std::vector<Register> free_;
};

}  // namespace

void emit_tree(const Node& root, Program& program) { Emitter(program).run(root); }

}  // namespace martlet::expr

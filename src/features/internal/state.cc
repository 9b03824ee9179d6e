#include "features/internal/state.h"

#include "base/text.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace martlet::features {
namespace {

using columns::Cell;
using columns::Type;

std::string type_text(Type type) { return std::string(columns::name_of(type)); }

columns::Schema scope_of(const std::vector<Slot>& slots) {
  std::vector<columns::Field> fields;
  for (const Slot& slot : slots) fields.push_back({slot.name, slot.type});
  return columns::Schema(std::move(fields));
}

class Assembler {
 public:
  explicit Assembler(State& state) : state_(state) {}

  Result<void> run() {
    for (const InputSpec& input : state_.spec.inputs)
      MARTLET_TRY(add_slot(input.field.name, input.slot_type));
    for (const Cleaner& step : state_.spec.cleaning) {
      const auto slot = state_.find_slot(step.column);
      if (!slot || state_.slots[*slot].type != step.type)
        return invalid_argument("cleaning column " + step.column +
                                ": there's no such column, or it's of another type");
      state_.cleaned.push_back(*slot);
    }
    if (state_.spec.needs_decided_at) MARTLET_TRY(add_decided_at());
    for (std::size_t i = 0; i < state_.spec.steps.size(); ++i) {
      const StepSpec& step = state_.spec.steps[i];
      MARTLET_TRY(step.lookup ? add_lookup(i) : add_derived(step));
    }
    return add_nodes();
  }

 private:
  Result<void> add_slot(const std::string& name, Type type) {
    if (state_.find_slot(name))
      return invalid_argument("two columns are called \"" + name + "\"; rename one");
    state_.slots.push_back({name, type});
    return {};
  }

  Result<ExpressionStep> compile(const std::string& text) {
    auto compiled =
        expr::Expression::compile(text, {scope_of(state_.slots), state_.spec.decided_at.zone});
    if (!compiled.has_value()) return fail(std::move(compiled).error());
    ExpressionStep step{std::move(compiled).value(), {}, state_.slots.size()};
    for (const std::string& name : step.expression.names_used()) {
      const auto slot = state_.find_slot(name);
      MARTLET_CHECK(slot.has_value(), "an expression used a name that its scope doesn't have");
      step.arguments.push_back(*slot);
    }
    return step;
  }

  Result<void> add_decided_at() {
    const DecidedAt& decided = state_.spec.decided_at;
    Type type = Type::Timestamp;
    if (decided.expression.empty()) {
      const auto slot = state_.find_slot(decided.time);
      if (!slot)
        return invalid_argument("look-ups need to know when a decision is made: set problem.time "
                                "or problem.decided_at");
      state_.time_slot = *slot;
      type = state_.slots[*slot].type;
    } else {
      auto step = compile(decided.expression);
      if (!step.has_value()) return fail(std::move(step).error().with_context("decided_at"));
      type = step->expression.type();
      state_.decide = std::move(step).value();
    }
    if (type != Type::Timestamp && type != Type::Date)
      return invalid_argument("decided_at is " + type_text(type) + "; it must be a timestamp");
    state_.decided_slot = state_.slots.size();
    // A column of the dataset keeps its name; the slot is then out of reach for expressions.
    const bool taken = state_.find_slot(kDecidedAt).has_value();
    return add_slot(taken ? "" : std::string(kDecidedAt), Type::Timestamp);
  }

  Result<void> add_derived(const StepSpec& spec) {
    auto step = compile(spec.expression);
    if (!step.has_value())
      return fail(std::move(step).error().with_context("derived column " + spec.name));
    MARTLET_TRY(add_slot(spec.name, step->expression.type()));
    state_.steps.emplace_back(std::move(step).value());
    return {};
  }

  Result<void> add_lookup(std::size_t index) {
    const StepSpec& spec = state_.spec.steps[index];
    if (!state_.decided_slot || spec.types.size() != spec.lookup->features.size())
      return invalid_argument("look-up " + spec.name + " is malformed");
    LookupStep step{index, {}, state_.slots.size()};
    for (const LookupKey& key : spec.lookup->keys) {
      const auto slot = state_.find_slot(key.row);
      if (!slot)
        return invalid_argument("look-up " + spec.name + ": no column \"" + key.row + "\"");
      step.keys.push_back(*slot);
    }
    for (std::size_t i = 0; i < spec.types.size(); ++i)
      MARTLET_TRY(add_slot(spec.name + "." + spec.lookup->features[i], spec.types[i]));
    state_.steps.emplace_back(std::move(step));
    return {};
  }

  Result<void> add_nodes() {
    std::set<std::string> names;
    for (const Node& node : state_.spec.nodes) {
      const auto slot = state_.find_slot(node.column);
      if (!slot || state_.slots[*slot].type != node.type)
        return invalid_argument("feature of column " + node.column +
                                ": there's no such column, or it's of another type");
      state_.node_slots.push_back(*slot);
      state_.node_offsets.push_back(state_.columns.size());
      for (MatrixColumn& column : node.matrix_columns()) {
        if (!names.insert(column.name).second)
          return invalid_argument("two features are called \"" + column.name +
                                  "\"; rename one of the columns behind them");
        state_.columns.push_back(std::move(column));
      }
    }
    return {};
  }

  State& state_;
};

}  // namespace

bool coerce(Cell& cell, Type to) {
  if (cell.missing) {
    cell = Cell::none(to);
    return true;
  }
  if (cell.type == to) return true;
  if (cell.type == Type::Int64 && to == Type::Double) {
    cell = Cell::of_double(static_cast<double>(cell.integer));
    return true;
  }
  if (cell.type == Type::Double && to == Type::Int64) {
    constexpr double kLimit = 9223372036854775808.0;  // 2^63
    if (std::isnan(cell.number)) {
      cell = Cell::none(to);
      return true;
    }
    if (cell.number != std::floor(cell.number) || cell.number < -kLimit || cell.number >= kLimit)
      return false;
    cell = Cell::of_int64(static_cast<std::int64_t>(cell.number));
    return true;
  }
  return false;
}

bool accepts(Type to, Type from) {
  return to == from || (to == Type::Double && from == Type::Int64);
}

std::optional<Timestamp> instant_of(const Cell& cell, const Zone& zone) {
  if (cell.missing) return std::nullopt;
  if (cell.type == Type::Timestamp) return Timestamp{cell.integer};
  constexpr std::int64_t kLimit = std::numeric_limits<std::int64_t>::max() / kMicrosPerDay - 1;
  return zone.instant_of_local_micros(std::clamp(cell.integer, -kLimit, kLimit) * kMicrosPerDay);
}

Result<std::shared_ptr<const State>> State::assemble(ProgramSpec spec) {
  auto state = std::make_shared<State>();
  state->zone = spec.decided_at.zone;
  state->spec = std::move(spec);
  MARTLET_TRY(Assembler(*state).run());
  state->digest = digest_of(state->spec.to_json());
  return std::shared_ptr<const State>(std::move(state));
}

std::optional<std::size_t> State::find_slot(std::string_view name) const {
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].name == name && !name.empty()) return i;
  }
  return std::nullopt;
}

Result<std::vector<BoundLookup>> State::bind(const Lookups& lookups) const {
  std::vector<BoundLookup> bound;
  std::vector<Finding> findings;
  for (const Step& step : steps) {
    const auto* lookup = std::get_if<LookupStep>(&step);
    if (lookup == nullptr) continue;
    const StepSpec& wanted = spec.steps[lookup->spec];
    const auto found = lookups.find(wanted.name);
    if (found == lookups.end() || found->second == nullptr)
      return not_found("no table for the look-up " + wanted.name + " (dataset " +
                       wanted.lookup->dataset + "); load it before rows are transformed");
    const LookupTable& table = *found->second;
    BoundLookup item{found->second, {}};
    const auto wrong = [&](const std::string& what) {
      findings.push_back({wanted.name, "wrong_type", what, "", 0, 0});
    };
    const auto types = table.key_types();
    if (types.size() != lookup->keys.size())
      wrong("its table has another number of key columns than the program");
    for (std::size_t i = 0; i < std::min(types.size(), lookup->keys.size()); ++i) {
      const Type row_type = slots[lookup->keys[i]].type;
      if (!accepts(types[i], row_type) && !accepts(row_type, types[i]))
        wrong("key " + wanted.lookup->keys[i].row + " is " + type_text(row_type) +
              " in the row and " + type_text(types[i]) + " in dataset " + wanted.lookup->dataset +
              "; cast one of them");
    }
    for (std::size_t i = 0; i < wanted.types.size(); ++i) {
      const auto& names = table.config().features;
      const auto place = std::find(names.begin(), names.end(), wanted.lookup->features[i]);
      const auto index = static_cast<std::size_t>(place - names.begin());
      if (place == names.end()) {
        wrong("its table lacks the column " + wanted.lookup->features[i]);
      } else if (!accepts(wanted.types[i], table.feature_type(index)) &&
                 table.feature(index).missing_count() != table.rows()) {
        wrong(wanted.lookup->features[i] + " is " + type_text(table.feature_type(index)) +
              ", but the program was fitted with " + type_text(wanted.types[i]));
      }
      item.features.push_back(index);
    }
    bound.push_back(std::move(item));
  }
  if (!findings.empty()) return invalid("look-ups", std::move(findings));
  return bound;
}

}  // namespace martlet::features

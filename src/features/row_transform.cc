#include "features/row_transform.h"

#include "features/internal/state.h"

namespace martlet::features {

using columns::Cell;
using columns::Type;

struct RowTransform::Working {
  FeatureProgram program;
  std::shared_ptr<const State> state;
  std::vector<BoundLookup> lookups;
  std::vector<Cell> slots;
  std::vector<std::string> cleaned;  // one text a cleaning step
  std::vector<expr::Scratch>
      scratches;  // one a derived column: a text result lives as long as the row
  expr::Scratch decide_scratch;
  std::vector<Cell> arguments;
  std::vector<LookupHit> hits;
  std::optional<Timestamp> decided_at;

  Result<void> load(std::span<const Cell> row);
  Result<void> decide(std::optional<Timestamp> given);
  Result<void> derive(const ExpressionStep& step, expr::Scratch& scratch, Cell& into);
  void look_up(const LookupStep& step, std::size_t index);
};

Result<void> RowTransform::Working::load(std::span<const Cell> row) {
  const auto& inputs = state->spec.inputs;
  if (row.size() != inputs.size())
    return invalid_argument("a row of " + std::to_string(inputs.size()) +
                            " cells is needed, in the order of the program's inputs; it has " +
                            std::to_string(row.size()));
  std::vector<Finding> findings;  // allocates only when something is wrong
  for (std::size_t i = 0; i < row.size(); ++i) {
    slots[i] = row[i];
    if (!coerce(slots[i], inputs[i].field.type) || !coerce(slots[i], inputs[i].slot_type))
      findings.push_back({inputs[i].field.name, "wrong_type",
                          "the value is " + std::string(columns::name_of(row[i].type)) +
                              "; the model was trained on " +
                              std::string(columns::name_of(inputs[i].field.type)),
                          "", 0, 0});
  }
  if (!findings.empty()) return invalid("a row to transform", std::move(findings));
  for (std::size_t i = 0; i < state->cleaned.size(); ++i) {
    Cell& cell = slots[state->cleaned[i]];
    cell = state->spec.cleaning[i].apply(cell, cleaned[i]);
  }
  return {};
}

Result<void> RowTransform::Working::derive(const ExpressionStep& step, expr::Scratch& scratch,
                                           Cell& into) {
  arguments.clear();
  for (const std::size_t slot : step.arguments) arguments.push_back(slots[slot]);
  MARTLET_TRY_SET(into, step.expression.evaluate_row(arguments, scratch));
  return {};
}

Result<void> RowTransform::Working::decide(std::optional<Timestamp> given) {
  decided_at = given;
  if (!given) {
    Cell cell = Cell::none(Type::Timestamp);
    if (state->decide) {
      if (auto done = derive(*state->decide, decide_scratch, cell); !done.has_value())
        return fail(std::move(done).error().with_context("decided_at"));
    } else {
      cell = slots[state->time_slot];
    }
    decided_at = instant_of(cell, state->zone);
  }
  slots[*state->decided_slot] =
      decided_at ? Cell::of_timestamp(*decided_at) : Cell::none(Type::Timestamp);
  return {};
}

void RowTransform::Working::look_up(const LookupStep& step, std::size_t index) {
  const BoundLookup& bound = lookups[index];
  const std::vector<Type>& types = state->spec.steps[step.spec].types;
  std::optional<std::uint32_t> found;
  if (decided_at) {
    arguments.clear();
    for (const std::size_t slot : step.keys) arguments.push_back(slots[slot]);
    found = bound.table->find(arguments, *decided_at);
  }
  LookupHit& hit = hits[index];
  hit.found = found.has_value();
  hit.at = found ? bound.table->at(*found) : Timestamp{};
  hit.known_at = found ? bound.table->known_at(*found) : Timestamp{};
  for (std::size_t i = 0; i < types.size(); ++i) {
    Cell cell = found ? bound.table->feature(bound.features[i]).cell(*found) : Cell::none(types[i]);
    coerce(cell, types[i]);
    slots[step.first_slot + i] = cell;
  }
}

RowTransform::RowTransform(std::unique_ptr<Working> working) : working_(std::move(working)) {}
RowTransform::~RowTransform() = default;
RowTransform::RowTransform(RowTransform&&) noexcept = default;
RowTransform& RowTransform::operator=(RowTransform&&) noexcept = default;

Result<RowTransform> RowTransform::create(const FeatureProgram& program, const Lookups& lookups) {
  MARTLET_TRY_SET(std::vector<BoundLookup> bound, program.state_->bind(lookups));
  auto working = std::make_unique<Working>(
      Working{program, program.state_, std::move(bound), {}, {}, {}, {}, {}, {}, std::nullopt});
  const State& state = *working->state;
  working->slots.resize(state.slots.size());
  working->cleaned.resize(state.cleaned.size());
  working->scratches.resize(state.steps.size());
  for (const Step& step : state.steps) {
    if (const auto* lookup = std::get_if<LookupStep>(&step))
      working->hits.push_back({state.spec.steps[lookup->spec].name,
                               working->lookups[working->hits.size()].table->version(),
                               false,
                               {},
                               {}});
  }
  return RowTransform(std::move(working));
}

Result<void> RowTransform::apply(std::span<const Cell> row, std::span<double> out,
                                 std::optional<Timestamp> decided_at) {
  Working& work = *working_;
  const State& state = *work.state;
  if (out.size() != state.columns.size())
    return invalid_argument("room for " + std::to_string(state.columns.size()) +
                            " numbers is needed, not for " + std::to_string(out.size()));
  MARTLET_TRY(work.load(row));
  if (state.decided_slot) MARTLET_TRY(work.decide(decided_at));
  std::size_t next_lookup = 0;
  for (std::size_t i = 0; i < state.steps.size(); ++i) {
    if (const auto* lookup = std::get_if<LookupStep>(&state.steps[i])) {
      work.look_up(*lookup, next_lookup++);
      continue;
    }
    const auto& step = std::get<ExpressionStep>(state.steps[i]);
    auto done = work.derive(step, work.scratches[i], work.slots[step.slot]);
    if (!done.has_value())
      return fail(
          std::move(done).error().with_context("derived column " + state.slots[step.slot].name));
  }
  for (std::size_t i = 0; i < state.node_slots.size(); ++i)
    state.spec.nodes[i].write(work.slots[state.node_slots[i]], state.zone,
                              out.data() + state.node_offsets[i]);
  return {};
}

std::span<const LookupHit> RowTransform::hits() const { return working_->hits; }
std::optional<Timestamp> RowTransform::decided_at() const {
  return working_->state->decided_slot ? working_->decided_at : std::nullopt;
}

}  // namespace martlet::features

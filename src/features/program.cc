#include "features/program.h"

#include "features/internal/state.h"

namespace martlet::features {

Result<columns::Column> decided_at_of(const DecidedAt& decided_at, const columns::Batch& rows) {
  ProgramSpec spec;
  spec.decided_at = decided_at;
  spec.needs_decided_at = true;
  for (const columns::Field& field : rows.schema().fields())
    spec.inputs.push_back({{field.name, field.type, true}, field.type});
  MARTLET_TRY_SET(const auto state, State::assemble(std::move(spec)));
  MARTLET_TRY_SET(std::vector<columns::Column> values, state->run(rows, {}, nullptr));
  return values[*state->decided_slot];
}

Result<Matrix> FeatureProgram::apply(const columns::Batch& rows, const Lookups& lookups,
                                     const ApplyOptions& options) const {
  MARTLET_TRY_SET(const std::vector<BoundLookup> bound, state_->bind(lookups));
  MARTLET_TRY_SET(const std::vector<columns::Column> values,
                  state_->run(rows, bound, options.decided_at));
  Matrix matrix{state_->columns, rows.rows(), {}};
  matrix.values.resize(matrix.rows * matrix.width());
  for (std::size_t i = 0; i < state_->node_slots.size(); ++i)
    write_node(state_->spec.nodes[i], values[state_->node_slots[i]], state_->zone,
               state_->node_offsets[i], matrix);
  return matrix;
}

const std::vector<MatrixColumn>& FeatureProgram::columns() const { return state_->columns; }
Family FeatureProgram::family() const { return state_->spec.family; }
Task FeatureProgram::task() const { return state_->spec.task; }
const Zone& FeatureProgram::zone() const { return state_->zone; }
const Digest& FeatureProgram::digest() const { return state_->digest; }
Json FeatureProgram::to_json() const { return state_->spec.to_json(); }

std::vector<InputField> FeatureProgram::inputs() const {
  std::vector<InputField> fields;
  for (const InputSpec& input : state_->spec.inputs) fields.push_back(input.field);
  return fields;
}

columns::Schema FeatureProgram::input_schema() const {
  std::vector<columns::Field> fields;
  for (const InputSpec& input : state_->spec.inputs)
    fields.push_back({input.field.name, input.field.type});
  return columns::Schema(std::move(fields));
}

std::vector<std::string> FeatureProgram::feature_names() const {
  std::vector<std::string> names;
  for (const MatrixColumn& column : state_->columns) names.push_back(column.name);
  return names;
}

std::vector<FeatureOrigin> FeatureProgram::describe() const {
  std::vector<FeatureOrigin> list;
  for (const Node& node : state_->spec.nodes) {
    auto origins = node.origins();
    for (std::size_t i = 0; i < origins.size(); ++i)
      list.push_back({state_->columns[list.size()].name, node.column, std::move(origins[i])});
  }
  return list;
}

std::vector<LookupConfig> FeatureProgram::lookups() const {
  std::vector<LookupConfig> list;
  for (const StepSpec& step : state_->spec.steps) {
    if (step.lookup) list.push_back(*step.lookup);
  }
  return list;
}

Result<FeatureProgram> FeatureProgram::from_json(const Json& json) {
  auto spec = ProgramSpec::from_json(json);
  if (!spec.has_value())
    return fail(Error(ErrorCode::Corrupt, spec.error().message())
                    .with_context("reading a feature program"));
  auto state = State::assemble(std::move(spec).value());
  if (!state.has_value())
    return fail(Error(ErrorCode::Corrupt, state.error().message())
                    .with_context("reading a feature program"));
  return FeatureProgram(std::move(state).value());
}

}  // namespace martlet::features

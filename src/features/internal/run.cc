// The column path: a batch becomes slots, slots become the matrix. Every value goes through the
// same kernels as a single row's.
#include "base/text.h"
#include "features/internal/state.h"

#include <algorithm>

namespace martlet::features {
namespace {

using columns::Batch;
using columns::Cell;
using columns::Column;
using columns::ColumnBuilder;
using columns::Type;

std::optional<Column> coerced(const Column& values, Type to) {
  if (values.type() == to) return values;
  ColumnBuilder builder(to);
  builder.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    Cell cell = values.cell(i);
    if (!coerce(cell, to)) return std::nullopt;
    builder.push(cell);
  }
  return builder.finish();
}

Result<std::vector<Column>> load(const State& state, const Batch& rows) {
  std::vector<Column> loaded;
  std::vector<Finding> findings;
  const auto names = rows.schema().names();
  for (const InputSpec& input : state.spec.inputs) {
    const Column* found = rows.find(input.field.name);
    if (found == nullptr) {
      if (input.field.required)
        findings.push_back(
            {input.field.name, "missing_column",
             "the column isn't there; the model needs it" + did_you_mean(input.field.name, names),
             "", 0, 0});
      loaded.push_back(Column::missing(input.slot_type, rows.rows()));
      continue;
    }
    auto raw = coerced(*found, input.field.type);
    if (!raw) {
      findings.push_back({input.field.name, "wrong_type",
                          "the column is " + std::string(columns::name_of(found->type())) +
                              "; the model was trained on " +
                              std::string(columns::name_of(input.field.type)),
                          "", 0, 0});
      loaded.push_back(Column::missing(input.slot_type, rows.rows()));
      continue;
    }
    loaded.push_back(*coerced(*raw, input.slot_type));
  }
  if (!findings.empty()) return invalid("rows to transform", std::move(findings));
  return loaded;
}

Result<Column> evaluate(const ExpressionStep& step, const std::vector<Slot>& slots,
                        const std::vector<Column>& values, std::size_t rows) {
  std::vector<columns::Field> fields;
  std::vector<Column> arguments;
  for (const std::size_t slot : step.arguments) {
    fields.push_back({slots[slot].name, slots[slot].type});
    arguments.push_back(values[slot]);
  }
  if (arguments.empty()) {  // a constant needs a batch that knows how many rows it has
    fields.push_back({"rows", Type::Bool});
    arguments.push_back(Column::missing(Type::Bool, rows));
  }
  return step.expression.evaluate(Batch(columns::Schema(std::move(fields)), std::move(arguments)));
}

Column instants(const Column& times, const Zone& zone) {
  if (times.type() == Type::Timestamp) return times;
  ColumnBuilder builder(Type::Timestamp);
  builder.reserve(times.size());
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto instant = instant_of(times.cell(i), zone);
    builder.push(instant ? Cell::of_timestamp(*instant) : Cell::none(Type::Timestamp));
  }
  return builder.finish();
}

Result<Column> decisions(const State& state, const std::vector<Column>& values, std::size_t rows,
                         const Column* given) {
  if (given != nullptr) {
    if (given->type() != Type::Timestamp || given->size() != rows)
      return invalid_argument("decided_at must be one timestamp a row");
    return *given;
  }
  if (!state.decide) return instants(values[state.time_slot], state.zone);
  auto column = evaluate(*state.decide, state.slots, values, rows);
  if (!column.has_value()) return fail(std::move(column).error().with_context("decided_at"));
  return instants(*column, state.zone);
}

void look_up(const State& state, const LookupStep& step, const BoundLookup& bound,
             std::vector<Column>& values, std::size_t rows) {
  const std::vector<Type>& types = state.spec.steps[step.spec].types;
  std::vector<ColumnBuilder> builders;
  for (const Type type : types) {
    builders.emplace_back(type);
    builders.back().reserve(rows);
  }
  const Column& decided = values[*state.decided_slot];
  std::vector<Cell> key(step.keys.size());
  for (std::size_t row = 0; row < rows; ++row) {
    std::optional<std::uint32_t> found;
    if (!decided.is_missing(row)) {
      for (std::size_t i = 0; i < key.size(); ++i) key[i] = values[step.keys[i]].cell(row);
      found = bound.table->find(key, {decided.int64s()[row]});
    }
    for (std::size_t i = 0; i < builders.size(); ++i) {
      Cell cell =
          found ? bound.table->feature(bound.features[i]).cell(*found) : Cell::none(types[i]);
      coerce(cell, types[i]);
      builders[i].push(cell);
    }
  }
  for (ColumnBuilder& builder : builders) values.push_back(builder.finish());
}

}  // namespace

Result<std::vector<Column>> State::run(const Batch& rows, const std::vector<BoundLookup>& lookups,
                                       const Column* decided_at) const {
  MARTLET_TRY_SET(std::vector<Column> values, load(*this, rows));
  for (std::size_t i = 0; i < cleaned.size(); ++i)
    values[cleaned[i]] = spec.cleaning[i].apply(values[cleaned[i]]);
  if (decided_slot) {
    MARTLET_TRY_SET(Column decided, decisions(*this, values, rows.rows(), decided_at));
    values.push_back(std::move(decided));
  }
  std::size_t next_lookup = 0;
  for (const Step& step : steps) {
    if (const auto* lookup = std::get_if<LookupStep>(&step)) {
      look_up(*this, *lookup, lookups[next_lookup++], values, rows.rows());
      continue;
    }
    const auto& derive = std::get<ExpressionStep>(step);
    auto column = evaluate(derive, slots, values, rows.rows());
    if (!column.has_value())
      return fail(
          std::move(column).error().with_context("derived column " + slots[derive.slot].name));
    values.push_back(std::move(column).value());
  }
  return values;
}

void write_node(const Node& node, const Column& values, const Zone& zone, std::size_t offset,
                Matrix& matrix) {
  node.write_all(values, zone, matrix.values.data() + offset, matrix.width());
}

}  // namespace martlet::features

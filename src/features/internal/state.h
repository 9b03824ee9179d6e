// The insides of a feature program: what is stored (ProgramSpec), and the same made ready to run
// (State). Internal to features.
#pragma once
#include "columns/batch.h"
#include "expr/expression.h"
#include "features/internal/cleaner.h"
#include "features/internal/node.h"
#include "features/program.h"

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace martlet::features {

// The name by which derived columns may read when the decision is made, unless the dataset has a
// column of that name.
inline constexpr std::string_view kDecidedAt = "decided_at";

struct InputSpec {
  InputField field;
  columns::Type slot_type =
      columns::Type::Double;  // a cleaned whole number may have become a number
};

// A derived column, or a look-up with its features' columns; in the order of evaluation.
struct StepSpec {
  std::string name;
  std::string expression;              // of a derived column
  std::optional<LookupConfig> lookup;  // of a look-up
  std::vector<columns::Type> types;    // of the features that it adds
};

struct ProgramSpec {
  Family family = Family::Tree;
  Task task = Task::Binary;
  DecidedAt decided_at;
  bool needs_decided_at = false;
  std::vector<InputSpec> inputs;
  std::vector<Cleaner> cleaning;
  std::vector<StepSpec> steps;
  std::vector<Node> nodes;

  Json to_json() const;
  static Result<ProgramSpec> from_json(const Json& json);
};

struct Slot {
  std::string name;
  columns::Type type = columns::Type::Double;
};

struct ExpressionStep {
  expr::Expression expression;
  std::vector<std::size_t> arguments;  // slots, in the order of names_used()
  std::size_t slot = 0;
};

struct LookupStep {
  std::size_t spec = 0;  // place in ProgramSpec::steps
  std::vector<std::size_t> keys;
  std::size_t first_slot = 0;
};

using Step = std::variant<ExpressionStep, LookupStep>;

// A table, checked against what the program was fitted with.
struct BoundLookup {
  std::shared_ptr<const LookupTable> table;
  std::vector<std::size_t> features;  // places in the table, in the order of the step's features
};

// Makes `cell` one of type `to`; false if that isn't possible without loss. A missing cell is one
// of any type.
bool coerce(columns::Cell& cell, columns::Type to);
// Whether a lookup's key or feature of type `from` serves where `to` is expected.
bool accepts(columns::Type to, columns::Type from);
// The instant that a timestamp, or a date's midnight in `zone`, names; none for a missing cell.
std::optional<Timestamp> instant_of(const columns::Cell& cell, const Zone& zone);

struct State {
  ProgramSpec spec;
  Zone zone = Zone::utc();
  std::vector<Slot> slots;           // inputs first
  std::vector<std::size_t> cleaned;  // slot of each cleaning step
  std::optional<std::size_t> decided_slot;
  std::optional<ExpressionStep> decide;  // none: from time_slot
  std::size_t time_slot = 0;
  std::vector<Step> steps;
  std::vector<std::size_t> node_slots;
  std::vector<std::size_t> node_offsets;  // first matrix column of each node
  std::vector<MatrixColumn> columns;
  Digest digest;

  // Compiles and checks. InvalidArgument with what doesn't fit.
  static Result<std::shared_ptr<const State>> assemble(ProgramSpec spec);

  std::optional<std::size_t> find_slot(std::string_view name) const;
  // One per look-up step, in order. NotFound, InvalidArgument.
  Result<std::vector<BoundLookup>> bind(const Lookups& lookups) const;
  // All slots as columns.
  Result<std::vector<columns::Column>> run(const columns::Batch& rows,
                                           const std::vector<BoundLookup>& lookups,
                                           const columns::Column* decided_at) const;
};

// Writes one node's columns of `matrix` for all rows.
void write_node(const Node& node, const columns::Column& values, const Zone& zone,
                std::size_t offset, Matrix& matrix);

}  // namespace martlet::features

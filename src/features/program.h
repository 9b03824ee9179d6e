// features/program.h: the fitted, versioned transform from a raw row to a model's inputs (DESIGN §0
// point 2: one transform).
//
// Fitted once on training rows, immutable and cheap to copy (the insides are shared), safe to use
// from any thread. The same program serves training, evaluation, batch scoring (apply), and single
// rows (RowTransform), bit for bit the same. Callers: lifecycle (fit), models (packages hold its
// JSON), deployment. Never here: reading data, splitting it, training models.
#pragma once
#include "base/digest.h"
#include "base/json.h"
#include "base/zone.h"
#include "columns/batch.h"
#include "features/cleaning.h"
#include "features/config.h"
#include "features/lookup_table.h"
#include "features/matrix.h"
#include "features/task.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace martlet::features {

struct Fitted;
struct State;

// When a decision is made: an expression over the row, or the event time itself.
struct DecidedAt {
  std::string expression;  // problem.decided_at; "" means: time
  std::string time;        // problem.time; "" if the problem has none
  Zone zone = Zone::utc();
};
// One timestamp a row. InvalidArgument if the expression doesn't compile against the rows' columns
// or gives no time, or if both parts are empty.
Result<columns::Column> decided_at_of(const DecidedAt& decided_at, const columns::Batch& rows);

struct FitRequest {
  FeatureConfig config;
  columns::Batch rows;                       // rows of the dataset, all columns
  std::vector<std::uint32_t> training_rows;  // what may be learnt from; the order is kept
  std::vector<double> target;                // one per row of `rows`; NaN is unknown
  Task task = Task::Binary;
  Family family = Family::Tree;
  DecidedAt decided_at;
  std::vector<std::string>
      hidden;  // columns that nothing may read, expressions neither: the target
  std::vector<std::string> not_features;  // columns that may be read but are no features: the key
  std::vector<CleaningStep> cleaning;
  Lookups lookups;
  std::uint64_t seed = 0;
};

// A raw column that the program reads.
struct InputField {
  std::string name;
  columns::Type type = columns::Type::Double;
  bool required =
      true;  // no training row lacked it, so a request must name it (its value may still be null)
  bool operator==(const InputField&) const = default;
};

struct FeatureOrigin {
  std::string name;    // of the matrix column
  std::string column;  // the raw, derived or looked-up column behind it
  std::string origin;  // for people
};

struct ApplyOptions {
  // When the decision is made, one timestamp a row, in place of the program's own expression. Must
  // outlive the call.
  const columns::Column* decided_at = nullptr;
};

class FeatureProgram {
 public:
  // Learns from the training rows only, and gives the training rows' matrix with it (which differs
  // from apply()'s in one thing: target encodings in it are out of fold). Deterministic in the
  // request. InvalidArgument lists everything wrong with configuration, schema, expressions and
  // look-ups.
  static Result<Fitted> fit(const FitRequest& request);

  // rows × columns().size(). Columns are found by name, others are ignored; rows are independent of
  // each other, so callers may split them among threads. InvalidArgument lists every missing column
  // and wrong type; NotFound names a look-up without a table.
  Result<Matrix> apply(const columns::Batch& rows, const Lookups& lookups,
                       const ApplyOptions& options = {}) const;

  // What a request must hold, in the order in which RowTransform takes cells.
  std::vector<InputField> inputs() const;
  columns::Schema input_schema() const;
  // What the model sees.
  const std::vector<MatrixColumn>& columns() const;
  std::vector<std::string> feature_names() const;
  std::vector<FeatureOrigin> describe() const;
  // The tables that apply() and RowTransform need.
  std::vector<LookupConfig> lookups() const;
  Family family() const;
  Task task() const;
  const Zone& zone() const;

  Json to_json() const;
  // Corrupt if it isn't a program, or not of a format version that this build reads.
  static Result<FeatureProgram> from_json(const Json& json);
  // Of the canonical form of to_json().
  const Digest& digest() const;

 private:
  friend class RowTransform;
  explicit FeatureProgram(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

struct LeftOut {
  std::string column;
  std::string why;
};

struct Fitted {
  FeatureProgram program;
  Matrix training;                // in the order of training_rows
  std::vector<LeftOut> left_out;  // columns that became no feature although nobody said so
};

}  // namespace martlet::features

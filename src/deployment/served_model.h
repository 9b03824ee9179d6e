// deployment/served_model.h: one model version, ready to answer: an opened package, the tables it
// looks things up in, and its name.
//
// Immutable and thread-safe; shared as std::shared_ptr<const ServedModel> between the slot that it
// is live in and the requests that it still answers. Made by lifecycle (serve, simulate); called by
// InferenceService. Never here: fetching packages, deciding what is live.
#pragma once
#include "base/result.h"
#include "base/zone.h"
#include "columns/batch.h"
#include "features/lookup_table.h"
#include "features/program.h"
#include "models/package.h"
#include "registry/names.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace martlet::deployment {

class PredictionSink;
class ScorerPool;

// One entry per row. `predicted` is the decision (0 or 1) of a binary model, else the score itself.
struct Answers {
  std::vector<double> scores;
  std::vector<double> predicted;
};

struct RowAnswer {
  double score = 0;
  double predicted = 0;
};

struct ServedModelParts {
  std::shared_ptr<const models::Package> package;
  features::Lookups lookups;  // the current tables, one for each that the program needs
  registry::ModelName name;
  registry::Version version;
  // The columns that say whom a prediction is about (problem.key), with their types. A request may
  // give them; they join the truth to it later.
  columns::Schema key;
  Zone zone = Zone::utc();  // of bare times in requests
  // Told of what this version answers, in place of the service's own sink; null: that one is.
  std::shared_ptr<PredictionSink> sink = nullptr;
};

class ServedModel {
  struct Private {
    explicit Private() = default;
  };

 public:
  // Recomputes the golden predictions first: Corrupt when one differs, for then this machine isn't
  // the one that the package was tested for. NotFound for a look-up without a table;
  // InvalidArgument when the parts don't fit together.
  static Result<std::shared_ptr<const ServedModel>> create(ServedModelParts parts);

  ServedModel(Private, ServedModelParts parts,
              std::shared_ptr<const models::RawPredictor> predictor);
  ~ServedModel();
  ServedModel(const ServedModel&) = delete;
  ServedModel& operator=(const ServedModel&) = delete;

  // Columns are found by name, others are ignored. A single row takes the row path, more take the
  // batch path: bit for bit the same. InvalidArgument lists every missing column and wrong type.
  Result<Answers> predict(const columns::Batch& rows,
                          const features::ApplyOptions& options = {}) const;
  // One cell per inputs(), in that order. Doesn't allocate in the steady state.
  Result<RowAnswer> predict_row(std::span<const columns::Cell> row,
                                std::optional<Timestamp> decided_at = std::nullopt) const;

  const registry::ModelName& name() const { return parts_.name; }
  registry::Version version() const { return parts_.version; }
  const models::Package& package() const { return *parts_.package; }
  const std::vector<features::InputField>& inputs() const { return predictor_->inputs(); }
  const columns::Schema& key() const { return parts_.key; }
  const Zone& zone() const { return parts_.zone; }
  PredictionSink* sink() const { return parts_.sink.get(); }
  bool binary() const { return binary_; }
  // A score from here on is a yes (DESIGN §12.8); none of a model that isn't binary.
  std::optional<double> threshold() const { return threshold_; }

 private:
  class Loan;
  double decision(double score) const;

  ServedModelParts parts_;
  std::shared_ptr<const models::RawPredictor> predictor_;
  bool binary_;
  std::optional<double> threshold_;
  std::unique_ptr<ScorerPool> scorers_;
};

}  // namespace martlet::deployment

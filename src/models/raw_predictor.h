// models/raw_predictor.h: from a raw row to a score: the feature program and the model behind it,
// as one thing.
//
// This is what evaluation, stress tests, batch scoring, serving and streaming hold. RawPredictor is
// immutable and thread-safe; a RowScorer has working memory and is for one thread. The batch path
// and the row path run the same program and the same engine, bit for bit alike.
#pragma once
#include "base/result.h"
#include "base/time.h"
#include "columns/batch.h"
#include "columns/cell.h"
#include "features/program.h"
#include "features/row_transform.h"
#include "models/predictor.h"

#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace martlet::models {

// DESIGN §12.8: predicted = score >= threshold.
inline bool decide(double score, double threshold) { return score >= threshold; }

class RowScorer {
 public:
  virtual ~RowScorer() = default;
  // One cell per inputs() of the RawPredictor, in that order, of that type or missing. Doesn't
  // allocate in the steady state. InvalidArgument lists every cell of a wrong type.
  virtual Result<double> score(std::span<const columns::Cell> row,
                               std::optional<Timestamp> decided_at = std::nullopt) = 0;
  // What the look-ups found for the last row.
  virtual std::span<const features::LookupHit> hits() const = 0;
  virtual std::optional<Timestamp> decided_at() const = 0;
};

class RawPredictor {
 public:
  virtual ~RawPredictor() = default;
  // What a row must hold, in the order in which a RowScorer takes its cells.
  virtual const std::vector<features::InputField>& inputs() const = 0;
  // Of a binary task; none for a regression.
  virtual std::optional<double> threshold() const = 0;
  // One score per row. Columns are found by name, others are ignored. Rows are independent: callers
  // may split them among threads. InvalidArgument lists every missing column and wrong type.
  virtual Result<std::vector<double>> scores(const columns::Batch& rows,
                                             const features::ApplyOptions& options = {}) const = 0;
  virtual Result<std::unique_ptr<RowScorer>> row_scorer() const = 0;
};

// The one implementation for packages and for models fresh from training. `lookups` must hold a
// table for each of the program's. InvalidArgument when the model doesn't take what the program
// gives; NotFound for a look-up without a table.
Result<std::shared_ptr<const RawPredictor>>
make_raw_predictor(const features::FeatureProgram& program, std::shared_ptr<const Predictor> model,
                   features::Lookups lookups, std::optional<double> threshold);

}  // namespace martlet::models

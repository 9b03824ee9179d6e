#include "models/raw_predictor.h"

namespace martlet::models {
namespace {

class ProgramRowScorer final : public RowScorer {
 public:
  ProgramRowScorer(features::RowTransform transform, std::shared_ptr<const Predictor> model)
      : transform_(std::move(transform)), model_(std::move(model)), features_(model_->width()) {}

  Result<double> score(std::span<const columns::Cell> row,
                       std::optional<Timestamp> decided_at) override {
    MARTLET_TRY(transform_.apply(row, features_, decided_at));
    return model_->score(features_.data());
  }
  std::span<const features::LookupHit> hits() const override { return transform_.hits(); }
  std::optional<Timestamp> decided_at() const override { return transform_.decided_at(); }

 private:
  features::RowTransform transform_;
  std::shared_ptr<const Predictor> model_;
  std::vector<double> features_;
};

class ProgramPredictor final : public RawPredictor {
 public:
  ProgramPredictor(const features::FeatureProgram& program, std::shared_ptr<const Predictor> model,
                   features::Lookups lookups, std::optional<double> threshold)
      : program_(program), model_(std::move(model)), lookups_(std::move(lookups)),
        threshold_(threshold), inputs_(program_.inputs()) {}

  const std::vector<features::InputField>& inputs() const override { return inputs_; }
  std::optional<double> threshold() const override { return threshold_; }
  Result<std::vector<double>> scores(const columns::Batch& rows,
                                     const features::ApplyOptions& options) const override {
    MARTLET_TRY_SET(const features::Matrix matrix, program_.apply(rows, lookups_, options));
    std::vector<double> out(matrix.rows);
    model_->scores(matrix.values, matrix.width(), out);
    return out;
  }
  Result<std::unique_ptr<RowScorer>> row_scorer() const override {
    MARTLET_TRY_SET(features::RowTransform transform,
                    features::RowTransform::create(program_, lookups_));
    return std::make_unique<ProgramRowScorer>(std::move(transform), model_);
  }

 private:
  features::FeatureProgram program_;
  std::shared_ptr<const Predictor> model_;
  features::Lookups lookups_;
  std::optional<double> threshold_;
  std::vector<features::InputField> inputs_;
};

}  // namespace

Result<std::shared_ptr<const RawPredictor>>
make_raw_predictor(const features::FeatureProgram& program, std::shared_ptr<const Predictor> model,
                   features::Lookups lookups, std::optional<double> threshold) {
  if (model->width() != program.columns().size()) {
    return invalid_argument(
        fmt::format("the model takes {} features, but the feature program gives {}", model->width(),
                    program.columns().size()));
  }
  // Tables that are missing or of another shape are found now and not by the first request.
  MARTLET_TRY_SET(const features::RowTransform probe,
                  features::RowTransform::create(program, lookups));
  static_cast<void>(probe);
  return std::make_shared<const ProgramPredictor>(program, std::move(model), std::move(lookups),
                                                  threshold);
}

}  // namespace martlet::models

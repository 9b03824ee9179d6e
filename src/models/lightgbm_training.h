// models/lightgbm_training.h: LightGBM, trained in a child process, so that its crash costs one
// attempt and not us.
//
// The parent never loads the library: it writes a specification into a fresh scratch directory,
// starts the child (training_child.h), hands its progress on, and reads the model back through our
// own parser. Same rows, parameters and seed give the same bytes, whatever the number of threads:
// LightGBM's deterministic mode, histograms built column by column, and early stopping by metrics
// that we sum ourselves.
#pragma once
#include "models/trainer.h"

#include <string_view>

namespace martlet::models {

class LightgbmTrainer final : public Trainer {
 public:
  explicit LightgbmTrainer(TrainingHost host) : host_(std::move(host)) {}
  std::string_view name() const override { return "lightgbm"; }
  features::Family family() const override { return features::Family::Tree; }
  bool supports(features::Task task) const override { return task != features::Task::Multiclass; }
  Result<TrainedModel> train(const TrainRequest& request) const override;

 private:
  TrainingHost host_;
};

}  // namespace martlet::models

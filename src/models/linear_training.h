// models/linear_training.h: logistic and ridge regression as Trainers. They fit in this process: it
// is our own code.
#pragma once
#include "models/linear_model.h"
#include "models/trainer.h"

#include <string_view>

namespace martlet::models {

class LinearTrainer final : public Trainer {
 public:
  explicit LinearTrainer(LinearKind kind) : kind_(kind) {}
  std::string_view name() const override {
    return kind_ == LinearKind::Logistic ? "logistic" : "ridge";
  }
  features::Family family() const override { return features::Family::Linear; }
  bool supports(features::Task task) const override {
    return task ==
           (kind_ == LinearKind::Logistic ? features::Task::Binary : features::Task::Regression);
  }
  Result<TrainedModel> train(const TrainRequest& request) const override;

 private:
  LinearKind kind_;
};

}  // namespace martlet::models

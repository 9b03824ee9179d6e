#include "models/linear_training.h"

namespace martlet::models {

Result<TrainedModel> LinearTrainer::train(const TrainRequest& request) const {
  MARTLET_TRY(check_request(*this, request));
  LinearFitOptions options;
  options.cancel = request.cancel;
  options.deadline = request.deadline;
  options.standardise = boolean_parameter(name(), request.parameters, "standardise");
  if (kind_ == LinearKind::Logistic) {
    options.c = number_parameter(name(), request.parameters, "c");
    options.max_iterations =
        static_cast<int>(integer_parameter(name(), request.parameters, "max_iterations"));
  } else {
    options.c = 1 / number_parameter(name(), request.parameters, "alpha");
  }
  MARTLET_TRY_SET(const auto fitted, fit_linear(kind_, *request.train.matrix, request.train.labels,
                                                request.train.weights, options));
  TrainedModel model;
  model.flavour = name();
  model.file_name = "model.json";
  model.bytes = fitted->to_bytes();
  model.info = Json::object();
  MARTLET_TRY_SET(model.predictor, load_predictor(model.flavour, model.bytes));
  return model;
}

}  // namespace martlet::models

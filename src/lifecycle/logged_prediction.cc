#include "lifecycle/logged_prediction.h"

namespace martlet::lifecycle {

columns::Schema schema_of(const std::vector<features::InputField>& inputs) {
  std::vector<columns::Field> fields;
  fields.reserve(inputs.size());
  for (const features::InputField& input : inputs) fields.push_back({input.name, input.type});
  return columns::Schema(std::move(fields));
}

monitoring::PredictionView logged(const deployment::PredictionEvent& event) {
  return {.id = event.id,
          .key = event.key,
          .at = event.at,
          .version = event.version.number,
          .score = event.score,
          .predicted = event.predicted,
          .latency_micros = event.latency_micros,
          .failed = event.failed,
          .row = event.row};
}

}  // namespace martlet::lifecycle

#include "lifecycle/logged_prediction.h"

#include <utility>

namespace martlet::lifecycle {

columns::Schema schema_of(const std::vector<features::InputField>& inputs) {
  std::vector<columns::Field> fields;
  fields.reserve(inputs.size());
  for (const features::InputField& input : inputs) fields.push_back({input.name, input.type});
  return columns::Schema(std::move(fields));
}

monitoring::Prediction logged(deployment::PredictionEvent event) {
  monitoring::Prediction entry;
  entry.id = event.id.text();
  entry.key = monitoring::key_text(event.key.cells());
  entry.at = event.at;
  entry.version = event.version.number;
  entry.score = event.score;
  entry.predicted = event.predicted;
  entry.latency_micros = event.latency_micros;
  entry.failed = event.failed;
  entry.row = std::move(event.row);
  return entry;
}

}  // namespace martlet::lifecycle

// lifecycle/logged_prediction.h: what deployment reports, as monitoring logs it. Pure functions;
// used by serve and by the loop.
#pragma once
#include "columns/schema.h"
#include "deployment/prediction_sink.h"
#include "features/program.h"
#include "monitoring/prediction_log.h"

#include <vector>

namespace martlet::lifecycle {

// The columns of the rows that a model is asked with: the schema of its prediction log.
columns::Schema schema_of(const std::vector<features::InputField>& inputs);

// Points to what the event points to.
monitoring::PredictionView logged(const deployment::PredictionEvent& event);

}  // namespace martlet::lifecycle

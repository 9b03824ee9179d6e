// server/inference_protocol.h: requests of the inference protocols, as batches of raw columns.
//
// Two dialects: Open Inference Protocol v2 over JSON (tensors by column) and MLflow's scoring
// protocol (dataframe_split, dataframe_records, instances, inputs, CSV). Both name raw columns;
// unknown, missing and ill-typed ones are all reported at once. Bodies are untrusted: work and
// memory grow with their size and the model's columns only, never with a product of what they
// claim. Pure functions.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "base/zone.h"
#include "columns/batch.h"
#include "features/program.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::deployment {
class ServedModel;
struct Answer;
}  // namespace martlet::deployment

namespace martlet::server {

inline constexpr std::size_t kMaxRowsPerRequest = 10'000;

// What a model takes.
struct RequestShape {
  std::vector<features::InputField> inputs;  // the columns of the decoded batch, in this order
  columns::Schema key;      // columns that identify a prediction; accepted and optional
  Zone zone = Zone::utc();  // of bare times
};
RequestShape shape_of(const deployment::ServedModel& model);

struct InferenceRequest {
  std::string id;                    // the client's; "" when it gave none
  columns::Batch rows;               // RequestShape::inputs
  columns::Batch keys;               // RequestShape::key; missing cells where not given
  std::vector<std::string> outputs;  // those asked for; empty: all
};

// InvalidArgument with every finding (the first 200 of them): columns that are unknown, missing,
// doubled or of another type, shapes that don't fit, too many rows.
Result<InferenceRequest> decode_v2(std::string_view body, const RequestShape& shape);
// "text/csv", with or without parameters, is read as CSV with a header line, all else as JSON.
Result<InferenceRequest> decode_mlflow(std::string_view body, std::string_view content_type,
                                       const RequestShape& shape);

// Whether the v2 protocol has a datatype of that name.
bool is_v2_type(std::string_view name);

}  // namespace martlet::server

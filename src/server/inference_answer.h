// server/inference_answer.h: answers in the words of the inference protocols.
//
// Written as text at once: an answer has a known shape, and a document in between would cost more
// than the prediction. Numbers read back as the same bits; those that aren't finite are null.
// Pure functions.
#pragma once
#include "base/json.h"
#include "server/inference_protocol.h"

#include <string>
#include <string_view>

namespace martlet::deployment {
struct RowReply;
}

namespace martlet::server {

// How a model's answers begin.
struct AnswerName {
  std::string model;  // as JSON, in quotes
  std::string version;
  bool binary = true;
};
AnswerName answer_name_of(const deployment::ServedModel& model);

// Outputs: predicted and prediction_id, and score of a binary model; those that the request asks
// for, or all. The id is the client's, else `request_id`.
std::string encode_v2(const deployment::Answer& answer, const InferenceRequest& request,
                      std::string_view request_id);
std::string encode_mlflow(const deployment::Answer& answer);

// The same for one row, all outputs. `id` needs no escapes.
std::string encode_row_v2(const deployment::RowReply& reply, const AnswerName& name,
                          std::string_view id);
std::string encode_row_mlflow(const deployment::RowReply& reply, const AnswerName& name);

// The model's description in the v2 protocol: name, versions, platform, inputs, outputs.
Json metadata_v2(const std::string& model, const std::string& version, const RequestShape& shape,
                 bool binary);

}  // namespace martlet::server

#include "server/inference_answer.h"

#include "deployment/inference_service.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace martlet::server {

namespace {

using columns::Type;

constexpr std::size_t kRoomForARow = 512;

// Shortest digits that read back as the same double, and always those of a fraction: 1 is 1.0.
void put_number(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  std::array<char, 32> digits{};
  const auto done = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  const std::string_view text(digits.data(), static_cast<std::size_t>(done.ptr - digits.data()));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void put_decision(std::string& out, double decision) { out += decision != 0 ? "true" : "false"; }

// An id of ours, or one that was found to need no escapes.
void put_id(std::string& out, std::string_view id) {
  out += '"';
  out += id;
  out += '"';
}

// `put(i)` appends the i-th value.
template <class Put>
void put_tensor(std::string& out, std::string_view name, std::string_view datatype,
                std::size_t rows, const Put& put) {
  if (out.back() != '[') out += ',';
  out += R"({"name":")";
  out += name;
  out += R"(","datatype":")";
  out += datatype;
  out += R"(","shape":[)";
  out += std::to_string(rows);
  out += R"(],"data":[)";
  for (std::size_t i = 0; i < rows; ++i) {
    if (i > 0) out += ',';
    put(i);
  }
  out += "]}";
}

void begin_v2(std::string& out, std::string_view model, std::string_view version) {
  out += R"({"model_name":)";
  out += model;
  out += R"(,"model_version":")";
  out += version;
  out += R"(","id":)";
}

// One prediction of MLflow's list.
void put_prediction(std::string& out, bool binary, double score, double predicted,
                    std::string_view id) {
  out += R"({"predicted":)";
  if (binary) {
    put_decision(out, predicted);
    out += R"(,"score":)";
    put_number(out, score);
  } else {
    put_number(out, predicted);
  }
  out += R"(,"prediction_id":)";
  put_id(out, id);
  out += '}';
}

std::string v2_type(Type type) {
  switch (type) {
    case Type::Bool: return "BOOL";
    case Type::Int64: return "INT64";
    case Type::Double: return "FP64";
    default: return "BYTES";
  }
}

}  // namespace

AnswerName answer_name_of(const deployment::ServedModel& model) {
  return {to_text(Json(model.name().text())), std::to_string(model.version().number),
          model.binary()};
}

std::string encode_v2(const deployment::Answer& answer, const InferenceRequest& request,
                      std::string_view request_id) {
  const std::size_t rows = answer.scores.size();
  const auto wanted = [&](std::string_view name) {
    return request.outputs.empty() ||
           std::ranges::find(request.outputs, name) != request.outputs.end();
  };
  std::string out;
  out.reserve(kRoomForARow + 80 * rows);
  begin_v2(out, to_text(Json(answer.model)), answer.version);
  out += request.id.empty() ? to_text(Json(request_id)) : to_text(Json(request.id));
  out += R"(,"outputs":[)";
  if (wanted("predicted")) {
    put_tensor(out, "predicted", answer.binary ? "BOOL" : "FP64", rows, [&](std::size_t i) {
      if (answer.binary)
        put_decision(out, answer.predicted[i]);
      else
        put_number(out, answer.predicted[i]);
    });
  }
  if (wanted("score") && answer.binary)
    put_tensor(out, "score", "FP64", rows,
               [&](std::size_t i) { put_number(out, answer.scores[i]); });
  if (wanted("prediction_id"))
    put_tensor(out, "prediction_id", "BYTES", rows,
               [&](std::size_t i) { put_id(out, answer.ids[i]); });
  out += "]}\n";
  return out;
}

std::string encode_mlflow(const deployment::Answer& answer) {
  std::string out = R"({"predictions":[)";
  out.reserve(kRoomForARow + 120 * answer.scores.size());
  for (std::size_t i = 0; i < answer.scores.size(); ++i) {
    if (i > 0) out += ',';
    put_prediction(out, answer.binary, answer.scores[i], answer.predicted[i], answer.ids[i]);
  }
  out += "]}\n";
  return out;
}

std::string encode_row_v2(const deployment::RowReply& reply, const AnswerName& name,
                          std::string_view id) {
  std::string out;
  out.reserve(kRoomForARow);
  begin_v2(out, name.model, name.version);
  put_id(out, id);
  out += R"(,"outputs":[)";
  if (name.binary) {
    put_tensor(out, "predicted", "BOOL", 1,
               [&](std::size_t) { put_decision(out, reply.predicted); });
    put_tensor(out, "score", "FP64", 1, [&](std::size_t) { put_number(out, reply.score); });
  } else {
    put_tensor(out, "predicted", "FP64", 1, [&](std::size_t) { put_number(out, reply.predicted); });
  }
  put_tensor(out, "prediction_id", "BYTES", 1, [&](std::size_t) { put_id(out, reply.id_text()); });
  out += "]}\n";
  return out;
}

std::string encode_row_mlflow(const deployment::RowReply& reply, const AnswerName& name) {
  std::string out;
  out.reserve(kRoomForARow);
  out += R"({"predictions":[)";
  put_prediction(out, name.binary, reply.score, reply.predicted, reply.id_text());
  out += "]}\n";
  return out;
}

Json metadata_v2(const std::string& model, const std::string& version, const RequestShape& shape,
                 bool binary) {
  const auto tensor = [](const std::string& name, const std::string& datatype) {
    return Json{{"name", name}, {"datatype", datatype}, {"shape", Json::array({-1})}};
  };
  Json inputs = Json::array();
  for (const features::InputField& field : shape.inputs)
    inputs.push_back(tensor(field.name, v2_type(field.type)));
  Json outputs = Json::array();
  outputs.push_back(tensor("predicted", binary ? "BOOL" : "FP64"));
  if (binary) outputs.push_back(tensor("score", "FP64"));
  outputs.push_back(tensor("prediction_id", "BYTES"));
  return Json{{"name", model},
              {"versions", Json::array({version})},
              {"platform", "martlet"},
              {"inputs", std::move(inputs)},
              {"outputs", std::move(outputs)}};
}

}  // namespace martlet::server

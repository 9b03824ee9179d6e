#include "server/inference_routes.h"

#include "base/json.h"
#include "base/text.h"
#include "platform/threads.h"
#include "server/inference_answer.h"
#include "server/internal/endpoint.h"
#include "server/internal/plain_request.h"

namespace martlet::server {

namespace {

using deployment::LiveModel;
using net::Request;
using net::Response;

Response json_response(const Json& json) { return Response::json(200, to_text(json) + "\n"); }

std::string media_type(const Request& request) {
  const std::string_view value = request.header("content-type");
  return lower_ascii(trim(value.substr(0, value.find(';'))));
}

// Every browser says where a request to another origin comes from.
bool is_from_a_page(const Request& request) {
  return request.has_header("origin") || request.has_header("sec-fetch-site");
}

// 415 is the protocol's own word, and no error code maps to it. Besides telling clients what is
// read here, it keeps web pages out: a browser asks before it sends JSON or CSV to another origin,
// and gets no permission. A page can leave the type out without being asked, so only others may.
std::optional<Response> refuse_content(const Request& request, bool csv_too) {
  const auto refusal = [&](const std::string& message) {
    return problem_of(request, {415, "unsupported_media_type", message, request.id});
  };
  if (request.has_header("inference-header-content-length")) {
    return refusal("the binary tensor data extension is not read here: send the values as JSON (in "
                   "tritonclient: binary_data=False)");
  }
  if (request.header("content-type") == "application/json") return std::nullopt;
  const std::string type = media_type(request);
  if (type == "application/json" || (csv_too && type == "text/csv")) return std::nullopt;
  if (type.empty() && !is_from_a_page(request)) return std::nullopt;
  return refusal(
      std::string(csv_too ? "send application/json or text/csv" : "send application/json") +
      " and say so in the content-type header");
}

}  // namespace

struct InferenceRoutes::Shaped {
  explicit Shaped(std::shared_ptr<const LiveModel> given)
      : live(std::move(given)), shape(shape_of(live->model())), plain(shape),
        name(answer_name_of(live->model())) {}
  Shaped(const Shaped&) = delete;
  Shaped& operator=(const Shaped&) = delete;

  std::shared_ptr<const LiveModel> live;
  RequestShape shape;
  PlainRequestReader plain;  // of the shape
  AnswerName name;
};

InferenceRoutes::InferenceRoutes(deployment::InferenceService& service, platform::ThreadPool& pool,
                                 InferenceRouteOptions options)
    : service_(service), pool_(pool), options_(std::move(options)) {}

// Made once per model, not once per request.
std::shared_ptr<const InferenceRoutes::Shaped>
InferenceRoutes::shaped(std::shared_ptr<const LiveModel> live) {
  std::shared_ptr<const Shaped> known = shaped_.load();
  if (known != nullptr && known->live == live) return known;
  auto fresh = std::make_shared<const Shaped>(std::move(live));
  shaped_.store(fresh);
  return fresh;
}

Result<Response> InferenceRoutes::describe(const Request& request) {
  MARTLET_TRY_SET(auto live,
                  service_.live(request.path_value("model"), request.path_value("version")));
  const auto known = shaped(std::move(live));
  const deployment::ServedModel& model = known->live->model();
  return json_response(metadata_v2(model.name().text(), std::to_string(model.version().number),
                                   known->shape, model.binary()));
}

// One row in its plain spelling goes from bytes to bytes; nothing when it's written otherwise.
std::optional<Result<Response>>
InferenceRoutes::answer_plainly(const Request& request, const Shaped& known, Dialect dialect) {
  if (request.body.size() > options_.loop_body_bytes) return std::nullopt;
  const bool v2 = dialect == Dialect::V2;
  const std::optional<PlainRow> row =
      v2 ? known.plain.read_v2(request.body) : known.plain.read_mlflow(request.body);
  if (!row.has_value()) return std::nullopt;
  const auto reply = service_.answer_row(*known.live, row->inputs, row->keys);
  if (!reply.has_value()) return fail(reply.error());
  return Response::json(
      200, v2 ? encode_row_v2(*reply, known.name, row->id.empty() ? request.id : row->id)
              : encode_row_mlflow(*reply, known.name));
}

Result<Response> InferenceRoutes::answer(const Request& request, Dialect dialect) {
  MARTLET_TRY_SET(auto live,
                  service_.live(request.path_value("model"), request.path_value("version")));
  const auto known = shaped(std::move(live));
  if (auto plain = answer_plainly(request, *known, dialect)) return std::move(*plain);
  MARTLET_TRY_SET(const InferenceRequest asked,
                  dialect == Dialect::V2
                      ? decode_v2(request.body, known->shape)
                      : decode_mlflow(request.body, request.header("content-type"), known->shape));
  MARTLET_TRY_SET(const deployment::Answer given,
                  service_.answer(*known->live, asked.rows, asked.keys));
  return Response::json(200, dialect == Dialect::V2 ? encode_v2(given, asked, request.id)
                                                    : encode_mlflow(given));
}

void InferenceRoutes::accept(Pending pending, Dialect dialect) {
  if (auto refusal = refuse_content(pending.request(), dialect == Dialect::MLflow)) {
    pending.respond(std::move(*refusal));
    return;
  }
  auto ticket = service_.admit();
  if (!ticket.has_value()) {
    pending.respond(fail(std::move(ticket).error()));
    return;
  }
  if (pending.request().body.size() <= options_.loop_body_bytes) {
    auto response = answer(pending.request(), dialect);
    pending.respond(std::move(response));
    return;
  }
  struct Work {
    Pending pending;
    deployment::Admission::Ticket ticket;
  };
  // Shared, since a task must be copyable; there is one owner at a time.
  auto work = std::make_shared<Work>(Work{std::move(pending), std::move(*ticket)});
  const auto queued = pool_.submit([this, work, dialect] {
    auto response = answer(work->pending.request(), dialect);
    work->pending.respond(std::move(response));
  });
  if (!queued.has_value())
    work->pending.respond(
        unavailable("answering the request: the queue is full; send it again shortly"));
}

void InferenceRoutes::add_to(Endpoints& endpoints) {
  endpoints.get("/v2", "What this server is.", [this](const Request&) -> Result<Response> {
    return json_response(
        Json{{"name", "martlet"}, {"version", options_.version}, {"extensions", Json::array()}});
  });
  const auto describe_model = [this](const Request& request) { return describe(request); };
  const auto ready = [this](const Request& request) -> Result<Response> {
    MARTLET_TRY_SET(const auto live,
                    service_.live(request.path_value("model"), request.path_value("version")));
    return json_response(Json{{"name", live->model().name().text()}, {"ready", true}});
  };
  endpoints.get("/v2/models/{model}", "The model's inputs and outputs.", describe_model);
  endpoints.get("/v2/models/{model}/versions/{version}", "The version's inputs and outputs.",
                describe_model);
  endpoints.get("/v2/models/{model}/ready", "Whether the model answers.", ready);
  endpoints.get("/v2/models/{model}/versions/{version}/ready", "Whether the version answers.",
                ready);
  const auto post = [&](const char* pattern, const char* summary, Dialect dialect) {
    endpoints.post(pattern, summary, options_.body_bytes,
                   [this, dialect](Pending pending) { accept(std::move(pending), dialect); });
  };
  post("/v2/models/{model}/infer", "Predictions for rows, as tensors.", Dialect::V2);
  post("/v2/models/{model}/versions/{version}/infer", "Predictions by this version only.",
       Dialect::V2);
  post("/invocations", "Predictions for rows, as MLflow sends them.", Dialect::MLflow);
}

}  // namespace martlet::server

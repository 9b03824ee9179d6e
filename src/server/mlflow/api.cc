#include "server/mlflow/api.h"

#include "metadata/shared_key.h"
#include "platform/system_random.h"
#include "registry/model_registry.h"
#include "server/mlflow/artifact_calls.h"
#include "server/mlflow/endpoint.h"
#include "server/mlflow/experiment_calls.h"
#include "server/mlflow/json_writer.h"
#include "server/mlflow/logged_model_calls.h"
#include "server/mlflow/metric_calls.h"
#include "server/mlflow/page_token.h"
#include "server/mlflow/registry_model_calls.h"
#include "server/mlflow/registry_version_calls.h"
#include "server/mlflow/run_calls.h"
#include "server/mlflow/trace_calls.h"
#include "server/mlflow/unsupported_calls.h"
#include "server/mlflow/upload_calls.h"
#include "tracking/logged_model.h"
#include "tracking/trace.h"
#include "tracking/tracker.h"

#include <array>
#include <cstring>

namespace martlet::server::mlflow {

namespace {

constexpr std::size_t kKeyBytes = 32;

std::string fresh_key() {
  std::array<std::byte, kKeyBytes> bytes{};
  platform::SystemRandom().fill(bytes);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// What the client asks before it fetches its first file.
std::string server_info() {
  JsonWriter json;
  json.begin_object().text_always("store_type", "SqlStore");
  json.boolean("multipart_uploads_enabled", true);
  for (const std::string_view name :
       {"workspaces_enabled", "trace_archival_enabled", "multipart_downloads_enabled",
        "presigned_upload_run_id_supported", "presigned_upload_model_id_supported"})
    json.boolean(name, false);
  return json.end_object().take();
}

}  // namespace

struct Api::State {
  State(metadata::Database& given_database, artifacts::BlobStore& given_blobs,
        const Clock& given_clock, Random& random, std::string key)
      : database(given_database), blobs(given_blobs), clock(given_clock),
        tracker(database, blobs, clock, random), models(database, clock, model_random),
        traces(database), registered(database, blobs, clock), tokens(std::move(key)),
        idempotency(database, clock) {}

  metadata::Database& database;
  artifacts::BlobStore& blobs;
  const Clock& clock;
  platform::SystemRandom model_random;
  tracking::Tracker tracker;
  tracking::LoggedModels models;
  tracking::Traces traces;
  registry::ModelRegistry registered;
  PageTokens tokens;
  Idempotency idempotency;
};

Api::Api(std::unique_ptr<State> state) : state_(std::move(state)) {}
Api::~Api() = default;

Result<std::unique_ptr<Api>> Api::open(metadata::Database& database, artifacts::BlobStore& blobs,
                                       const Clock& clock, Random& random) {
  MARTLET_TRY_SET(std::string key,
                  metadata::shared_key(database, "mlflow.page_tokens", fresh_key()));
  return std::unique_ptr<Api>(
      new Api(std::make_unique<State>(database, blobs, clock, random, std::move(key))));
}

void Api::add_to(Endpoints& endpoints) {
  Calls calls(endpoints, state_->idempotency);
  add_experiment_calls(calls, state_->tracker, state_->tokens);
  add_run_calls(calls, state_->tracker, state_->database, state_->tokens);
  add_metric_calls(calls, state_->tracker, state_->tokens);
  add_logged_model_calls(calls, state_->models, state_->tokens);
  add_trace_calls(calls, state_->traces, state_->tokens);
  add_registry_model_calls(calls, state_->registered, state_->tokens);
  add_registry_version_calls(calls,
                             {state_->registered, state_->tracker, state_->models, state_->tokens});
  add_unsupported_calls(calls);
  const ArtifactContext files{state_->database, state_->blobs, state_->clock};
  add_artifact_calls(calls, files);
  add_upload_calls(calls, files);
  calls.call(net::Method::Get, "3.0", "server-info", "What this server can do.",
             [](Message&, const net::Request&) -> Result<std::string> { return server_info(); });
}

}  // namespace martlet::server::mlflow

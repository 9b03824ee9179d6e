#include "base/quantity.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "deployment/admission.h"
#include "deployment/inference_service.h"
#include "deployment/model_slot.h"
#include "lifecycle/loop_keeper.h"
#include "lifecycle/serve.h"
#include "net/telemetry.h"
#include "platform/signals.h"
#include "server/app.h"
#include "server/idempotency.h"
#include "server/mlflow/api.h"
#include "server/truth_routes.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

namespace {

struct ServeFlags {
  std::string listen = "127.0.0.1:8080";
  std::string environment = "experiment";
  std::string grace = "30s";
  bool private_webhooks = false;
};

// "127.0.0.1:8080", "[::1]:8080", "localhost:0".
Result<std::pair<std::string, std::uint16_t>> parse_listen(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  const auto port = colon == std::string::npos
                        ? Result<std::int64_t>(-1)
                        : parse_integer(std::string_view(text).substr(colon + 1));
  if (!port.has_value() || *port < 0 || *port > 65535) {
    return invalid_argument(
        "--listen " + text +
        ": write it as ADDRESS:PORT, such as 127.0.0.1:8080 (port 0: any free one)");
  }
  std::string address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']'))
    address = address.substr(1, address.size() - 2);
  return std::pair(address, static_cast<std::uint16_t>(*port));
}

// The loop beside the server; none for a project that monitors nothing.
Result<std::unique_ptr<lifecycle::LoopKeeper>> keep_loop(const lifecycle::Store& store,
                                                         const lifecycle::Project& project,
                                                         registry::Environment environment,
                                                         const ServeFlags& flags) {
  if (!project.monitoring.declared) return std::unique_ptr<lifecycle::LoopKeeper>();
  lifecycle::LoopKeeperOptions options;
  options.environment = environment;
  if (flags.private_webhooks) options.flags.emplace_back("--private-webhooks");
  options.variables = webhook_variables(project);
  for (auto& variable : blob_variables()) options.variables.push_back(std::move(variable));
  if (!store.place().database.empty()) {
    for (auto& variable : database_variables()) options.variables.push_back(std::move(variable));
  }
  return lifecycle::LoopKeeper::start(store, project, std::move(options));
}

// Many clients wait for one sync of the disk together.
constexpr int kPoolThreads = 96;

struct Listening {
  std::pair<std::string, std::uint16_t> at;
  std::chrono::milliseconds grace{0};
};

Result<Listening> listening_of(const ServeFlags& flags) {
  Listening listening;
  MARTLET_TRY_SET(listening.at, parse_listen(flags.listen));
  MARTLET_TRY_SET(const Duration grace, parse_duration(flags.grace));
  listening.grace = std::chrono::duration_cast<std::chrono::milliseconds>(grace);
  return listening;
}

server::AppOptions options_of(const Listening& listening) {
  server::AppOptions options;
  options.address = listening.at.first;
  options.port = listening.at.second;
  options.version = program_version();
  options.pool_threads = kPoolThreads;
  return options;
}

Result<std::unique_ptr<server::mlflow::Api>> open_api(Session& session,
                                                      const lifecycle::Store& store) {
  return server::mlflow::Api::open(store.database(), store.blobs(), session.host().clock,
                                   session.host().random);
}

// The live model of a project, and its store.
Result<int> serve_project(Session& session, const ServeFlags& flags,
                          platform::SignalWaiter& signals, const Listening& listening,
                          const lifecycle::Project& project) {
  MARTLET_TRY_SET(const registry::Environment environment,
                  registry::parse_environment(flags.environment));
  MARTLET_TRY_SET(const auto store, session.store(project, lifecycle::WhenMissing::Refuse));
  MARTLET_TRY_SET(const auto live, lifecycle::LiveDeployment::open(*store, project, environment));
  MARTLET_TRY_SET(const auto api, open_api(session, *store));
  server::Idempotency idempotency(store->database(), session.host().clock);
  net::Telemetry telemetry;
  server::App app(live->service(), telemetry, session.host().clock, session.host().log,
                  options_of(listening));
  app.add_routes([&live, &idempotency](net::Router& router) {
    server::add_truth_routes(router, idempotency, [&live](const Json& records, const auto& also) {
      return live->accept_truth(records, also);
    });
  });
  app.add_api(*api);
  MARTLET_TRY(app.start());
  MARTLET_TRY_SET(const auto loop, keep_loop(*store, project, environment, flags));
  session.console.note(
      fmt::format("{} in {}: listening on {}", live->live_version(), flags.environment, app.url()));
  (void)signals.wait(Deadline::none());
  session.console.note("draining");
  if (loop != nullptr) loop->ask_to_stop();  // a training is left to the next start
  app.stop(listening.grace);
  if (loop != nullptr) loop->stop();
  MARTLET_TRY(live->close());
  return kSuccess;
}

// A store alone, made when it is missing: tracking and registry for MLflow's clients.
Result<int> serve_store(Session& session, platform::SignalWaiter& signals,
                        const Listening& listening) {
  MARTLET_TRY_SET(const auto store, session.named_store());
  MARTLET_TRY_SET(const auto api, open_api(session, *store));
  deployment::ModelSlot nothing_live;
  deployment::Admission admission;
  deployment::InferenceService service(nothing_live, nullptr, session.host().clock,
                                       session.host().random, admission);
  net::Telemetry telemetry;
  server::AppOptions options = options_of(listening);
  options.needs_model = false;
  server::App app(service, telemetry, session.host().clock, session.host().log, options);
  app.add_api(*api);
  MARTLET_TRY(app.start());
  session.console.note(
      fmt::format("store {}: listening on {}; clients: export MLFLOW_TRACKING_URI={}",
                  session.store_path, app.url(), app.url()));
  (void)signals.wait(Deadline::none());
  session.console.note("draining");
  app.stop(listening.grace);
  return kSuccess;
}

Result<int> serve(Session& session, const ServeFlags& flags) {
  // First of all: threads that are started from here on inherit the blocked signals.
  MARTLET_TRY_SET(const auto signals, platform::SignalWaiter::create());
  MARTLET_TRY_SET(const Listening listening, listening_of(flags));
  const auto project = session.project();
  if (project.has_value()) return serve_project(session, flags, *signals, listening, *project);
  const bool store_alone = project.error().code() == ErrorCode::NotFound &&
                           session.project_path.empty() && !session.store_path.empty();
  if (!store_alone) return fail(project.error());
  return serve_store(session, *signals, listening);
}

}  // namespace

void add_serve(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand(
      "serve",
      "Answers over HTTP: with the live model (Open Inference Protocol v2, MLflow's scoring), and "
      "as MLflow's tracking server");
  auto flags = std::make_shared<ServeFlags>();
  verb->add_option("--listen", flags->listen,
                   "address and port; only loopback until authentication is built")
      ->capture_default_str();
  verb->add_option("--env", flags->environment, "whose live model")->capture_default_str();
  verb->add_option("--grace", flags->grace, "how long requests in flight may take after SIGTERM")
      ->capture_default_str();
  verb->add_flag("--private-webhooks", flags->private_webhooks,
                 "webhooks of alerts may go to private and loopback addresses");
  verb->footer("Another version that becomes live is swapped in without a restart. With a "
               "section\nmonitoring: in the project file the loop runs beside it: windows, alerts, "
               "retraining.\nWithout a project file, "
               "--store names the store to serve, which is made when it is missing: tracking and\n"
               "registry alone, for MLFLOW_TRACKING_URI=http://127.0.0.1:8080.\nExample:\n  "
               "martlet serve --listen 127.0.0.1:8080\n  martlet serve --store tracking");
  verb->callback(
      [&session, flags] { session.action = [&session, flags] { return serve(session, *flags); }; });
}

}  // namespace martlet::cli

#include "base/quantity.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "lifecycle/loop_keeper.h"
#include "lifecycle/serve.h"
#include "net/telemetry.h"
#include "platform/signals.h"
#include "server/app.h"
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
  return lifecycle::LoopKeeper::start(store, project, std::move(options));
}

Result<int> serve(Session& session, const ServeFlags& flags) {
  // First of all: threads that are started from here on inherit the blocked signals.
  MARTLET_TRY_SET(const auto signals, platform::SignalWaiter::create());
  MARTLET_TRY_SET(const auto listen, parse_listen(flags.listen));
  MARTLET_TRY_SET(const Duration grace, parse_duration(flags.grace));
  MARTLET_TRY_SET(const registry::Environment environment,
                  registry::parse_environment(flags.environment));
  MARTLET_TRY_SET(const lifecycle::Project project, session.project());
  MARTLET_TRY_SET(const auto store, session.store(project, lifecycle::WhenMissing::Refuse));
  MARTLET_TRY_SET(const auto live, lifecycle::LiveDeployment::open(*store, project, environment));
  net::Telemetry telemetry;
  server::AppOptions options;
  options.address = listen.first;
  options.port = listen.second;
  options.version = program_version();
  server::App app(live->service(), telemetry, session.host().clock, session.host().log, options);
  app.add_routes([&live](net::Router& router) {
    server::add_truth_routes(router,
                             [&live](const Json& records) { return live->accept_truth(records); });
  });
  MARTLET_TRY(app.start());
  MARTLET_TRY_SET(const auto loop, keep_loop(*store, project, environment, flags));
  session.console.note(
      fmt::format("{} in {}: listening on {}", live->live_version(), flags.environment, app.url()));
  (void)signals->wait(Deadline::none());
  session.console.note("draining");
  if (loop != nullptr) loop->ask_to_stop();  // a training is left to the next start
  app.stop(std::chrono::duration_cast<std::chrono::milliseconds>(grace));
  if (loop != nullptr) loop->stop();
  MARTLET_TRY(live->close());
  return kSuccess;
}

}  // namespace

void add_serve(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand(
      "serve",
      "Answers with the live model over HTTP: Open Inference Protocol v2 and MLflow's scoring");
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
               "retraining.\nExample:\n  "
               "martlet serve --listen 127.0.0.1:8080");
  verb->callback(
      [&session, flags] { session.action = [&session, flags] { return serve(session, *flags); }; });
}

}  // namespace martlet::cli

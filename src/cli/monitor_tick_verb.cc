#include "cli/interrupt.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "lifecycle/live_loop.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <iterator>

namespace martlet::cli {

namespace {

struct TickFlags {
  std::string environment = "experiment";
  bool as_served = false;  // the project file comes on stdin
  bool private_webhooks = false;
};

// The project file as a server has it in force, or as it is now.
Result<lifecycle::Project> project_in_force(Session& session, const TickFlags& flags) {
  if (!flags.as_served) return session.project();
  std::string text{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  return lifecycle::parse_project(std::move(text), "martlet.yaml", session.project_path);
}

lifecycle::LiveLoopOptions options_of(const lifecycle::Project& project,
                                      registry::Environment environment, bool private_webhooks) {
  lifecycle::LiveLoopOptions options;
  options.environment = environment;
  if (private_webhooks) options.webhooks.policy.addresses = net::UrlPolicy::Addresses::Any;
  options.webhooks.variable = [variables = webhook_variables(project)](
                                  const std::string& name) -> std::optional<std::string> {
    const auto found = std::find_if(variables.begin(), variables.end(),
                                    [&](const auto& item) { return item.first == name; });
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  return options;
}

Result<int> tick(Session& session, const TickFlags& flags) {
  MARTLET_TRY_SET(const registry::Environment environment,
                  registry::parse_environment(flags.environment));
  MARTLET_TRY_SET(const lifecycle::Project project, project_in_force(session, flags));
  MARTLET_TRY_SET(const auto store, session.store(project, lifecycle::WhenMissing::Refuse));
  lifecycle::LiveLoopOptions options = options_of(project, environment, flags.private_webhooks);
  options.on_event = [&session](const lifecycle::LoopEvent& event) {
    session.console.note(
        fmt::format("{} {} {}: {}", to_text(event.at), event.kind, event.model, event.why));
  };
  const Interrupt interrupt(options.cancel);
  MARTLET_TRY_SET(const lifecycle::LiveLoopReport report,
                  lifecycle::tick_live(*store, project, options));
  session.console.print_json(lifecycle::to_json(report));
  session.console.print(fmt::format("{}: {} is live; {} events; next due {}", report.deployment,
                                    report.model, report.events.size(), to_text(report.next)));
  return kSuccess;
}

}  // namespace

void add_monitor_tick(CLI::App& monitor, Session& session) {
  CLI::App* verb = monitor.add_subcommand(
      "tick", "Does what is due: judges windows, advances alerts, retrains, sends webhooks");
  auto flags = std::make_shared<TickFlags>();
  verb->add_option("--env", flags->environment, "whose deployment")->capture_default_str();
  verb->add_flag("--private-webhooks", flags->private_webhooks,
                 "webhooks may go to private and loopback addresses");
  verb->add_flag("--as-served", flags->as_served,
                 "the project file comes on stdin, as a server has it in force")
      ->group("");
  verb->footer("A server does this by itself; where none runs, call it from cron.\n"
               "Example:\n  martlet monitor tick");
  verb->callback(
      [&session, flags] { session.action = [&session, flags] { return tick(session, *flags); }; });
}

}  // namespace martlet::cli

#include "cli/interrupt.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "lifecycle/live_loop.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

namespace {

struct RetrainFlags {
  std::string environment = "experiment";
  std::string reason;
  bool override_policy = false;
};

Result<int> retrain(Session& session, const RetrainFlags& flags) {
  MARTLET_TRY_SET(const registry::Environment environment,
                  registry::parse_environment(flags.environment));
  MARTLET_TRY_SET(const lifecycle::Project project, session.project());
  MARTLET_TRY_SET(const auto store, session.store(project, lifecycle::WhenMissing::Refuse));
  lifecycle::LiveLoopOptions options;
  options.environment = environment;
  options.on_line = [&session](std::string_view line) { session.console.note(line); };
  const Interrupt interrupt(options.cancel);
  const lifecycle::RetrainNow request{flags.reason, flags.override_policy
                                                        ? monitoring::PolicyUse::Override
                                                        : monitoring::PolicyUse::Obey};
  MARTLET_TRY_SET(const lifecycle::RetrainReport report,
                  lifecycle::retrain_now(*store, project, request, options));
  session.console.print_json(lifecycle::to_json(report));
  if (!report.granted) {
    session.console.print("refused: " + report.refusal);
    session.console.print("--override lets it begin all the same, and is recorded");
    return kWorkFailed;
  }
  if (!report.turn.has_value()) return kWorkFailed;
  const monitoring::RetrainRecord& turn = *report.turn;
  if (report.took_up_another) {
    session.console.print("a turn was begun at " + to_text(turn.at) + " (" + turn.trigger +
                          ") and had not ended; it was taken up instead of yours");
  }
  session.console.print(fmt::format("{} {}: {}", turn.decision,
                                    turn.challenger.empty() ? turn.champion : turn.challenger,
                                    turn.why));
  return turn.decision == "failed" ? kWorkFailed : kSuccess;
}

}  // namespace

void add_retrain(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand(
      "retrain",
      "One turn of the loop now: trains, tests against the live model, promotes if better");
  auto flags = std::make_shared<RetrainFlags>();
  verb->add_option("--reason", flags->reason, "why; it is recorded")->required();
  verb->add_option("--env", flags->environment, "whose deployment")->capture_default_str();
  verb->add_flag("--override", flags->override_policy, "whatever cooldown and budget say");
  verb->footer("Exit status 0 when it was promoted or rejected, 1 when it was refused or failed.\n"
               "Example:\n  martlet retrain --reason \"the summer schedule began\"");
  verb->callback([&session, flags] {
    session.action = [&session, flags] { return retrain(session, *flags); };
  });
}

}  // namespace martlet::cli

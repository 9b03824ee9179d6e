#include "cli/interrupt.h"
#include "cli/lineage_options.h"
#include "cli/run_view.h"
#include "cli/verbs.h"

#include <CLI/CLI.hpp>

namespace martlet::cli {

namespace {

struct RunFlags {
  std::string environment = "experiment";
  std::string as_of;
  std::vector<std::string> from;
  std::vector<std::string> only;
  bool no_cache = false;
  bool dry_run = false;
};

// Every change of a step is told to the project's OpenLineage receiver too.
void tell_of_steps(lifecycle::LineageReporter& reporter, lifecycle::RunRequest& request) {
  request.on_step = [&reporter, on_step = request.on_step](const workflow::StepRecord& step) {
    reporter.tell(step.run);
    if (on_step) on_step(step);
  };
}

// The receiver that the project file of now names; none when there is no such file.
lifecycle::LineageReceiver receiver_of_now(Session& session) {
  const auto project = session.project();
  return project.has_value() ? lifecycle::receiver_of(*project) : lifecycle::LineageReceiver();
}

Result<int> run(Session& session, const RunFlags& flags) {
  MARTLET_TRY_SET(const lifecycle::Project project, session.project());
  lifecycle::RunRequest request;
  MARTLET_TRY_SET(request.compile.environment, registry::parse_environment(flags.environment));
  if (!flags.as_of.empty()) {
    MARTLET_TRY_SET(request.compile.as_of, parse_instant(flags.as_of, project.problem.zone));
  }
  for (const Finding& warning : project.warnings)
    session.console.note("warning: " + to_text(warning));
  if (flags.dry_run) {
    // Without a store there are no champion and no cache to consider, and none is made.
    const auto existing = session.store(project, lifecycle::WhenMissing::Refuse);
    workflow::Pipeline pipeline = lifecycle::sketch_lifecycle(project, request.compile);
    if (existing.has_value()) {
      MARTLET_TRY_SET(pipeline, lifecycle::compile_lifecycle(**existing, project, request.compile));
    }
    session.console.print_json(workflow::to_json(pipeline));
    for (const workflow::Step& step : pipeline.steps)
      session.console.print(step.name + "  " + step.component);
    return kSuccess;
  }
  MARTLET_TRY_SET(const auto store, session.store(project, lifecycle::WhenMissing::Create));
  request.use_cache = !flags.no_cache;
  request.from = flags.from;
  request.only = flags.only;
  const Interrupt interrupt(request.cancel);
  watch(session, request);
  lifecycle::LineageReporter reporter(*store, lifecycle::receiver_of(project), lineage_options());
  tell_of_steps(reporter, request);
  MARTLET_TRY_SET(const lifecycle::RunReport report,
                  lifecycle::run_lifecycle(*store, project, request));
  reporter.tell_end(report.outcome.run.id);
  reporter.stop();
  const int status = show_report(session, report);
  return interrupt.happened() ? 130 : status;
}

}  // namespace

void add_run(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand(
      "run", "Runs the lifecycle: data, features, models, evaluation, gates, package, registry");
  auto flags = std::make_shared<RunFlags>();
  verb->add_option(
          "--env", flags->environment,
          "environment whose live model is the champion: experiment, staging or production")
      ->capture_default_str();
  verb->add_option(
      "--as-of", flags->as_of,
      "run as if it were that moment: only rows whose truth was known then (ISO 8601)");
  verb->add_option("--from", flags->from, "compute this step and all that follow anew");
  verb->add_option("--only", flags->only, "run this step and what it needs");
  verb->add_flag("--no-cache", flags->no_cache, "compute every step anew");
  verb->add_flag("--dry-run", flags->dry_run, "show the steps, run nothing");
  verb->footer("Exit status: 0 done, 1 a step or gate failed, 4 machine learning is not "
               "required.\nExample:\n  martlet run --json");
  verb->callback(
      [&session, flags] { session.action = [&session, flags] { return run(session, *flags); }; });
}

void add_resume(CLI::App& app, Session& session) {
  CLI::App* verb =
      app.add_subcommand("resume", "Goes on with a run that was interrupted or failed");
  auto id = std::make_shared<std::string>("latest");
  verb->add_option("run", *id, "the run's id or the beginning of it")->capture_default_str();
  verb->footer("Finished steps are not repeated.\nExample:\n  martlet resume");
  verb->callback([&session, id] {
    session.action = [&session, id]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      MARTLET_TRY_SET(const RunId run, lifecycle::find_run(*store, *id));
      lifecycle::RunRequest request;
      const Interrupt interrupt(request.cancel);
      watch(session, request);
      lifecycle::LineageReporter reporter(*store, receiver_of_now(session), lineage_options());
      tell_of_steps(reporter, request);
      MARTLET_TRY_SET(const lifecycle::RunReport report,
                      lifecycle::resume_lifecycle(*store, run, request));
      reporter.tell_end(run);
      reporter.stop();
      return show_report(session, report);
    };
  });
}

}  // namespace martlet::cli

#include "cli/interrupt.h"
#include "cli/report_file.h"
#include "cli/run_view.h"
#include "cli/simulation_view.h"
#include "cli/verbs.h"
#include "lifecycle/simulation_report.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

void add_simulate(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand(
      "simulate", "Replays history through deployment, monitors and retraining on a virtual clock");
  auto from = std::make_shared<std::string>();
  auto to = std::make_shared<std::string>();
  auto every = std::make_shared<bool>(false);
  verb->add_option("--from", *from, "the first model is trained on what was known then (ISO 8601)")
      ->required();
  verb->add_option("--to", *to, "the end of the replay; default: after the last row");
  verb->add_flag("--windows", *every, "print every window, not only months");
  auto file = std::make_shared<std::string>();
  verb->add_option("--report", *file,
                   "write a report with the value over time to this file (.html or .md)");
  verb->footer(
      "Example:\n  martlet simulate --from 2013-04-01 --to 2014-01-01 --report simulation.html");
  verb->callback([=, &session] {
    session.action = [=, &session]() -> Result<int> {
      MARTLET_TRY_SET(const lifecycle::Project project, session.project());
      MARTLET_TRY(check_report_file(session, *file));
      lifecycle::SimulateRequest request;
      MARTLET_TRY_SET(request.from, parse_instant(*from, project.problem.zone));
      if (!to->empty()) {
        MARTLET_TRY_SET(request.to, parse_instant(*to, project.problem.zone));
      }
      MARTLET_TRY_SET(const auto store, session.store(project, lifecycle::WhenMissing::Create));
      const Interrupt interrupt(request.cancel);
      request.ingest.cancel = request.cancel;
      watch_simulation(session, request);
      MARTLET_TRY_SET(const lifecycle::SimulateReport report,
                      lifecycle::simulate(*store, project, request));
      if (!file->empty()) {
        MARTLET_TRY_SET(const ReportFormat format, report_format("", *file));
        MARTLET_TRY(
            write_report(session, lifecycle::report_of_simulation(project, report), *file, format));
        session.console.note("report: " + *file);
      }
      show_simulation(session, project, report,
                      *every ? SimulationDetail::Windows : SimulationDetail::Months);
      return kSuccess;
    };
  });
}

}  // namespace martlet::cli

// lineage: what led to a thing, and what came of it; and what is told of that to others.
#include "cli/interrupt.h"
#include "cli/lineage_options.h"
#include "cli/lineage_view.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "lifecycle/openlineage.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

namespace {

struct ExportFlags {
  std::string run = "latest", name_space;
  bool openlineage = false;
};

void add_export(CLI::App& lineage, Session& session) {
  CLI::App* verb =
      lineage.add_subcommand("export", "One run's events as OpenLineage documents, a line each");
  auto flags = std::make_shared<ExportFlags>();
  verb->add_option("run", flags->run,
                   "its id, its pipeline run's id (or the beginning of either), or latest")
      ->capture_default_str();
  verb->add_flag("--openlineage", flags->openlineage,
                 "the format; the only one, so it may be left out");
  verb->add_option("--namespace", flags->name_space,
                   "of jobs and datasets; default: the project file's, else martlet");
  verb->footer("Example:\n  martlet lineage export --openlineage latest > events.ndjson");
  verb->callback([&session, flags] {
    session.action = [&session, flags]() -> Result<int> {
      std::string name_space = flags->name_space;
      if (name_space.empty()) {
        const auto project = session.project();
        name_space = project.has_value() ? lifecycle::receiver_of(*project).config.name_space
                                         : tracking::OpenLineageConfig().name_space;
      }
      MARTLET_TRY_SET(const auto store, session.existing_store());
      MARTLET_TRY_SET(const std::vector<Json> events,
                      lifecycle::openlineage_of(*store, flags->run, name_space));
      Json all = Json::array();
      for (const Json& event : events) {
        session.console.print(to_text(event));
        all.push_back(event);
      }
      session.console.print_json(all);
      return kSuccess;
    };
  });
}

void add_send(CLI::App& lineage, Session& session) {
  CLI::App* verb = lineage.add_subcommand(
      "send", "Sends the OpenLineage events that wait, as far as they are due");
  verb->footer("Example:\n  martlet lineage send");
  verb->callback([&session] {
    session.action = [&session]() -> Result<int> {
      MARTLET_TRY_SET(const lifecycle::Project project, session.project());
      const lifecycle::LineageReceiver receiver = lifecycle::receiver_of(project);
      if (!receiver.config.declared)
        return invalid_argument("sending OpenLineage events: " + project.file +
                                " has no section openlineage: that says where to");
      MARTLET_TRY_SET(const auto store, session.store(project, lifecycle::WhenMissing::Refuse));
      MARTLET_TRY(lifecycle::catch_up_on_lineage(*store, receiver.config.name_space));
      const CancelToken cancel;
      const Interrupt interrupt(cancel);
      MARTLET_TRY_SET(
          const lifecycle::LineageTally tally,
          lifecycle::send_lineage(*store, receiver, lineage_options(), Deadline::none(), cancel));
      session.console.print_json(
          Json{{"sent", tally.sent}, {"given_up", tally.given_up}, {"waiting", tally.waiting}});
      session.console.print(
          fmt::format("{} sent, {} given up, {} wait", tally.sent, tally.given_up, tally.waiting));
      return tally.given_up + tally.waiting == 0 ? kSuccess : kWorkFailed;
    };
  });
}

}  // namespace

void add_lineage(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand(
      "lineage", "What led to a prediction, model, run or dataset version, and what came of it");
  auto what = std::make_shared<std::string>();
  auto format = std::make_shared<std::string>("text");
  auto environment = std::make_shared<std::string>("experiment");
  verb->add_option("what", *what,
                   "a prediction's or run's id, flight-delay/3, flight-delay@live, departures@v3");
  verb->add_option("--format", *format, "text, mermaid or dot")->capture_default_str();
  verb->add_option("--env", *environment, "whose aliases")->capture_default_str();
  verb->fallthrough();
  add_export(*verb, session);
  add_send(*verb, session);
  verb->footer("Example:\n  martlet lineage flight-delay@live --format mermaid");
  verb->callback([&session, verb, what, format, environment] {
    if (!verb->get_subcommands().empty()) return;
    if (what->empty()) throw CLI::RequiredError("what");
    session.action = [&session, what, format, environment]() -> Result<int> {
      MARTLET_TRY_SET(const registry::Environment where, registry::parse_environment(*environment));
      MARTLET_TRY_SET(const auto store, session.existing_store());
      MARTLET_TRY_SET(const lifecycle::Lineage lineage,
                      lifecycle::find_lineage(*store, *what, where));
      MARTLET_TRY_SET(std::string drawn, draw(lineage, *format));
      drawn.pop_back();  // print() ends the line
      session.console.print_json(lineage.to_json());
      session.console.print(drawn);
      return kSuccess;
    };
  });
}

}  // namespace martlet::cli

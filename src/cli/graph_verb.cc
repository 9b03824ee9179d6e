#include "cli/session.h"
#include "cli/verbs.h"
#include "lifecycle/compile.h"
#include "problem/memo.h"
#include "workflow/graph.h"

#include <CLI/CLI.hpp>

#include <iostream>

namespace martlet::cli {

void add_graph(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("graph", "The steps of the lifecycle and what they wait for");
  auto format = std::make_shared<std::string>("text");
  verb->add_option("--format", *format, "text, mermaid, dot, svg or json")->capture_default_str();
  verb->footer("Example:\n  martlet graph --format svg > lifecycle.svg");
  verb->callback([&session, format] {
    session.action = [&session, format]() -> Result<int> {
      MARTLET_TRY_SET(const lifecycle::Project project, session.project());
      const std::string chosen = session.console.json ? "json" : *format;
      MARTLET_TRY_SET(const std::string drawn,
                      workflow::draw(lifecycle::sketch_lifecycle(project, {}), chosen));
      std::cout << drawn;
      return kSuccess;
    };
  });
}

void add_check(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand(
      "check", "Everything wrong with martlet.yaml, with positions; nothing is run");
  verb->footer("Exit status 2 when something is wrong.\nExample:\n  martlet check");
  verb->callback([&session] {
    session.action = [&session]() -> Result<int> {
      const auto project = session.project();
      const std::vector<Finding>& findings =
          project.has_value() ? project->warnings : project.error().findings();
      if (!project.has_value() && findings.empty()) return fail(project.error());
      Json list = Json::array();
      for (const Finding& finding : findings) {
        list.push_back(Json{{"path", finding.path},
                            {"rule", finding.rule},
                            {"message", finding.message},
                            {"file", finding.file},
                            {"line", finding.line},
                            {"column", finding.column},
                            {"severity", project.has_value() ? "warning" : "error"}});
        session.console.print((project.has_value() ? session.console.yellow("warning: ")
                                                   : session.console.red("error: ")) +
                              to_text(finding));
      }
      session.console.print_json(Json{{"ok", project.has_value()}, {"findings", std::move(list)}});
      if (project.has_value()) session.console.print(project->file + " is in order");
      return project.has_value() ? kSuccess : 2;
    };
  });
}

void add_problem(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("problem", "The contract that every stage is held to");
  verb->require_subcommand(1);
  verb->fallthrough();
  CLI::App* show = verb->add_subcommand("show", "The contract as it was read");
  show->footer("Example:\n  martlet problem show --json");
  show->callback([&session] {
    session.action = [&session]() -> Result<int> {
      MARTLET_TRY_SET(const lifecycle::Project project, session.project());
      session.console.print_json(problem::to_json(project.problem));
      session.console.print(to_pretty_text(problem::to_json(project.problem)));
      return kSuccess;
    };
  });
  CLI::App* memo =
      verb->add_subcommand("memo", "The contract as a page for the people who decide (Markdown)");
  memo->footer("Example:\n  martlet problem memo > memo.md");
  memo->callback([&session] {
    session.action = [&session]() -> Result<int> {
      MARTLET_TRY_SET(const lifecycle::Project project, session.project());
      const std::string text = problem::memo(project.problem);
      session.console.print_json(Json{{"memo", text}});
      session.console.print(text);
      return kSuccess;
    };
  });
}

}  // namespace martlet::cli

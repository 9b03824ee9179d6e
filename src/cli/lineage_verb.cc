// lineage: what led to a thing, and what came of it.
#include "cli/lineage_view.h"
#include "cli/session.h"
#include "cli/verbs.h"

#include <CLI/CLI.hpp>

namespace martlet::cli {

void add_lineage(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand(
      "lineage", "What led to a prediction, model, run or dataset version, and what came of it");
  auto what = std::make_shared<std::string>();
  auto format = std::make_shared<std::string>("text");
  auto environment = std::make_shared<std::string>("experiment");
  verb->add_option("what", *what,
                   "a prediction's or run's id, flight-delay/3, flight-delay@live, departures@v3")
      ->required();
  verb->add_option("--format", *format, "text, mermaid or dot")->capture_default_str();
  verb->add_option("--env", *environment, "whose aliases")->capture_default_str();
  verb->footer("Example:\n  martlet lineage flight-delay@live --format mermaid");
  verb->callback([&session, what, format, environment] {
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

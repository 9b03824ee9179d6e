#include "cli/session.h"
#include "cli/verbs.h"

#include <CLI/CLI.hpp>

namespace martlet::cli {

void add_version(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("version", "Which martlet this is");
  verb->footer("Example:\n  martlet version --json");
  verb->callback([&session] {
    session.action = [&session]() -> Result<int> {
      session.console.print_json(Json{{"version", program_version()}, {"code", code_version()}});
      session.console.print("martlet " + program_version());
      return kSuccess;
    };
  });
}

}  // namespace martlet::cli

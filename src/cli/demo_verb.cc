#include "cli/demo.h"
#include "cli/verbs.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <chrono>

namespace martlet::cli {

void add_demo(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand(
      "demo", "The flagship example, from raw flights to a model that keeps itself good");
  auto flags = std::make_shared<DemoFlags>();
  verb->add_option("--directory", flags->directory,
                   "work there and leave everything; default: a temporary folder that is removed");
  verb->add_option("--example", flags->example,
                   "the example's folder; default: beside the program");
  verb->footer("Example:\n  martlet demo");
  verb->callback([&session, flags] {
    session.action = [&session, flags] { return run_demo(session, *flags); };
  });
}

}  // namespace martlet::cli

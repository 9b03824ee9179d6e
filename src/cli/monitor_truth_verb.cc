#include "cli/input_files.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "lifecycle/truth_file.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

void add_monitor_truth(CLI::App& monitor, Session& session) {
  CLI::App* verb = monitor.add_subcommand(
      "truth", "Takes in what turned out to be true, from files: the key, the target, known_at");
  auto paths = std::make_shared<std::vector<std::string>>();
  auto environment = std::make_shared<std::string>("experiment");
  verb->add_option("files", *paths, "CSV, Parquet or JSON lines, paths or patterns")->required();
  verb->add_option("--env", *environment, "whose deployment")->capture_default_str();
  const auto flags = add_input_flags(*verb);
  verb->footer("Example:\n  martlet monitor truth landed.csv");
  verb->callback([=, &session] {
    session.action = [=, &session]() -> Result<int> {
      MARTLET_TRY_SET(const registry::Environment where, registry::parse_environment(*environment));
      MARTLET_TRY_SET(const lifecycle::Project project, session.project());
      MARTLET_TRY_SET(const auto store, session.store(project, lifecycle::WhenMissing::Refuse));
      MARTLET_TRY_SET(const columns::Batch rows, read_input(*paths, *flags));
      MARTLET_TRY_SET(const monitoring::AcceptedTruth counts,
                      lifecycle::accept_truth_rows(*store, project, where, rows));
      session.console.print_json(Json{
          {"fresh", counts.fresh}, {"corrected", counts.corrected}, {"repeated", counts.repeated}});
      session.console.print(fmt::format("{} fresh, {} corrected, {} repeated", counts.fresh,
                                        counts.corrected, counts.repeated));
      return kSuccess;
    };
  });
}

}  // namespace martlet::cli

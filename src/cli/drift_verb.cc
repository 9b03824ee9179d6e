#include "cli/input_files.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "evaluation/drift.h"
#include "platform/threads.h"

#include <CLI/CLI.hpp>

namespace martlet::cli {

namespace {
std::string figure_text(const std::optional<double>& figure) {
  return figure.has_value() ? number_text(*figure) : "-";
}
}  // namespace

void add_drift(CLI::App& app, Session& session) {
  CLI::App* verb =
      app.add_subcommand("drift", "How far two files have moved apart, column by column");
  auto reference = std::make_shared<std::vector<std::string>>();
  auto current = std::make_shared<std::vector<std::string>>();
  auto names = std::make_shared<std::vector<std::string>>();
  verb->add_option("--reference", *reference, "files to compare with")->required();
  verb->add_option("--current", *current, "files to judge")->required();
  verb->add_option("--columns", *names, "only these, separated by commas")->delimiter(',');
  const auto input = add_input_flags(*verb);
  verb->footer("Definitions: docs/metrics.md. Drifted means a population stability index of 0.2 or "
               "more.\nExample:\n"
               "  martlet drift --reference january.parquet --current july.parquet --json");
  verb->callback([&session, reference, current, names, input] {
    session.action = [=, &session]() -> Result<int> {
      MARTLET_TRY_SET(const columns::Batch before, read_input(*reference, *input));
      MARTLET_TRY_SET(const columns::Batch now, read_input(*current, *input));
      MARTLET_TRY_SET(
          const evaluation::DriftReport report,
          evaluation::drift(before, now, *names, {.threads = platform::hardware_threads()}));
      session.console.print_json(evaluation::to_json(report));
      std::vector<std::vector<std::string>> rows;
      for (const evaluation::ColumnDrift& drift : report.columns) {
        rows.push_back({drift.name, std::string(evaluation::name_of(drift.type)),
                        figure_text(drift.psi), figure_text(drift.ks), figure_text(drift.ks_p),
                        figure_text(drift.js), figure_text(drift.wasserstein),
                        !drift.drifted.has_value() ? "unknown"
                        : *drift.drifted           ? session.console.red("drifted")
                                                   : "no"});
      }
      session.console.table({"column", "type", "psi", "ks", "ks p", "js", "wasserstein", "drifted"},
                            rows);
      session.console.print("share drifted: " + number_text(report.share_drifted));
      return kSuccess;
    };
  });
}

}  // namespace martlet::cli

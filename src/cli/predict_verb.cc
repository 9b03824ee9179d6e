#include "cli/input_files.h"
#include "cli/interrupt.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "lifecycle/predict.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

void add_predict(CLI::App& app, Session& session) {
  CLI::App* verb =
      app.add_subcommand("predict", "Scores the rows of files with a registered model");
  auto request = std::make_shared<lifecycle::PredictRequest>();
  auto environment = std::make_shared<std::string>("experiment");
  auto inputs = std::make_shared<std::vector<std::string>>();
  verb->add_option("model", request->model, "flight-delay@live, flight-delay/3 or flight-delay")
      ->required();
  verb->add_option("--input", *inputs, "CSV, Parquet or JSON lines; paths or patterns")->required();
  verb->add_option("--output", request->output,
                   "a .parquet, .csv or .jsonl file; it appears whole or not at all")
      ->required();
  verb->add_option("--env", *environment, "whose aliases")->capture_default_str();
  verb->add_flag("--only-key", request->only_key,
                 "write the key and the prediction, not the other columns");
  const auto input = add_input_flags(*verb);
  verb->footer("Rows that can't be scored go to OUTPUT.rejected.jsonl with the reason.\nExample:\n"
               "  martlet predict flight-delay@live --input today.parquet --output scores.parquet");
  verb->callback([=, &session] {
    session.action = [=, &session]() -> Result<int> {
      MARTLET_TRY_SET(const lifecycle::Project project, session.project());
      MARTLET_TRY_SET(const auto store, session.store(project, lifecycle::WhenMissing::Refuse));
      MARTLET_TRY_SET(request->environment, registry::parse_environment(*environment));
      MARTLET_TRY_SET(request->rows, read_input(*inputs, *input));
      MARTLET_TRY_SET(const lifecycle::PredictReport report,
                      lifecycle::predict(*store, project, *request));
      session.console.print_json(report.to_json());
      session.console.print(fmt::format("{} rows scored in {:.2f} s by {}, {} rejected; {}",
                                        report.rows, report.seconds, report.model, report.rejected,
                                        report.output));
      return report.rejected == 0 ? kSuccess : kWorkFailed;
    };
  });
}

}  // namespace martlet::cli

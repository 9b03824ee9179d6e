#include "cli/input_files.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "evaluation/evaluate.h"

#include <CLI/CLI.hpp>

namespace martlet::cli {

namespace {

std::vector<std::string> row_of(const evaluation::Figure& figure) {
  std::vector<std::string> row{figure.name, number_text(figure.value)};
  if (figure.interval.has_value()) {
    row.push_back(number_text(figure.interval->first));
    row.push_back(number_text(figure.interval->second));
  }
  return row;
}

void show(Session& session, const evaluation::Evaluation& result) {
  Console& console = session.console;
  console.print(std::to_string(result.rows) + " rows" +
                (result.left_out > 0 ? ", " + std::to_string(result.left_out) + " left out" : "") +
                (result.positive.empty() ? "" : "; yes is " + result.positive));
  std::vector<std::vector<std::string>> rows;
  for (const evaluation::Figure& figure : result.metrics) rows.push_back(row_of(figure));
  console.table({"metric", "value", "low", "high"}, rows);
  for (const evaluation::FairnessReport& fairness : result.fairness) {
    console.print("");
    std::vector<std::vector<std::string>> figures;
    for (const evaluation::Figure& figure : fairness.figures) figures.push_back(row_of(figure));
    console.table({"fairness by " + fairness.column, "value", "low", "high"}, figures);
    std::vector<std::vector<std::string>> groups;
    std::vector<std::string> header{"group", "rows"};
    for (const evaluation::GroupReport& group : fairness.groups) {
      std::vector<std::string> line{group.group, std::to_string(group.rows)};
      for (const evaluation::Figure& figure : group.figures) {
        if (groups.empty()) header.push_back(figure.name);
        line.push_back(number_text(figure.value));
      }
      groups.push_back(std::move(line));
    }
    console.table(header, groups);
  }
}

}  // namespace

void add_evaluate(CLI::App& app, Session& session) {
  CLI::App* verb =
      app.add_subcommand("evaluate", "Metrics and fairness of a file of scores or predictions");
  auto options = std::make_shared<evaluation::EvaluateOptions>();
  auto file = std::make_shared<std::string>();
  auto positive = std::make_shared<std::string>();
  auto confidence = std::make_shared<double>(0);
  verb->add_option("file", *file, "CSV, Parquet or JSON lines")->required();
  verb->add_option("--target", options->target, "column of what turned out to be true")->required();
  verb->add_option("--score", options->score, "column of scores");
  verb->add_option("--prediction", options->prediction, "column of predictions");
  verb->add_option("--threshold", options->threshold, "predicted = score >= threshold")
      ->capture_default_str();
  verb->add_option("--groups", options->groups, "columns to judge fairness by, separated by commas")
      ->delimiter(',');
  verb->add_option("--positive", *positive, "the target's value that counts as yes");
  verb->add_option("--confidence", *confidence, "adds intervals at this confidence, such as 0.95");
  verb->add_option("--seed", options->seed, "of the intervals")->capture_default_str();
  const auto input = add_input_flags(*verb);
  verb->footer(
      "Example:\n  martlet evaluate scores.csv --target late --score score --groups origin --json");
  verb->callback([&session, options, file, positive, confidence, input] {
    session.action = [=, &session]() -> Result<int> {
      if (!positive->empty()) options->positive = *positive;
      if (*confidence != 0) options->confidence = *confidence;
      MARTLET_TRY_SET(const columns::Batch rows, read_input({*file}, *input));
      MARTLET_TRY_SET(const evaluation::Evaluation result, evaluation::evaluate(rows, *options));
      session.console.print_json(evaluation::to_json(result));
      show(session, result);
      return kSuccess;
    };
  });
}

}  // namespace martlet::cli

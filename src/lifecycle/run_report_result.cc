#include "lifecycle/internal/run_sections.h"

#include <fmt/format.h>

#include <cmath>

namespace martlet::lifecycle::internal {

using report::Tone;

std::string with_interval(double value, double low, double high) {
  if (!std::isfinite(low) || !std::isfinite(high)) return report::number_text(value);
  return fmt::format("{} [{}, {}]", report::number_text(value), report::number_text(low),
                     report::number_text(high));
}

std::string with_unit(const std::string& name, const std::string& unit) {
  return unit.empty() ? name : name + " (" + unit + " per row)";
}

std::string second_text(Timestamp at) {
  return to_text(Timestamp{at.micros - at.micros % kMicrosPerSecond});
}

const Json& primary_kpi(const Dossier& dossier) {
  const Json& kpis = member_or_null(dossier.outputs("evaluate"), "kpis");
  if (!kpis.is_array() || kpis.empty()) return member_or_null(Json(nullptr), "");
  for (const Json& kpi : kpis) {
    if (member_or_null(kpi, "total").is_number()) return kpi;  // of values alone
  }
  return kpis.front();
}

namespace {

void add_errors(const Dossier& dossier, report::Section& section) {
  for (const workflow::StepRecord& step : dossier.report.outcome.steps) {
    if (step.step_status() == workflow::StepStatus::Failed)
      section.blocks.emplace_back(
          report::Note{Tone::Bad, "The step " + step.name + " failed: " + step.error});
  }
  if (!dossier.run().error.empty() && section.blocks.empty())
    section.blocks.emplace_back(report::Note{Tone::Bad, "The run failed: " + dossier.run().error});
  const workflow::RunStatus status = dossier.run().run_status();
  if (status == workflow::RunStatus::Running)
    section.blocks.emplace_back(report::Note{
        Tone::Unsure, "The run hasn't ended: it is under way, or was interrupted (`martlet resume` "
                      "goes on with it). This report shows what there is."});
  if (status == workflow::RunStatus::Cancelled)
    section.blocks.emplace_back(
        report::Note{Tone::Unsure, "The run was cancelled; `martlet resume` goes on with it. This "
                                   "report shows what there is."});
}

std::string verdict_text(const Json& verdict) {
  const std::string kind = text_or(verdict, "verdict");
  const std::string unit = text_or(verdict, "unit");
  const std::string gain =
      with_interval(number_or_nan(verdict, "gain"), number_or_nan(verdict, "low"),
                    number_or_nan(verdict, "high")) +
      (unit.empty() ? "" : " " + unit) + " per row";
  const std::string rule = "the best rule, \"" + text_or(verdict, "best_baseline") + "\"";
  if (kind == "required")
    return "Machine learning is required: the model gains " + gain + " over " + rule +
           ", on rows that neither has seen.";
  if (kind == "not_required")
    return "Machine learning is not required: against " + rule + ", the model's gain is " + gain +
           ".";
  return "It is undecided whether machine learning is required: against " + rule +
         ", the model's gain is " + gain + ", which may as well be chance.";
}

report::Tile kpi_tile(const Json& kpi) {
  report::Tile tile;
  tile.label = with_unit(text_or(kpi, "name"), text_or(kpi, "unit"));
  tile.value = report::number_text(number_or_nan(kpi, "value"));
  const double low = number_or_nan(kpi, "low");
  if (std::isfinite(low))
    tile.detail = fmt::format("{} to {}", report::number_text(low),
                              report::number_text(number_or_nan(kpi, "high")));
  if (const std::string goal = text_or(kpi, "goal"); !goal.empty())
    tile.detail += (tile.detail.empty() ? "goal " : "; goal ") + goal;
  const std::optional<bool> passed = known_boolean(kpi, "passed");
  if (passed.has_value()) tile.tone = *passed ? Tone::Good : Tone::Bad;
  return tile;
}

}  // namespace

report::Section result_section(const Dossier& dossier) {
  report::Section section{"Result", {}};
  add_errors(dossier, section);
  const Json& evaluated = dossier.outputs("evaluate");
  if (evaluated.empty()) return section;
  report::Tiles tiles;
  const Json& primary = primary_kpi(dossier);
  if (primary.is_object()) tiles.tiles.push_back(kpi_tile(primary));
  const Json& verdict = member_or_null(evaluated, "verdict");
  if (verdict.is_object()) {
    report::Tile gain{
        "gain over the best rule", report::number_text(number_or_nan(verdict, "gain")),
        fmt::format("{} to {}, over \"{}\"", report::number_text(number_or_nan(verdict, "low")),
                    report::number_text(number_or_nan(verdict, "high")),
                    text_or(verdict, "best_baseline")),
        Tone::Plain};
    const std::string kind = text_or(verdict, "verdict");
    gain.tone = kind == "required" ? Tone::Good : kind == "not_required" ? Tone::Bad : Tone::Unsure;
    tiles.tiles.push_back(std::move(gain));
  }
  for (const char* name : {"auc", "r2"}) {
    const Json& figure = member_or_null(member_or_null(evaluated, "metrics"), name);
    if (figure.is_null()) continue;
    const RecordedFigure read = figure_of(figure);
    tiles.tiles.push_back({name, report::number_text(read.value),
                           std::isfinite(read.low)
                               ? fmt::format("{} to {}", report::number_text(read.low),
                                             report::number_text(read.high))
                               : "",
                           Tone::Plain});
  }
  tiles.tiles.push_back({"test rows", report::json_cell(member_or_null(evaluated, "rows")).text,
                         "seen by neither training nor selection", Tone::Plain});
  section.blocks.emplace_back(std::move(tiles));
  if (verdict.is_object()) section.blocks.emplace_back(report::Paragraph{verdict_text(verdict)});
  return section;
}

report::Section contract_section(const Dossier& dossier) {
  report::Section section{"The contract", {}};
  if (!dossier.project.has_value()) {
    if (!dossier.project_text.empty())
      section.blocks.emplace_back(
          report::Note{Tone::Unsure, "This version of martlet can't read the run's project file; "
                                     "it stands under \"How to have it again\"."});
    return section;
  }
  const Json contract = problem::to_json(dossier.project->problem);
  report::Facts facts;
  const auto add = [&](const char* name, const char* key) {
    const Json& value = member_or_null(contract, key);
    if (value.is_array()) {
      std::string list;
      for (const Json& item : value) list += (list.empty() ? "" : ", ") + item.get<std::string>();
      if (!list.empty()) facts.rows.emplace_back(name, report::text_cell(list));
    } else if (!value.is_null()) {
      facts.rows.emplace_back(name, report::json_cell(value));
    }
  };
  add("Question", "question");
  add("Decision", "decision");
  add("Owner", "owner");
  const Json& split = dossier.outputs("split");
  if (const std::string task = text_or(split, "task"); !task.empty())
    facts.rows.emplace_back("Task", report::text_cell(task));
  add("Target", "target");
  add("Event time", "time");
  add("Decided at", "decided_at");
  add("Zone", "zone");
  add("Key", "key");
  section.blocks.emplace_back(std::move(facts));
  report::Table kpis{{"KPI", "is", "unit", "goal", "confidence"}, {}, ""};
  for (const Json& kpi : contract["kpis"]) {
    const std::string metric = text_or(kpi, "metric");
    kpis.rows.push_back(
        {report::text_cell(text_or(kpi, "name")),
         report::code_cell(metric.empty() ? text_or(kpi, "value") : metric),
         report::text_cell(text_or(kpi, "unit")), report::text_cell(text_or(kpi, "goal")),
         kpi.contains("confidence")
             ? report::text_cell(report::share_text(number_or_nan(kpi, "confidence")))
             : report::text_cell("")});
  }
  if (!kpis.rows.empty()) section.blocks.emplace_back(std::move(kpis));
  return section;
}

report::Section kpi_section(const Dossier& dossier) {
  report::Section section{"KPIs against rule and champion", {}};
  const Json& kpis = member_or_null(dossier.outputs("evaluate"), "kpis");
  if (!kpis.is_array() || kpis.empty()) return section;
  report::Table table{{"KPI", "model", "low", "high", "goal", "", "best rule", "champion", "total"},
                      {},
                      "On the test rows; the interval is two-sided at the KPI's confidence."};
  for (const Json& kpi : kpis) {
    table.rows.push_back(
        {report::text_cell(with_unit(text_or(kpi, "name"), text_or(kpi, "unit"))),
         report::number_cell(number_or_nan(kpi, "value")),
         report::number_cell(number_or_nan(kpi, "low")),
         report::number_cell(number_or_nan(kpi, "high")), report::text_cell(text_or(kpi, "goal")),
         text_or(kpi, "goal").empty() ? report::text_cell("")
                                      : report::passed_cell(known_boolean(kpi, "passed")),
         report::number_cell(number_or_nan(kpi, "baseline")),
         report::number_cell(number_or_nan(kpi, "champion")),
         report::number_cell(number_or_nan(kpi, "total"))});
  }
  section.blocks.emplace_back(std::move(table));
  const Json& primary = primary_kpi(dossier);
  if (const Json& contenders = member_or_null(dossier.diagnostics, "contenders");
      contenders.is_array()) {
    report::BarPlot plot;
    plot.title =
        with_unit(text_or(primary, "name"), text_or(primary, "unit")) + ", who decides how well";
    plot.about = "The primary KPI on the same test rows, with its interval. Overlapping intervals "
                 "don't mean that the difference is chance: model and rule are compared row by "
                 "row, see the gates.";
    plot.value = {text_or(primary, "name")};
    plot.names = "who decides";
    plot.dots = true;
    for (const Json& contender : contenders) {
      const std::string role = text_or(contender, "role");
      plot.bars.push_back(
          {role == "champion" ? "the champion" : role + ": " + text_or(contender, "name"),
           number_or_nan(contender, "kpi"), number_or_nan(contender, "low"),
           number_or_nan(contender, "high"), Tone::Plain, ""});
    }
    section.blocks.emplace_back(report::Plots{{report::bar_plot(plot)}});
  }
  report::Table rules{{"rule", "what it does", "KPI on the training rows"},
                      {},
                      "All rules; the best on the training rows is the one to beat."};
  const Json& baselines = dossier.outputs("baselines");
  if (const Json& list = member_or_null(baselines, "baselines"); list.is_array()) {
    for (const Json& rule : list) {
      rules.rows.push_back({report::text_cell(text_or(rule, "name")),
                            report::code_cell(text_or(rule, "description")),
                            report::number_cell(number_or_nan(rule, "training_kpi"))});
    }
  }
  if (!rules.rows.empty()) section.blocks.emplace_back(report::Fold{"The rules", std::move(rules)});
  return section;
}

report::Section gate_section(const Dossier& dossier) {
  report::Section section{"Gates", {}};
  const Json& gates = member_or_null(dossier.outputs("evaluate"), "gates");
  if (!gates.is_array() || gates.empty()) return section;
  report::Table table{{"gate", "", "why"}, {}, ""};
  for (const Json& gate : gates) {
    std::string why = text_or(gate, "why");
    report::Cell result = report::passed_cell(known_boolean(gate, "passed"));
    if (const std::string waived = text_or(gate, "waived"); !waived.empty()) {
      why += "; waived: " + waived;
      result = report::badge_cell("waived", Tone::Unsure);
    }
    table.rows.push_back({report::text_cell(text_or(gate, "name")), std::move(result),
                          report::text_cell(std::move(why))});
  }
  section.blocks.emplace_back(std::move(table));
  return section;
}

}  // namespace martlet::lifecycle::internal

#include "lifecycle/comparison.h"

#include "lifecycle/internal/run_sections.h"
#include "lifecycle/track.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace martlet::lifecycle {

namespace {

using Line = Comparison::Line;

// Tags that every run has of its own.
bool names_the_run(const tracking::Difference& difference) {
  return difference.kind == tracking::DifferenceKind::Tag && difference.key == kPipelineRunTag;
}

Result<std::optional<Dossier>> dossier_of(const Store& store, const tracking::Run& run) {
  const auto tag = run.tags.find(std::string(kPipelineRunTag));
  if (tag == run.tags.end()) return std::optional<Dossier>();
  auto dossier = gather_dossier(store, RunId(tag->second));
  if (dossier.has_value()) return std::optional(std::move(*dossier));
  if (dossier.error().code() == ErrorCode::NotFound) return std::optional<Dossier>();
  return fail(std::move(dossier).error());
}

std::map<std::string, Json> gates_of(const std::optional<Dossier>& dossier) {
  std::map<std::string, Json> gates;
  if (!dossier.has_value()) return gates;
  for (const Json& gate : member_or_null(dossier->outputs("evaluate"), "gates")) {
    const std::optional<bool> passed = known_boolean(gate, "passed");
    gates[text_or(gate, "name")] = !passed.has_value() ? "unknown" : *passed ? "passed" : "failed";
  }
  return gates;
}

void add_gates(const Comparison& comparison, std::vector<Line>& lines) {
  std::map<std::string, std::pair<Json, Json>> both;
  for (const auto& [name, result] : gates_of(comparison.first_dossier)) both[name].first = result;
  for (const auto& [name, result] : gates_of(comparison.second_dossier)) both[name].second = result;
  for (const auto& [name, results] : both)
    lines.push_back({"gate", name, results.first, results.second, std::nullopt,
                     results.first == results.second});
}

Json side_json(const tracking::Run& run) {
  const auto tag = run.tags.find(std::string(kPipelineRunTag));
  return Json{{"run", run.id.text()},
              {"pipeline_run", tag == run.tags.end() ? Json(nullptr) : Json(tag->second)},
              {"name", run.name},
              {"status", std::string(tracking::name_of(run.status))},
              {"started", to_text(run.started)}};
}

report::Cell value_cell(const Json& value) {
  if (value.is_null()) return report::number_cell(report::kNone);  // "–"
  if (value.is_string() && Digest::parse(value.get<std::string>()).has_value())
    return report::code_cell(value.get<std::string>());
  return report::json_cell(value);
}

report::Table table_of(const Comparison& comparison, const std::string& kind, bool numbers) {
  report::Table table{{kind, "first", "second"}, {}, ""};
  if (numbers) table.header.emplace_back("difference");
  for (const Line& line : comparison.lines) {
    if (line.kind != kind) continue;
    std::vector<report::Cell> row{report::text_cell(line.key), value_cell(line.first),
                                  value_cell(line.second)};
    if (numbers) {
      report::Cell cell = report::number_cell(line.difference.value_or(report::kNone));
      if (line.difference.value_or(0) > 0) cell.text = "+" + cell.text;
      row.push_back(std::move(cell));
    } else if (!line.equal) {
      row[1].tone = row[2].tone = report::Tone::Unsure;
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

report::Section summary_section(const Comparison& comparison) {
  report::Section section{"In short", {}};
  const auto differs = std::count_if(comparison.lines.begin(), comparison.lines.end(),
                                     [](const Line& line) { return !line.equal; });
  if (differs == 0)
    section.blocks.emplace_back(report::Note{
        report::Tone::Good,
        "The runs are alike: the same params, datasets, metrics, gates, facts and artifacts."});
  report::Tiles tiles;
  for (const Line& line : comparison.lines) {
    if (line.kind != "metric" || !line.key.starts_with("kpi.") || !line.difference.has_value())
      continue;
    tiles.tiles.push_back(
        {line.key.substr(4),
         (*line.difference > 0 ? "+" : "") + report::number_text(*line.difference),
         report::number_text(line.first.get<double>()) + " → " +
             report::number_text(line.second.get<double>()),
         report::Tone::Plain});
  }
  if (!tiles.tiles.empty()) section.blocks.emplace_back(std::move(tiles));
  report::Table runs{{"", "first", "second"}, {}, ""};
  const Json first = side_json(comparison.first);
  const Json second = side_json(comparison.second);
  for (const auto& [key, value] : first.items())
    runs.rows.push_back({report::text_cell(key == "pipeline_run" ? "pipeline run" : key),
                         value_cell(value), value_cell(second[key])});
  section.blocks.emplace_back(std::move(runs));
  return section;
}

report::Section curve_section(const Comparison& comparison) {
  report::Section section{"How they answer", {}};
  if (!comparison.first_dossier.has_value() || !comparison.second_dossier.has_value())
    return section;
  const Json& kpi = internal::primary_kpi(*comparison.first_dossier);
  auto plots = internal::answer_plots({{"first", comparison.first_dossier->diagnostics},
                                       {"second", comparison.second_dossier->diagnostics}},
                                      text_or(kpi, "name"), text_or(kpi, "unit"));
  if (plots.empty()) return section;
  const auto dataset =
      std::find_if(comparison.lines.begin(), comparison.lines.end(),
                   [](const Line& line) { return line.kind == "input" && !line.equal; });
  if (dataset != comparison.lines.end())
    section.blocks.emplace_back(
        report::Note{report::Tone::Unsure, "The runs read different versions of " + dataset->key +
                                               ": each was judged on test rows of its own, so part "
                                               "of a difference may be the rows'."});
  section.blocks.emplace_back(report::Plots{std::move(plots)});
  return section;
}

}  // namespace

Result<Comparison> compare_runs(const Store& store, const std::string& first,
                                const std::string& second) {
  Comparison comparison;
  MARTLET_TRY_SET(comparison.first, find_tracked_run(store, first));
  MARTLET_TRY_SET(comparison.second, find_tracked_run(store, second));
  MARTLET_TRY_SET(comparison.first_dossier, dossier_of(store, comparison.first));
  MARTLET_TRY_SET(comparison.second_dossier, dossier_of(store, comparison.second));
  for (const tracking::Difference& difference :
       tracking::compare(comparison.first, comparison.second)) {
    if (names_the_run(difference)) continue;
    Line line{std::string(tracking::name_of(difference.kind)),
              difference.key,
              difference.first,
              difference.second,
              std::nullopt,
              difference.equal};
    if (line.first.is_number() && line.second.is_number())
      line.difference = line.second.get<double>() - line.first.get<double>();
    comparison.lines.push_back(std::move(line));
  }
  add_gates(comparison, comparison.lines);
  return comparison;
}

Json to_json(const Comparison& comparison) {
  Json lines = Json::array();
  for (const Line& line : comparison.lines) {
    lines.push_back(
        Json{{"kind", line.kind},
             {"key", line.key},
             {"first", line.first},
             {"second", line.second},
             {"difference",
              line.difference.has_value() ? number_or_null(*line.difference) : Json(nullptr)},
             {"equal", line.equal}});
  }
  return Json{{"first", side_json(comparison.first)},
              {"second", side_json(comparison.second)},
              {"differences", std::move(lines)}};
}

report::Document report_of(const Comparison& comparison) {
  report::Document document;
  document.title = "Two runs compared";
  document.subtitle = comparison.first.name + " and " + comparison.second.name;
  document.sections.push_back(summary_section(comparison));
  if (report::Section curves = curve_section(comparison); !curves.blocks.empty())
    document.sections.push_back(std::move(curves));
  struct Part {
    const char* kind;
    const char* title;
    bool numbers;
  };
  for (const Part& part : {Part{"metric", "Metrics", true}, Part{"gate", "Gates", false},
                           Part{"param", "Params", false}, Part{"input", "Datasets", false},
                           Part{"fact", "What they ran on", false},
                           Part{"artifact", "Artifacts", false}, Part{"tag", "Tags", false}}) {
    report::Table table = table_of(comparison, part.kind, part.numbers);
    if (!table.rows.empty()) document.sections.push_back({part.title, {std::move(table)}});
  }
  document.footer = fmt::format("Runs {} and {}. Made by martlet from what the runs recorded.",
                                comparison.first.id.text(), comparison.second.id.text());
  return document;
}

}  // namespace martlet::lifecycle

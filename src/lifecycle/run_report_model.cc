#include "lifecycle/internal/run_sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace martlet::lifecycle::internal {

namespace {

constexpr std::size_t kMostBars = 25;    // of importance and power
constexpr std::size_t kMostSlices = 40;  // drawn; the table has all

// A regression decides nothing, so it has no threshold.
bool has_threshold(const Dossier& dossier) {
  return text_or(dossier.outputs("split"), "task") != "regression";
}

report::Table metric_table(const Json& metrics, bool threshold) {
  report::Table table{{"metric", "value", "low", "high"},
                      {},
                      threshold ? "On the test rows, with the model's threshold."
                                : "On the test rows."};
  for (const auto& [name, figure] : metrics.items()) {
    const RecordedFigure read = figure_of(figure);
    table.rows.push_back({report::text_cell(name), report::number_cell(read.value),
                          report::number_cell(read.low), report::number_cell(read.high)});
  }
  return table;
}

// The chosen candidate's name, as its train step is called.
std::string chosen_of(const Dossier& dossier) {
  return text_or(member_or_null(dossier.outputs("select"), "chosen"), "candidate");
}

report::Table candidate_table(const Dossier& dossier, const std::string& chosen) {
  report::Table table{
      {"candidate", "", "KPI on the validation rows", "threshold", "what training said"},
      {},
      "All candidates; the best on the validation rows was chosen."};
  for (const auto& [name, outputs] : dossier.outputs_of("martlet/train")) {
    std::string said;
    if (const Json& info = member_or_null(*outputs, "info"); info.is_object()) {
      for (const auto& [key, value] : info.items()) {
        if (value.is_primitive())
          said += (said.empty() ? "" : ", ") + key + " " + report::json_cell(value).text;
      }
    }
    table.rows.push_back(
        {report::text_cell(name),
         text_or(*outputs, "candidate") == chosen ? report::badge_cell("chosen", report::Tone::Good)
                                                  : report::text_cell(""),
         report::number_cell(number_or_nan(*outputs, "validation_kpi")),
         report::number_cell(has_threshold(dossier) ? number_or_nan(*outputs, "threshold")
                                                    : report::kNone),
         report::text_cell(std::move(said))});
  }
  return table;
}

report::Table left_out_table(const Json& train) {
  report::Table table{{"column", "why it is no feature"}, {}, ""};
  for (const Json& item : member_or_null(train, "left_out"))
    table.rows.push_back(
        {report::text_cell(text_or(item, "column")), report::text_cell(text_or(item, "why"))});
  return table;
}

}  // namespace

report::Section answers_section(const Dossier& dossier) {
  report::Section section{"How the model answers", {}};
  const Json& metrics = member_or_null(dossier.outputs("evaluate"), "metrics");
  if (!metrics.is_object()) return section;
  const Json& primary = primary_kpi(dossier);
  std::vector<report::Plot> plots =
      answer_plots({{"", dossier.diagnostics}}, text_or(primary, "name"), text_or(primary, "unit"));
  if (!plots.empty())
    section.blocks.emplace_back(report::Plots{std::move(plots)});
  else
    section.blocks.emplace_back(report::Note{
        report::Tone::Unsure, "This run recorded no curves: it was made by an older version of "
                              "martlet, or what it recorded is no longer in the store."});
  section.blocks.emplace_back(metric_table(metrics, has_threshold(dossier)));
  return section;
}

report::Section feature_section(const Dossier& dossier) {
  report::Section section{"Model and features", {}};
  const std::string chosen = chosen_of(dossier);
  report::Table candidates = candidate_table(dossier, chosen);
  if (candidates.rows.empty()) return section;
  section.blocks.emplace_back(std::move(candidates));
  const Json* train = nullptr;
  for (const auto& [name, outputs] : dossier.outputs_of("martlet/train")) {
    if (train == nullptr || text_or(*outputs, "candidate") == chosen) train = outputs;
  }
  report::BarPlot plot{"Importance",
                       "How much each feature helped the training (the sum of its gains, or the "
                       "size of its coefficient); it says nothing about cause.",
                       {"weight"},
                       "feature",
                       {}};
  std::vector<const Json*> items;
  for (const Json& item : member_or_null(*train, "importance")) items.push_back(&item);
  std::stable_sort(items.begin(), items.end(), [](const Json* a, const Json* b) {
    return std::abs(number_or_nan(*a, "weight")) > std::abs(number_or_nan(*b, "weight"));
  });
  if (items.size() > kMostBars) {
    plot.about += fmt::format(" The {} strongest of {}.", kMostBars, items.size());
    items.resize(kMostBars);
  }
  for (const Json* item : items)
    plot.bars.push_back({text_or(*item, "feature"), number_or_nan(*item, "weight")});
  if (!plot.bars.empty()) section.blocks.emplace_back(report::Plots{{report::bar_plot(plot)}});
  if (report::Table left_out = left_out_table(*train); !left_out.rows.empty())
    section.blocks.emplace_back(report::Fold{"Columns that are no features", std::move(left_out)});
  return section;
}

report::Section slice_section(const Dossier& dossier) {
  report::Section section{"Slices", {}};
  const Json& slices = member_or_null(dossier.outputs("evaluate"), "slices");
  if (!slices.is_array() || slices.empty()) return section;
  const Json& primary = primary_kpi(dossier);
  const std::string kpi = text_or(primary, "name");
  report::Table table{{"column", "value", "rows", kpi, "low", "high"}, {}, ""};
  std::vector<const Json*> largest;
  for (const Json& slice : slices) {
    largest.push_back(&slice);
    table.rows.push_back({report::text_cell(text_or(slice, "column")),
                          report::text_cell(text_or(slice, "value")),
                          report::number_cell(number_or_nan(slice, "rows")),
                          report::number_cell(number_or_nan(slice, "kpi")),
                          report::number_cell(number_or_nan(slice, "low")),
                          report::number_cell(number_or_nan(slice, "high"))});
  }
  report::BarPlot plot{
      "",
      "The primary KPI for parts of the test rows, with its interval. The dashed line is all rows.",
      {with_unit(kpi, text_or(primary, "unit"))},
      "slice",
      {}};
  plot.title = kpi + " by slice";
  plot.dots = true;
  if (const double all = number_or_nan(primary, "value"); std::isfinite(all)) plot.level = all;
  if (largest.size() > kMostSlices) {
    std::stable_sort(largest.begin(), largest.end(), [](const Json* a, const Json* b) {
      return number_or_nan(*a, "rows") > number_or_nan(*b, "rows");
    });
    largest.resize(kMostSlices);
    plot.about += fmt::format(" The {} largest slices; the table has all.", kMostSlices);
  }
  std::stable_sort(largest.begin(), largest.end(), [](const Json* a, const Json* b) {
    return text_or(*a, "column") != text_or(*b, "column")
               ? text_or(*a, "column") < text_or(*b, "column")
               : number_or_nan(*a, "kpi") > number_or_nan(*b, "kpi");
  });
  for (const Json* slice : largest) {
    plot.bars.push_back({text_or(*slice, "column") + " " + text_or(*slice, "value"),
                         number_or_nan(*slice, "kpi"), number_or_nan(*slice, "low"),
                         number_or_nan(*slice, "high"), report::Tone::Plain,
                         report::json_cell(member_or_null(*slice, "rows")).text + " rows"});
  }
  report::Plot made = report::bar_plot(plot);
  made.table = std::move(table);
  section.blocks.emplace_back(report::Plots{{std::move(made)}});
  return section;
}

report::Section fairness_section(const Dossier& dossier) {
  report::Section section{"Fairness", {}};
  const Json& fairness = member_or_null(dossier.outputs("evaluate"), "fairness");
  if (!fairness.is_object()) return section;
  for (const auto& [column, judged] : fairness.items()) {
    report::Table figures{{"between the groups of " + column, "value"}, {}, ""};
    report::Table groups{{column}, {}, ""};
    for (const auto& [name, figure] : judged.items()) {
      if (name != "groups")
        figures.rows.push_back(
            {report::text_cell(name), report::number_cell(figure_of(figure).value)});
    }
    for (const auto& [group, rates] : member_or_null(judged, "groups").items()) {
      std::vector<report::Cell> row{report::text_cell(group)};
      for (const auto& [name, figure] : rates.items()) {
        if (groups.rows.empty()) groups.header.push_back(name == "n" ? "rows" : name);
        row.push_back(report::number_cell(figure_of(figure).value));
      }
      row.resize(groups.header.size());
      groups.rows.push_back(std::move(row));
    }
    section.blocks.emplace_back(std::move(figures));
    if (!groups.rows.empty()) section.blocks.emplace_back(std::move(groups));
  }
  return section;
}

}  // namespace martlet::lifecycle::internal

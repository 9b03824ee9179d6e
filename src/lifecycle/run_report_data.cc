#include "lifecycle/internal/run_sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace martlet::lifecycle::internal {

namespace {

constexpr std::size_t kMostBars = 25;
constexpr double kDrifted = 0.2;  // DESIGN §12.13

// What a cleaning step does, from how it is written: {"fill": {"column": …}}.
std::string step_text(const Json& step) {
  if (!step.is_object() || step.empty()) return to_text(step);
  if (step.size() == 1 && step.begin()->is_object()) {
    std::string text = step.begin().key();
    for (const auto& [key, value] : step.begin()->items())
      text +=
          " " + key + " " + (value.is_string() ? value.get<std::string>() : to_text(value)) + ",";
    if (text.ends_with(',')) text.pop_back();
    return text;
  }
  return to_text(step);
}

report::Table ledger_table(const Json& ledger) {
  report::Table table{{"cleaning step", "rows removed", "cells changed", "examples"},
                      {},
                      "The ledger of cleaning, in order."};
  for (const Json& entry : ledger) {
    std::string examples;
    for (const Json& example : member_or_null(entry, "examples")) {
      if (example.contains("from") && examples.size() < 160)
        examples += (examples.empty() ? "" : "; ") + to_text(example["from"]) + " → " +
                    to_text(member_or_null(example, "to"));
    }
    if (const std::string learnt = text_or(entry, "learnt"); !learnt.empty())
      examples = "learnt " + learnt;
    table.rows.push_back({report::text_cell(step_text(member_or_null(entry, "step"))),
                          report::number_cell(number_or_nan(entry, "rows_removed")),
                          report::number_cell(number_or_nan(entry, "cells_changed")),
                          report::text_cell(std::move(examples))});
  }
  return table;
}

report::Table expectation_table(const Json& expectations) {
  report::Table table{
      {"expectation", "", "severity", "rows that break it", "share", "note"}, {}, ""};
  for (const Json& item : expectations) {
    report::Cell result = report::passed_cell(known_boolean(item, "passed"));
    if (result.tone == report::Tone::Bad && text_or(item, "severity") != "fail")
      result.tone = report::Tone::Unsure;
    const double share = number_or_nan(item, "share");
    table.rows.push_back(
        {report::text_cell(text_or(item, "expectation")),
         std::move(result),
         report::text_cell(text_or(item, "severity")),
         report::number_cell(number_or_nan(item, "failed_rows")),
         {report::share_text(share), report::Cell::Kind::Number, report::Tone::Plain},
         report::text_cell(text_or(item, "note"))});
  }
  return table;
}

report::Table profile_table(const Json& profile) {
  report::Table table{
      {"column", "type", "missing", "distinct", "min", "median", "max", "mean", "std. dev.",
       "most frequent"},
      {},
      fmt::format("{} rows, {} equal an earlier one.",
                  report::json_cell(member_or_null(profile, "rows")).text,
                  report::json_cell(member_or_null(profile, "duplicate_rows")).text)};
  const double rows = number_or_nan(profile, "rows");
  for (const Json& column : member_or_null(profile, "columns")) {
    const double nulls = number_or_nan(column, "nulls");
    std::string top;
    if (const Json& value = member_or_null(column, "top"); !value.is_null())
      top = fmt::format("{} ({})", report::json_cell(value).text,
                        report::json_cell(member_or_null(column, "top_count")).text);
    table.rows.push_back({report::text_cell(text_or(column, "name")),
                          report::text_cell(text_or(column, "type")),
                          {nulls == 0 ? "0" : report::share_text(nulls / rows),
                           report::Cell::Kind::Number, report::Tone::Plain},
                          report::number_cell(number_or_nan(column, "distinct")),
                          report::json_cell(member_or_null(column, "min")),
                          report::json_cell(member_or_null(column, "p50")),
                          report::json_cell(member_or_null(column, "max")),
                          report::json_cell(member_or_null(column, "mean")),
                          report::json_cell(member_or_null(column, "stddev")),
                          report::text_cell(std::move(top))});
  }
  return table;
}

}  // namespace

report::Section drift_section(const Dossier& dossier) {
  report::Section section{"Drift between training and test rows", {}};
  const Json& drift = member_or_null(dossier.diagnostics, "drift");
  const Json& columns = member_or_null(drift, "columns");
  if (!columns.is_array() || columns.empty()) return section;
  report::Table table{{"column", "type", "PSI", "", "KS or JS", "p", "missing in training",
                       "missing in test", "note"},
                      {},
                      ""};
  std::vector<const Json*> sorted;
  for (const Json& column : columns) sorted.push_back(&column);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Json* a, const Json* b) {
    const double first = number_or_nan(*a, "psi");
    const double second = number_or_nan(*b, "psi");
    return (std::isnan(first) ? -1 : first) > (std::isnan(second) ? -1 : second);
  });
  report::BarPlot plot{"Population stability index",
                       "How far each column's values in the test rows have moved from the training "
                       "rows. 0 is not at all; from 0.2 on (dashed) a column counts as drifted.",
                       {"PSI"},
                       "column",
                       {}};
  plot.level = kDrifted;
  for (const Json* column : sorted) {
    const std::optional<bool> drifted = known_boolean(*column, "drifted");
    const double psi = number_or_nan(*column, "psi");
    const bool number = member_or_null(*column, "ks").is_number();
    table.rows.push_back({report::text_cell(text_or(*column, "name")),
                          report::text_cell(text_or(*column, "type")),
                          report::number_cell(psi),
                          !drifted.has_value() ? report::badge_cell("unknown", report::Tone::Unsure)
                          : *drifted           ? report::badge_cell("drifted", report::Tone::Bad)
                                               : report::text_cell("stable"),
                          report::number_cell(number_or_nan(*column, number ? "ks" : "js")),
                          report::number_cell(number_or_nan(*column, number ? "ks_p" : "chi2_p")),
                          {report::share_text(number_or_nan(*column, "missing_reference")),
                           report::Cell::Kind::Number, report::Tone::Plain},
                          {report::share_text(number_or_nan(*column, "missing_current")),
                           report::Cell::Kind::Number, report::Tone::Plain},
                          report::text_cell(text_or(*column, "note"))});
    if (std::isfinite(psi) && plot.bars.size() < kMostBars)
      plot.bars.push_back({text_or(*column, "name"), psi, report::kNone, report::kNone,
                           drifted.value_or(false) ? report::Tone::Bad : report::Tone::Plain, ""});
  }
  if (!plot.bars.empty()) {
    report::Plot made = report::bar_plot(plot);
    made.table = std::move(table);
    section.blocks.emplace_back(report::Plots{{std::move(made)}});
  } else {
    section.blocks.emplace_back(std::move(table));
  }
  return section;
}

report::Section leakage_section(const Dossier& dossier) {
  report::Section section{"Leakage", {}};
  const Json& found = dossier.outputs("leakage");
  const Json& leaks = member_or_null(found, "leaks");
  if (!leaks.is_array()) return section;
  report::Table table{{"column", "leaks by", "figure", "", "why"}, {}, ""};
  for (const Json& leak : leaks) {
    const bool dropped = known_boolean(leak, "dropped").value_or(false);
    table.rows.push_back({report::text_cell(text_or(leak, "column")),
                          report::text_cell(text_or(leak, "kind")),
                          report::number_cell(number_or_nan(leak, "figure")),
                          dropped ? report::badge_cell("dropped", report::Tone::Good)
                                  : report::badge_cell("used", report::Tone::Unsure),
                          report::text_cell(text_or(leak, "why"))});
  }
  if (table.rows.empty())
    section.blocks.emplace_back(report::Note{
        report::Tone::Good,
        "No column predicts the target almost alone, and none is known only after the decision."});
  else
    section.blocks.emplace_back(std::move(table));
  report::Table powers{{"column", "how well it predicts the target alone"}, {}, ""};
  if (const Json& list = member_or_null(found, "powers"); list.is_array()) {
    for (const Json& power : list)
      powers.rows.push_back({report::text_cell(text_or(power, "column")),
                             report::number_cell(number_or_nan(power, "figure"))});
  }
  if (!powers.rows.empty())
    section.blocks.emplace_back(report::Fold{"What each column tells alone", std::move(powers)});
  return section;
}

report::Section data_section(const Dossier& dossier) {
  report::Section section{"Data", {}};
  for (const auto& [name, outputs] : dossier.outputs_of("martlet/ingest")) {
    report::Facts facts;
    facts.rows.emplace_back("Dataset", report::text_cell(text_or(*outputs, "name", name)));
    facts.rows.emplace_back("Rows", report::json_cell(member_or_null(*outputs, "rows")));
    facts.rows.emplace_back("Rows read", report::json_cell(member_or_null(*outputs, "rows_read")));
    facts.rows.emplace_back("Set aside (quarantine)",
                            report::json_cell(member_or_null(*outputs, "quarantined")));
    section.blocks.emplace_back(std::move(facts));
    if (const Json& reasons = member_or_null(*outputs, "quarantine_reasons");
        reasons.is_array() && !reasons.empty()) {
      report::Table table{{"why rows were set aside", "rows"}, {}, ""};
      for (const Json& item : reasons)
        table.rows.push_back({report::text_cell(text_or(item, "reason")),
                              report::number_cell(number_or_nan(item, "rows"))});
      section.blocks.emplace_back(std::move(table));
    }
    if (const Json& ledger = member_or_null(*outputs, "ledger");
        ledger.is_array() && !ledger.empty())
      section.blocks.emplace_back(ledger_table(ledger));
    if (const Json& expectations = member_or_null(*outputs, "expectations");
        expectations.is_array() && !expectations.empty()) {
      const auto unmet =
          std::count_if(expectations.begin(), expectations.end(),
                        [](const Json& item) { return known_boolean(item, "passed") == false; });
      section.blocks.emplace_back(report::Fold{
          fmt::format("Expectations of {}: {}, {} not met", name, expectations.size(), unmet),
          expectation_table(expectations)});
    }
    if (const auto profile = dossier.profiles.find(name); profile != dossier.profiles.end())
      section.blocks.emplace_back(
          report::Fold{"Profile of " + name, profile_table(profile->second)});
  }
  if (const Json& split = dossier.outputs("split"); !split.empty()) {
    section.blocks.emplace_back(report::Paragraph{
        fmt::format("Split by {}: {} rows train, {} validate, {} test; {} have no defined target "
                    "and are left out.",
                    text_or(split, "by"), report::json_cell(member_or_null(split, "training")).text,
                    report::json_cell(member_or_null(split, "validation")).text,
                    report::json_cell(member_or_null(split, "test")).text,
                    report::json_cell(member_or_null(split, "without_target")).text)});
  }
  return section;
}

}  // namespace martlet::lifecycle::internal

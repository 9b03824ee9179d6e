#include "lifecycle/simulation_report.h"

#include "lifecycle/internal/run_sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace martlet::lifecycle {

namespace {

using report::Axis;
using report::Series;
using report::Tone;

Tone tone_of(const std::string& kind) {
  if (kind == "promoted" || kind == "cleared") return Tone::Good;
  if (kind == "alert" || kind == "failed") return Tone::Bad;
  if (kind == "rejected" || kind == "refused") return Tone::Unsure;
  return Tone::Plain;
}

class SimulationReport {
 public:
  SimulationReport(const Project& project, const SimulateReport& simulation)
      : zone_(project.problem.zone), project_(project), simulation_(simulation) {}

  report::Document document() const {
    report::Document document;
    document.title = project_.name + ": a simulation";
    document.subtitle = project_.problem.question;
    document.sections = {result_section(), value_section(), event_section(), traffic_section()};
    if (!simulation_.drift.empty()) document.sections.push_back(drift_section());
    document.sections.push_back(method_section());
    std::erase_if(document.sections,
                  [](const report::Section& section) { return section.blocks.empty(); });
    if (!simulation_.windows.empty()) {
      document.footer = fmt::format("{} replayed from {} to {}. Made by martlet.", project_.name,
                                    to_text(simulation_.windows.front().begin),
                                    to_text(simulation_.windows.back().end));
    }
    return document;
  }

 private:
  // Local wall-clock time: what the plots' axes show.
  double at(Timestamp time) const {
    constexpr double kMicrosPerMilli = 1000;
    return static_cast<double>(zone_.local_micros(time)) / kMicrosPerMilli;
  }

  std::string local_text(Timestamp time) const {
    const CivilTime civil = zone_.local(time);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}", civil.date.year, civil.date.month,
                       civil.date.day, civil.hour, civil.minute);
  }

  std::string figure(double value) const {
    return simulation_.sums ? report::number_text(std::round(value)) : report::number_text(value);
  }

  std::string difference_text(double difference) const {
    return (difference > 0 ? "+" : "") + figure(difference);
  }

  std::string unit() const {
    return simulation_.unit.empty() ? simulation_.kpi : simulation_.kpi + ", " + simulation_.unit;
  }

  report::Section result_section() const {
    report::Section section{"Result", {}};
    const auto over = [&](double other) {
      if (!std::isfinite(other) || !std::isfinite(simulation_.live)) return std::string();
      if (other > 0)
        return fmt::format("the loop: {:+.1f} % over it", 100 * (simulation_.live - other) / other);
      return "the loop: " + difference_text(simulation_.live - other) + " over it";
    };
    report::Tiles tiles;
    tiles.tiles.push_back({"the loop", figure(simulation_.live),
                           unit() + (simulation_.sums ? " in all" : ""), Tone::Plain});
    tiles.tiles.push_back({"the model of the beginning, frozen", figure(simulation_.frozen),
                           over(simulation_.frozen), Tone::Plain});
    tiles.tiles.push_back({"the best rule of the beginning, \"" + simulation_.rule + "\"",
                           figure(simulation_.rule_total), over(simulation_.rule_total),
                           Tone::Plain});
    tiles.tiles.push_back(
        {"trainings", report::count_text(simulation_.trainings), promotions_text(), Tone::Plain});
    section.blocks.emplace_back(std::move(tiles));
    report::Table rules{
        {"who decides", unit()}, {}, "Every rule, fitted at the beginning, on the same rows."};
    for (const auto& [name, value] : simulation_.rules)
      rules.rows.push_back(
          {report::text_cell(name), {figure(value), report::Cell::Kind::Number, Tone::Plain}});
    if (rules.rows.size() > 1) section.blocks.emplace_back(std::move(rules));
    return section;
  }

  std::string promotions_text() const {
    const auto promoted =
        std::count_if(simulation_.events.begin(), simulation_.events.end(),
                      [](const LoopEvent& event) { return event.kind == "promoted"; });
    return fmt::format("{} promoted", promoted);
  }

  // Who decides, how to read them from a window, and in which colour.
  struct Voice {
    std::string name;
    double SimulatedWindow::* value;
    std::size_t colour;
    Series::Look look;
  };
  std::vector<Voice> voices() const {
    return {
        {"the loop", &SimulatedWindow::live, internal::kModelColour, Series::Look::Line},
        {"frozen model", &SimulatedWindow::frozen, internal::kOtherColour, Series::Look::Dashed},
        {"rule: " + simulation_.rule, &SimulatedWindow::rule, internal::kRuleColour,
         Series::Look::Dashed}};
  }

  std::vector<report::Mark> marks() const {
    std::vector<report::Mark> marks;
    for (const LoopEvent& event : simulation_.events) {
      if (event.kind == "cleared") continue;
      marks.push_back({at(event.at), event.kind + (event.model.empty() ? "" : " " + event.model),
                       event.why, tone_of(event.kind)});
    }
    return marks;
  }

  report::Section value_section() const {
    report::Section section{"Value over time", {}};
    const std::string triangles =
        "Triangles are events: promotions (green), alerts (red), rejected and refused trainings "
        "(yellow); point at one to read why.";
    report::CurvePlot windows{"Value per window",
                              "What each earned in each window of the monitor. " + triangles,
                              {"", Axis::Kind::Time},
                              {unit()}};
    report::CurvePlot sums{"Value so far",
                           "What each earned, added up from the beginning. " + triangles,
                           {"", Axis::Kind::Time},
                           {unit()}};
    sums.height = windows.height = 340;
    for (const Voice& voice : voices()) {
      Series each{voice.name, {}, voice.look, voice.colour};
      Series sum = each;
      double total = 0;
      for (const SimulatedWindow& window : simulation_.windows) {
        const double value = window.*voice.value;
        each.points.push_back({at(window.begin), value, report::kNone, report::kNone,
                               report::count_text(window.truth_rows) + " rows with truth"});
        total += std::isfinite(value) ? value : 0;
        sum.points.push_back({at(window.end), total});
      }
      windows.series.push_back(std::move(each));
      sums.series.push_back(std::move(sum));
    }
    windows.marks = sums.marks = marks();
    if (simulation_.sums) section.blocks.emplace_back(report::Plots{{report::curve_plot(sums)}});
    section.blocks.emplace_back(report::Plots{{report::curve_plot(windows)}});
    if (simulation_.sums) section.blocks.emplace_back(month_table());
    return section;
  }

  report::Table month_table() const {
    report::Table table{
        {"month", "rows", "the loop", "frozen model", "rule", "loop minus frozen"}, {}, ""};
    struct Month {
      std::string name;
      std::int64_t rows = 0;
      double live = 0, frozen = 0, rule = 0;
    };
    std::vector<Month> months;
    for (const SimulatedWindow& window : simulation_.windows) {
      const std::string name = local_text(window.begin).substr(0, 7);
      if (months.empty() || months.back().name != name) months.push_back({name});
      Month& month = months.back();
      const auto add = [](double& to, double value) { to += std::isfinite(value) ? value : 0; };
      month.rows += window.rows;
      add(month.live, window.live);
      add(month.frozen, window.frozen);
      add(month.rule, window.rule);
    }
    const auto number = [&](double value) {
      return report::Cell{figure(value), report::Cell::Kind::Number, Tone::Plain};
    };
    for (const Month& month : months) {
      table.rows.push_back({report::text_cell(month.name),
                            report::count_cell(month.rows),
                            number(month.live),
                            number(month.frozen),
                            number(month.rule),
                            {difference_text(month.live - month.frozen), report::Cell::Kind::Number,
                             month.live >= month.frozen ? Tone::Good : Tone::Bad}});
    }
    return table;
  }

  report::Section event_section() const {
    report::Section section{"What happened, and why", {}};
    if (simulation_.events.empty()) {
      section.blocks.emplace_back(
          report::Paragraph{"Nothing: no alert fired, and no training was asked for."});
      return section;
    }
    report::Table table{{"at", "", "model", "why"},
                        {},
                        "Times are of " + zone_.name() +
                            ". A refusal that repeats window after window is told once."};
    for (const LoopEvent& event : simulation_.events)
      table.rows.push_back({report::text_cell(local_text(event.at)),
                            report::badge_cell(event.kind, tone_of(event.kind)),
                            report::text_cell(event.model), report::text_cell(event.why)});
    section.blocks.emplace_back(std::move(table));
    return section;
  }

  report::Section traffic_section() const {
    report::Section section{"Traffic", {}};
    report::CurvePlot plot{"Rows per window",
                           "How much was asked, and of how much the truth is known.",
                           {"", Axis::Kind::Time},
                           {"rows"}};
    plot.y.from_zero = true;
    plot.height = 220;
    Series asked{"predicted", {}, Series::Look::Area, internal::kModelColour};
    Series known{"with truth", {}, Series::Look::Line, internal::kRuleColour};
    for (const SimulatedWindow& window : simulation_.windows) {
      asked.points.push_back({at(window.begin), static_cast<double>(window.rows)});
      known.points.push_back({at(window.begin), static_cast<double>(window.truth_rows)});
    }
    plot.series = {std::move(asked), std::move(known)};
    section.blocks.emplace_back(report::Plots{{report::curve_plot(plot)}});
    return section;
  }

  report::Section drift_section() const {
    report::Section section{"Drift", {}};
    report::CurvePlot plot{
        "Columns that have drifted",
        "The share of columns (and the score) that moved away from what the live model was trained "
        "on, window by window; promotions start a new reference.",
        {"", Axis::Kind::Time},
        {"share of columns", Axis::Kind::Share, 0.0, 1.0}};
    report::CurvePlot worst{"The column that moved most",
                            "Its population stability index; from the dashed line on a column "
                            "counts as drifted, if the difference is significant too.",
                            {"", Axis::Kind::Time},
                            {"PSI"}};
    worst.level = project_.monitoring.drift.psi;
    worst.y.from_zero = true;
    plot.height = worst.height = 240;
    Series shares{"drifted", {}, Series::Look::Line, internal::kModelColour};
    Series indices{"PSI", {}, Series::Look::Line, internal::kRuleColour};
    for (const SimulatedDrift& drift : simulation_.drift) {
      shares.points.push_back({at(drift.begin), drift.share_drifted});
      indices.points.push_back(
          {at(drift.begin), drift.worst_psi, report::kNone, report::kNone, drift.worst});
    }
    for (const report::Mark& mark : marks()) {
      if (mark.label.starts_with("promoted")) plot.marks.push_back(mark);
    }
    worst.marks = plot.marks;
    plot.series = {std::move(shares)};
    worst.series = {std::move(indices)};
    section.blocks.emplace_back(
        report::Plots{{report::curve_plot(plot), report::curve_plot(worst)}});
    return section;
  }

  report::Section method_section() const {
    report::Section section{"How this was made", {}};
    section.blocks.emplace_back(report::Paragraph{
        "Past rows were handed to the deployed model in the order of their decisions, on a virtual "
        "clock; the truth arrived when it would have. Windows, alerts, trainings and promotions "
        "are those of the code that serves. The frozen model and the rules were fitted on what was "
        "known at the beginning, and answered the same rows. No one saw the future."});
    report::Facts facts;
    const auto& monitoring = project_.monitoring;
    facts.rows.emplace_back("Truth arrives after",
                            report::text_cell(to_text(monitoring.truth_delay)));
    if (!monitoring.windows.empty())
      facts.rows.emplace_back("Windows", report::text_cell(to_text(monitoring.windows.front())));
    for (const auto& alert : monitoring.alerts)
      facts.rows.emplace_back("Alert " + alert.name, report::code_cell(alert.when));
    facts.rows.emplace_back("Project file", report::code_cell(project_.digest.text()));
    section.blocks.emplace_back(std::move(facts));
    return section;
  }

  const Zone& zone_;
  const Project& project_;
  const SimulateReport& simulation_;
};

}  // namespace

report::Document report_of_simulation(const Project& project, const SimulateReport& simulation) {
  return SimulationReport(project, simulation).document();
}

}  // namespace martlet::lifecycle

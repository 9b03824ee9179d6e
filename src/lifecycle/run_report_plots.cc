#include "lifecycle/internal/run_sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace martlet::lifecycle::internal {

namespace {

using report::Axis;
using report::Series;

std::size_t colour_of(const std::string& role) {
  return role == "model" ? kModelColour : role == "rule" ? kRuleColour : kOtherColour;
}

std::string name_in(const DrawnRun& run, const Json& curve) {
  const std::string role = text_or(curve, "role");
  const std::string name =
      role == "champion" ? "the champion" : role + ": " + text_or(curve, "name");
  return run.name.empty() ? name : run.name;
}

// What was left out of the curves, said only when something was.
std::string thinned_text(const Json& curve) {
  const double deviation = number_or_nan(curve, "deviation");
  const Json& points = member_or_null(curve, "points");
  if (!(deviation > 0) || !points.is_array()) return "";
  return fmt::format(
      " Drawn with {} of {} points; no other is further than {} of the axis from the line.",
      report::count_text(static_cast<std::int64_t>(points.size())),
      report::json_cell(member_or_null(curve, "of")).text,
      report::share_text(std::max(deviation, 0.001)));
}

// A series of [x, y, threshold] points.
Series series_of(std::string name, const Json& curve, std::size_t colour, Series::Look look) {
  Series series{std::move(name), {}, look, colour};
  for (const Json& point : member_or_null(curve, "points")) {
    if (!point.is_array() || point.size() < 2 || !point[0].is_number() || !point[1].is_number())
      continue;
    report::Point made{point[0].get<double>(), point[1].get<double>()};
    if (point.size() > 2 && point[2].is_number())
      made.note = "at threshold " + report::number_text(point[2].get<double>());
    series.points.push_back(std::move(made));
  }
  return series;
}

// The curves under `key` of all runs: every contender of a single run, the models of several.
void add_curves(const std::vector<DrawnRun>& runs, const char* key, report::CurvePlot& plot) {
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (const Json& curve : member_or_null(runs[i].diagnostics, key)) {
      const std::string role = text_or(curve, "role");
      if (runs.size() > 1 && role != "model") continue;
      plot.series.push_back(series_of(name_in(runs[i], curve), curve,
                                      runs.size() > 1 ? i : colour_of(role),
                                      role == "model" ? Series::Look::Line : Series::Look::Dashed));
      if (role == "model" && runs.size() == 1) plot.about += thinned_text(curve);
    }
  }
}

report::CurvePlot roc_plot(const std::vector<DrawnRun>& runs) {
  report::CurvePlot plot{
      "ROC curve",
      "How many of the positives are found (up) at the price of how many false alarms among the "
      "negatives (right), threshold by threshold. The dashed diagonal is guessing.",
      {"false positive rate", Axis::Kind::Share, 0.0, 1.0},
      {"true positive rate", Axis::Kind::Share, 0.0, 1.0}};
  plot.diagonal = true;
  add_curves(runs, "roc", plot);
  return plot;
}

report::CurvePlot precision_plot(const std::vector<DrawnRun>& runs) {
  report::CurvePlot plot{"Precision and recall",
                         "Of those predicted positive, how many are (up), against how many of all "
                         "positives are found (right).",
                         {"recall", Axis::Kind::Share, 0.0, 1.0},
                         {"precision", Axis::Kind::Share, 0.0, 1.0}};
  add_curves(runs, "precision_recall", plot);
  return plot;
}

report::CurvePlot calibration_plot(const std::vector<DrawnRun>& runs) {
  report::CurvePlot plot{"Calibration",
                         "Of the rows with a score near the value below, the share that turned out "
                         "positive. On the diagonal a score is a probability.",
                         {"mean score", Axis::Kind::Share, 0.0, 1.0},
                         {"share of positives", Axis::Kind::Share, 0.0, 1.0}};
  plot.diagonal = true;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    Series series{runs[i].name.empty() ? "model" : runs[i].name, {}, Series::Look::LineAndDots, i};
    for (const Json& bin : member_or_null(runs[i].diagnostics, "calibration")) {
      if (!member_or_null(bin, "mean_score").is_number()) continue;
      series.points.push_back({number_or_nan(bin, "mean_score"),
                               number_or_nan(bin, "positive_share"), report::kNone, report::kNone,
                               report::json_cell(member_or_null(bin, "rows")).text + " rows"});
    }
    if (!series.points.empty()) plot.series.push_back(std::move(series));
  }
  // How many rows each point stands for belongs into the table too.
  return plot;
}

report::Plot with_row_counts(report::Plot plot, const Json& bins) {
  plot.table = {{"score from", "to", "rows", "mean score", "share of positives"}, {}, ""};
  for (const Json& bin : bins) {
    plot.table.rows.push_back({report::number_cell(number_or_nan(bin, "low")),
                               report::number_cell(number_or_nan(bin, "high")),
                               report::json_cell(member_or_null(bin, "rows")),
                               report::number_cell(number_or_nan(bin, "mean_score")),
                               report::number_cell(number_or_nan(bin, "positive_share"))});
    plot.table.rows.back()[2].kind = report::Cell::Kind::Number;
  }
  return plot;
}

std::vector<double> numbers_of(const Json& list) {
  std::vector<double> numbers;
  for (const Json& item : list)
    numbers.push_back(item.is_number() ? item.get<double>() : report::kNone);
  return numbers;
}

report::HistogramPlot score_plot(const Json& diagnostics) {
  const Json& scores = member_or_null(diagnostics, "scores");
  report::HistogramPlot plot{
      "Scores",
      "How the scores are spread over rows that turned out positive and negative. The better they "
      "are apart, the better the model tells them apart.",
      {"score", Axis::Kind::Share, 0.0, 1.0}};
  plot.edges = numbers_of(member_or_null(scores, "edges"));
  plot.counts = {{"negative", numbers_of(member_or_null(scores, "negative")), kOtherColour},
                 {"positive", numbers_of(member_or_null(scores, "positive")), kRuleColour}};
  if (const double chosen = number_or_nan(member_or_null(diagnostics, "threshold"), "chosen");
      std::isfinite(chosen))
    plot.marks.push_back(
        {chosen, "threshold " + report::number_text(chosen), "", report::Tone::Plain});
  return plot;
}

report::CurvePlot threshold_plot(const std::vector<DrawnRun>& runs, const std::string& kpi,
                                 const std::string& unit) {
  report::CurvePlot plot{
      kpi + " by threshold",
      "What the primary KPI would be on the test rows if rows from this score on were predicted "
      "positive. The threshold was chosen on the validation rows.",
      {"threshold", Axis::Kind::Number},
      {unit.empty() ? kpi : kpi + ", " + unit + " per row", Axis::Kind::Number}};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Json& curve = member_or_null(runs[i].diagnostics, "threshold");
    if (!curve.is_object()) continue;
    plot.series.push_back(
        series_of(runs[i].name.empty() ? "model" : runs[i].name, curve, i, Series::Look::Line));
    const double chosen = number_or_nan(curve, "chosen");
    if (std::isfinite(chosen))
      plot.marks.push_back({chosen,
                            runs.size() > 1 ? runs[i].name + ": " + report::number_text(chosen)
                                            : "chosen: " + report::number_text(chosen),
                            "", report::Tone::Plain});
    if (runs.size() > 1) continue;
    plot.about += thinned_text(curve);
    // What the others get whatever the model's threshold.
    for (const Json& contender : member_or_null(runs[i].diagnostics, "contenders")) {
      if (text_or(contender, "role") == "rule") plot.level = number_or_nan(contender, "kpi");
    }
    if (plot.level.has_value()) plot.about += " The dashed line is the best rule.";
  }
  if (plot.level.has_value() && !std::isfinite(*plot.level)) plot.level.reset();
  return plot;
}

report::CurvePlot predicted_plot(const std::vector<DrawnRun>& runs) {
  report::CurvePlot plot{
      "Predicted and actual",
      "Rows in twenty groups of equal size by what was predicted: what happened on average, and "
      "where the middle 80 % lie. A perfect model's points lie on the line through equal numbers.",
      {"mean predicted"},
      {"actual"}};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    Series series{
        runs[i].name.empty() ? "mean actual" : runs[i].name, {}, Series::Look::LineAndDots, i};
    for (const Json& bin : member_or_null(runs[i].diagnostics, "predicted")) {
      report::Point point{number_or_nan(bin, "mean_predicted"), number_or_nan(bin, "mean_actual")};
      if (runs.size() == 1) {
        point.low = number_or_nan(bin, "p10");
        point.high = number_or_nan(bin, "p90");
      }
      point.note = report::json_cell(member_or_null(bin, "rows")).text + " rows";
      series.points.push_back(std::move(point));
    }
    if (series.points.empty()) continue;
    if (runs.size() == 1) {
      const double low = series.points.front().x;
      const double high = series.points.back().x;
      plot.series.push_back({"as predicted", {{low, low}, {high, high}}, Series::Look::Dashed, 5});
    }
    plot.series.push_back(std::move(series));
  }
  return plot;
}

report::HistogramPlot residual_plot(const Json& residuals) {
  report::HistogramPlot plot{"Residuals", "", {"predicted - actual"}};
  plot.about =
      fmt::format("Errors between their 1st and 99th percentile; {} rows lie below and {} above.",
                  report::json_cell(member_or_null(residuals, "below")).text,
                  report::json_cell(member_or_null(residuals, "above")).text);
  plot.edges = numbers_of(member_or_null(residuals, "edges"));
  plot.counts = {{"", numbers_of(member_or_null(residuals, "counts")), kModelColour}};
  plot.marks = {{0, "no error", "", report::Tone::Plain}};
  return plot;
}

}  // namespace

std::vector<report::Plot> answer_plots(const std::vector<DrawnRun>& runs, const std::string& kpi,
                                       const std::string& unit) {
  std::vector<report::Plot> plots;
  for (const report::CurvePlot& plot : {roc_plot(runs), precision_plot(runs)}) {
    if (!plot.series.empty()) plots.push_back(report::curve_plot(plot));
  }
  if (const report::CurvePlot plot = calibration_plot(runs); !plot.series.empty()) {
    report::Plot made = report::curve_plot(plot);
    plots.push_back(runs.size() == 1
                        ? with_row_counts(std::move(made),
                                          member_or_null(runs.front().diagnostics, "calibration"))
                        : std::move(made));
  }
  if (runs.size() == 1 && member_or_null(runs.front().diagnostics, "scores").is_object())
    plots.push_back(report::histogram_plot(score_plot(runs.front().diagnostics)));
  if (const report::CurvePlot plot = threshold_plot(runs, kpi, unit); !plot.series.empty())
    plots.push_back(report::curve_plot(plot));
  if (const report::CurvePlot plot = predicted_plot(runs); !plot.series.empty())
    plots.push_back(report::curve_plot(plot));
  if (runs.size() == 1) {
    if (const Json& residuals = member_or_null(runs.front().diagnostics, "residuals");
        residuals.is_object())
      plots.push_back(report::histogram_plot(residual_plot(residuals)));
  }
  return plots;
}

}  // namespace martlet::lifecycle::internal

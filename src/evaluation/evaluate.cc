#include "evaluation/evaluate.h"

#include "evaluation/slices.h"
#include "metrics/fairness.h"
#include "metrics/metric.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace martlet::evaluation {
namespace {

using columns::Batch;
using columns::Cell;
using columns::Column;
using columns::Type;
using metrics::Confusion;
using metrics::Metric;
using problem::Outcomes;
using problem::Task;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

bool is_words(const Column& column) {
  return column.type() == Type::Text || column.type() == Type::Bool;
}

// Only 0 and 1, or only -1 and 1, among what is present.
bool is_yes_no_numbers(const Column& column) {
  if (!columns::is_numeric(column.type())) return false;
  bool zero = false;
  bool minus = false;
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (column.is_missing(i)) continue;
    const double value = column.cell(i).as_double();
    zero = zero || value == 0.0;
    minus = minus || value == -1.0;
    if (value != 0.0 && value != 1.0 && value != -1.0) return false;
  }
  return !(zero && minus);
}

Task task_of(const Column& target, const Column* prediction) {
  if (prediction == nullptr || is_words(target) || is_words(*prediction)) return Task::Binary;
  return is_yes_no_numbers(target) && is_yes_no_numbers(*prediction) ? Task::Binary
                                                                     : Task::Regression;
}

// Decisions written as the target's values, or as booleans or 0 and 1 (or -1 and 1) unless the
// target has other numbers.
Result<std::vector<double>> read_decisions(const Column& column, const problem::Target& target,
                                           bool flags_allowed) {
  std::vector<double> decisions(column.size(), kNan);
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (column.is_missing(i)) continue;
    const Cell cell = column.cell(i);
    const std::string text = columns::to_text(cell);
    const double flag = flags_allowed ? cell.as_double() : kNan;  // NaN for texts
    if (text == target.positive) {
      decisions[i] = 1.0;
    } else if (text == target.negative) {
      decisions[i] = 0.0;
    } else if (flag == 1.0) {
      decisions[i] = 1.0;
    } else if (flag == 0.0 || flag == -1.0) {
      decisions[i] = 0.0;
    } else {
      return invalid_argument(
          fmt::format("the prediction in row {}, \"{}\", is neither \"{}\" nor \"{}\"", i + 1, text,
                      target.positive, target.negative));
    }
  }
  return decisions;
}

Result<std::vector<double>> read_numbers(const Column& column, const std::string& name) {
  if (column.type() == Type::Text || column.type() == Type::Timestamp ||
      column.type() == Type::Date) {
    return invalid_argument(fmt::format("the column {} holds a {} where a number is expected", name,
                                        columns::name_of(column.type())));
  }
  std::vector<double> numbers = column.as_doubles();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (std::isinf(numbers[i]))
      return invalid_argument(fmt::format("the column {} is infinite in row {}", name, i + 1));
  }
  return numbers;
}

// What can be computed: metrics whose input is there.
bool applies(Metric metric, const Outcomes& outcomes) {
  const bool by_score = metrics::info(metric).input == metrics::MetricInput::Score;
  if ((by_score ? outcomes.score : outcomes.predicted).empty()) return false;
  if (metric != Metric::LogLoss && metric != Metric::Brier) return true;
  return std::all_of(outcomes.score.begin(), outcomes.score.end(),
                     [](double score) { return score >= 0.0 && score <= 1.0; });
}

std::vector<Metric> metrics_of(Task task) {
  std::vector<Metric> chosen;
  const auto wanted =
      task == Task::Binary ? metrics::MetricTask::Binary : metrics::MetricTask::Regression;
  for (const metrics::MetricInfo& info : metrics::all_metrics()) {
    if (info.task == wanted) chosen.push_back(info.metric);
  }
  return chosen;
}

// The figures made of one group's counts, in the order in which they are reported.
constexpr std::array<const char*, 6> kRateNames{"base_rate", "selection_rate", "tpr",
                                                "fpr",       "precision",      "accuracy"};

std::array<double, 6> rates(const Confusion& counts) {
  const metrics::GroupRates r = metrics::rates_of(counts);
  return {r.base_rate,           r.selection_rate, r.true_positive_rate,
          r.false_positive_rate, r.precision,      r.accuracy};
}

// Fairness figures, then each group's rates.
void fill_fairness(std::span<const Confusion> counts, std::span<double> out) {
  const metrics::Fairness fairness = metrics::fairness_of(counts);
  std::size_t place = 0;
  for (const auto metric : metrics::all_fairness_metrics())
    out[place++] = metrics::value_of(metric, fairness);
  for (const Confusion& group : counts) {
    for (const double rate : rates(group)) out[place++] = rate;
  }
}

void set_interval(Figure& figure, std::span<const double> resampled, std::size_t blocks,
                  double confidence) {
  const metrics::Interval interval =
      metrics::interval_of(figure.value, resampled, blocks, confidence);
  figure.interval = {interval.low, interval.high};
}

Json figure_json(const Figure& figure) {
  if (!figure.interval) return number_or_null(figure.value);
  return {{"value", number_or_null(figure.value)},
          {"low", number_or_null(figure.interval->first)},
          {"high", number_or_null(figure.interval->second)}};
}

struct Inputs {
  Task task = Task::Binary;
  problem::Target target;
  Outcomes outcomes;                // of the rows that count
  std::vector<std::uint32_t> rows;  // their numbers
};

Result<Inputs> read_inputs(const Batch& rows, const EvaluateOptions& options) {
  if (options.score.empty() == options.prediction.empty()) {
    return invalid_argument(
        "give either a score or a prediction column (--score S or --prediction P)");
  }
  MARTLET_TRY_SET(const Column* target, rows.column(options.target));
  const bool by_score = !options.score.empty();
  MARTLET_TRY_SET(const Column* said, rows.column(by_score ? options.score : options.prediction));
  Inputs inputs;
  inputs.task = task_of(*target, by_score ? nullptr : said);
  auto read = problem::read_target(*target, inputs.task, options.positive);
  if (!read.has_value())
    return fail(std::move(read).error().with_context("reading the target " + options.target));
  inputs.target = std::move(read).value();
  std::vector<double> score;
  std::vector<double> predicted;
  if (by_score) {
    MARTLET_TRY_SET(score, read_numbers(*said, options.score));
  } else if (inputs.task == Task::Binary) {
    MARTLET_TRY_SET(predicted, read_decisions(*said, inputs.target,
                                              !columns::is_numeric(target->type()) ||
                                                  is_yes_no_numbers(*target)));
  } else {
    MARTLET_TRY_SET(predicted, read_numbers(*said, options.prediction));
  }
  const std::vector<double>& judged = by_score ? score : predicted;
  Outcomes& outcomes = inputs.outcomes;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    if (std::isnan(inputs.target.values[i]) || std::isnan(judged[i])) continue;
    inputs.rows.push_back(static_cast<std::uint32_t>(i));
    outcomes.actual.push_back(inputs.target.values[i]);
    if (by_score) outcomes.score.push_back(score[i]);
    outcomes.predicted.push_back(by_score ? (score[i] >= options.threshold ? 1.0 : 0.0)
                                          : predicted[i]);
  }
  if (inputs.rows.empty()) {
    return invalid_argument(fmt::format("none of the {} rows has both a target and a {}",
                                        rows.rows(), by_score ? "score" : "prediction"));
  }
  return inputs;
}

}  // namespace

double Evaluation::metric(std::string_view name) const {
  for (const Figure& figure : metrics) {
    if (figure.name == name) return figure.value;
  }
  return kNan;
}

std::vector<Figure> metric_figures(Task task, const Outcomes& outcomes,
                                   const metrics::Blocks& blocks,
                                   const std::optional<metrics::BootstrapOptions>& bootstrap) {
  const metrics::Sample sample{.actual = outcomes.actual,
                               .score = outcomes.score,
                               .predicted = outcomes.predicted,
                               .weight = {}};
  std::vector<Figure> figures;
  std::vector<metrics::Statistic> statistics;
  std::vector<std::size_t> places;
  for (const Metric metric : metrics_of(task)) {
    Figure figure{
        .name = std::string(metrics::name_of(metric)), .value = kNan, .interval = std::nullopt};
    if (applies(metric, outcomes)) {
      figure.value = metrics::compute(metric, sample);
      if (bootstrap) {
        statistics.push_back(metrics::metric_statistic(metric, sample, blocks));
        places.push_back(figures.size());
      }
    }
    if (bootstrap) figure.interval = {kNan, kNan};
    figures.push_back(std::move(figure));
  }
  if (!bootstrap) return figures;
  const auto resampled = metrics::resample(statistics, blocks.count(), *bootstrap);
  for (std::size_t i = 0; i < places.size(); ++i)
    set_interval(figures[places[i]], resampled[i], blocks.count(), bootstrap->confidence);
  return figures;
}

Result<FairnessReport> fairness_report(const std::string& name, const Column& column,
                                       const Outcomes& outcomes, const metrics::Blocks& blocks,
                                       const std::optional<metrics::BootstrapOptions>& bootstrap) {
  MARTLET_TRY_SET(const Groups groups, group_rows(column, name));
  if (groups.of_row.size() != outcomes.size())
    return internal_error("fairness needs one group a row");
  const metrics::GroupCounts counts(outcomes.actual, outcomes.predicted, groups.of_row,
                                    groups.names.size(), blocks);
  const std::size_t width =
      metrics::all_fairness_metrics().size() + groups.names.size() * kRateNames.size();
  std::vector<double> values(width);
  fill_fairness(counts.under(std::vector<double>(blocks.count(), 1.0)), values);
  std::vector<std::vector<double>> resampled;
  if (bootstrap) {
    resampled =
        metrics::resample([&](std::span<const double> draws,
                              std::span<double> out) { fill_fairness(counts.under(draws), out); },
                          width, blocks.count(), *bootstrap);
  }
  std::size_t place = 0;
  const auto next = [&](std::string figure_name) {
    Figure figure{.name = std::move(figure_name), .value = values[place], .interval = std::nullopt};
    if (bootstrap) set_interval(figure, resampled[place], blocks.count(), bootstrap->confidence);
    ++place;
    return figure;
  };
  FairnessReport report{.column = name, .figures = {}, .groups = {}};
  for (const auto metric : metrics::all_fairness_metrics())
    report.figures.push_back(next(std::string(metrics::name_of(metric))));
  std::vector<std::vector<double>> actual(groups.names.size());
  std::vector<std::vector<double>> score(groups.names.size());
  for (std::size_t i = 0; i < groups.of_row.size(); ++i) {
    actual[groups.of_row[i]].push_back(outcomes.actual[i]);
    if (!outcomes.score.empty()) score[groups.of_row[i]].push_back(outcomes.score[i]);
  }
  for (std::size_t g = 0; g < groups.names.size(); ++g) {
    GroupReport group{.group = groups.names[g],
                      .rows = static_cast<std::int64_t>(actual[g].size()),
                      .figures = {}};
    for (const char* rate : kRateNames) group.figures.push_back(next(rate));
    const double auc =
        outcomes.score.empty()
            ? kNan
            : metrics::compute(
                  Metric::Auc,
                  {.actual = actual[g], .score = score[g], .predicted = {}, .weight = {}});
    group.figures.push_back({.name = "auc", .value = auc, .interval = std::nullopt});
    report.groups.push_back(std::move(group));
  }
  return report;
}

Result<Evaluation> evaluate(const Batch& rows, const EvaluateOptions& options) {
  MARTLET_TRY_SET(const Inputs inputs, read_inputs(rows, options));
  if (options.confidence && !(*options.confidence > 0.5 && *options.confidence < 1.0)) {
    return invalid_argument("a confidence lies above 0.5 and below 1, as in 0.95");
  }
  if (inputs.task != Task::Binary && !options.groups.empty()) {
    return invalid_argument(
        "fairness between groups is defined for yes/no decisions; this target is a number");
  }
  std::optional<metrics::BootstrapOptions> bootstrap;
  if (options.confidence)
    bootstrap = {
        .resamples = options.resamples, .confidence = *options.confidence, .seed = options.seed};
  const auto blocks = metrics::Blocks::of_rows(inputs.rows.size());
  Evaluation evaluation{.task = inputs.task,
                        .rows = static_cast<std::int64_t>(inputs.rows.size()),
                        .left_out = static_cast<std::int64_t>(rows.rows() - inputs.rows.size()),
                        .positive = inputs.target.positive,
                        .metrics = metric_figures(inputs.task, inputs.outcomes, blocks, bootstrap),
                        .fairness = {}};
  for (const std::string& name : options.groups) {
    MARTLET_TRY_SET(const Column* column, rows.column(name));
    MARTLET_TRY_SET(FairnessReport report, fairness_report(name, column->take(inputs.rows),
                                                           inputs.outcomes, blocks, bootstrap));
    evaluation.fairness.push_back(std::move(report));
  }
  return evaluation;
}

Json to_json(const Evaluation& evaluation) {
  Json json{{"rows", evaluation.rows},
            {"left_out", evaluation.left_out},
            {"task", problem::name_of(evaluation.task)}};
  if (!evaluation.positive.empty()) json["positive"] = evaluation.positive;
  json["metrics"] = Json::object();
  for (const Figure& figure : evaluation.metrics)
    json["metrics"][figure.name] = figure_json(figure);
  if (evaluation.task != Task::Binary) return json;
  json["fairness"] = Json::object();
  for (const FairnessReport& report : evaluation.fairness) {
    Json& column = json["fairness"][report.column];
    for (const Figure& figure : report.figures) column[figure.name] = figure_json(figure);
    column["groups"] = Json::object();
    for (const GroupReport& group : report.groups) {
      Json& one = column["groups"][group.group];
      one["n"] = group.rows;
      for (const Figure& figure : group.figures) one[figure.name] = figure_json(figure);
    }
  }
  return json;
}

}  // namespace martlet::evaluation

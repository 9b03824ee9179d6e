#include "monitoring/window.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace martlet::monitoring {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

metrics::Blocks blocks_of(const std::vector<Timestamp>& at, const Zone& zone, Duration length) {
  if (length <= Duration(kMicrosPerDay)) return metrics::Blocks::of_rows(at.size());
  std::vector<std::int64_t> days;
  days.reserve(at.size());
  for (const Timestamp moment : at) days.push_back(zone.local_micros(moment) / kMicrosPerDay);
  return metrics::Blocks::of_keys(days);
}

// The nearest-rank percentile.
double percentile_ms(std::vector<std::int64_t> micros, double share) {
  if (micros.empty()) return kNaN;
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(micros.size())));
  const std::size_t index = std::min(micros.size() - 1, rank == 0 ? 0 : rank - 1);
  std::nth_element(micros.begin(), micros.begin() + static_cast<std::ptrdiff_t>(index),
                   micros.end());
  return static_cast<double>(micros[index]) / 1000;
}

std::map<std::string, double> metrics_of(problem::Task task, const problem::Outcomes& outcomes) {
  std::vector<double> actual, score, predicted;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (std::isnan(outcomes.actual[i])) continue;
    actual.push_back(outcomes.actual[i]);
    if (!outcomes.score.empty()) score.push_back(outcomes.score[i]);
    predicted.push_back(outcomes.predicted[i]);
  }
  std::map<std::string, double> figures;
  const auto wanted =
      task == problem::Task::Binary ? metrics::MetricTask::Binary : metrics::MetricTask::Regression;
  for (const metrics::MetricInfo& info : metrics::all_metrics()) {
    if (info.task != wanted) continue;
    figures[std::string(info.name)] =
        actual.empty() ? kNaN : metrics::compute(info.metric, {actual, score, predicted, {}});
  }
  return figures;
}

}  // namespace

Result<WindowRows> gather(const columns::Schema& schema, std::vector<Prediction> predictions,
                          const std::map<std::string, Truth>& truth) {
  WindowRows rows;
  std::vector<columns::ColumnBuilder> builders;
  for (const columns::Field& field : schema.fields()) builders.emplace_back(field.type);
  for (Prediction& prediction : predictions) {
    rows.latency_micros.push_back(prediction.latency_micros);
    if (prediction.failed) {
      ++rows.failed;
      continue;
    }
    if (prediction.row.size() != schema.size())
      return invalid_argument(
          "judging a window: its predictions were logged with different schemas");
    double actual = kNaN;
    if (const auto found = truth.find(prediction.key); found != truth.end()) {
      if (found->second.actual.has_value()) {
        actual = *found->second.actual;
      } else {
        ++rows.excluded;
      }
    }
    for (std::size_t i = 0; i < schema.size(); ++i) builders[i].push(prediction.row[i]);
    rows.outcomes.actual.push_back(actual);
    rows.outcomes.score.push_back(prediction.score);
    rows.outcomes.predicted.push_back(prediction.predicted);
    rows.keys.push_back(std::move(prediction.key));
    rows.at.push_back(prediction.at);
    rows.versions.push_back(prediction.version);
  }
  std::vector<columns::Column> columns;
  for (columns::ColumnBuilder& builder : builders) columns.push_back(builder.finish());
  rows.outcomes.rows = columns::Batch(schema, std::move(columns));
  return rows;
}

Result<WindowReport> judge(const WindowContext& context, const WindowRows& rows, Timestamp begin,
                           Timestamp end) {
  WindowReport report;
  report.begin = begin;
  report.end = end;
  report.rows = static_cast<std::int64_t>(rows.outcomes.size());
  report.failed = rows.failed;
  report.truth_rows = std::count_if(rows.outcomes.actual.begin(), rows.outcomes.actual.end(),
                                    [](double actual) { return !std::isnan(actual); });
  const metrics::Blocks blocks = blocks_of(rows.at, context.zone, end - begin);
  for (const problem::Kpi& kpi : context.kpis) {
    KpiFigure figure{kpi.name(), kNaN, kNaN, kNaN, kNaN};
    if (report.truth_rows > 0) {
      MARTLET_TRY_SET(const metrics::Statistic statistic, kpi.statistic(rows.outcomes, blocks));
      metrics::BootstrapOptions options;
      options.resamples = context.resamples;
      options.confidence = kpi.confidence().value_or(0.95);
      options.seed = context.seed;
      const metrics::Interval interval = metrics::bootstrap(statistic, blocks.count(), options);
      figure.value = interval.value;
      figure.low = interval.low;
      figure.high = interval.high;
      if (kpi.is_value()) {
        MARTLET_TRY_SET(const problem::Total total, kpi.total(rows.outcomes));
        figure.total = total.sum;
      }
    }
    report.kpis.push_back(std::move(figure));
  }
  report.metrics = metrics_of(context.task, rows.outcomes);
  report.drift.share_drifted = kNaN;
  if (context.reference != nullptr) {
    const std::span<const double> scores = context.task == problem::Task::Binary
                                               ? std::span<const double>(rows.outcomes.score)
                                               : rows.outcomes.predicted;
    report.drift = drift_of(*context.reference, rows.outcomes.rows, scores, context.drift);
  }
  report.p50_ms = percentile_ms(rows.latency_micros, 0.5);
  report.p99_ms = percentile_ms(rows.latency_micros, 0.99);
  return report;
}

Json to_json(const WindowReport& report) {
  Json kpis = Json::array();
  for (const KpiFigure& figure : report.kpis) {
    kpis.push_back(Json{{"name", figure.name},
                        {"value", number_or_null(figure.value)},
                        {"low", number_or_null(figure.low)},
                        {"high", number_or_null(figure.high)},
                        {"total", number_or_null(figure.total)}});
  }
  Json figures = Json::object();
  for (const auto& [name, value] : report.metrics) figures[name] = number_or_null(value);
  return Json{{"from", to_text(report.begin)},
              {"to", to_text(report.end)},
              {"rows", report.rows},
              {"truth_rows", report.truth_rows},
              {"failed", report.failed},
              {"kpis", std::move(kpis)},
              {"metrics", std::move(figures)},
              {"drift", to_json(report.drift)},
              {"p50_ms", number_or_null(report.p50_ms)},
              {"p99_ms", number_or_null(report.p99_ms)}};
}

}  // namespace martlet::monitoring

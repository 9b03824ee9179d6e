#include "evaluation/diagnostics.h"

#include "metrics/classification.h"
#include "metrics/curve.h"
#include "metrics/statistics.h"
#include "problem/threshold.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace martlet::evaluation {

namespace {

using problem::Outcomes;

// The rows whose target is known, and their answers.
struct Known {
  std::vector<double> actual, score, predicted;
};

Known known_of(const Outcomes& outcomes) {
  Known known;
  for (std::size_t i = 0; i < outcomes.actual.size(); ++i) {
    if (std::isnan(outcomes.actual[i])) continue;
    known.actual.push_back(outcomes.actual[i]);
    if (!outcomes.score.empty()) known.score.push_back(outcomes.score[i]);
    if (!outcomes.predicted.empty()) known.predicted.push_back(outcomes.predicted[i]);
  }
  return known;
}

// A curve with a third number, the threshold, that goes with each point.
struct Curve {
  std::vector<metrics::CurvePoint> points;
  std::vector<double> thresholds;  // empty: none to tell
};

Json curve_json(const Curve& curve) {
  const metrics::Thinned thinned = metrics::thin(curve.points, kCurvePoints);
  Json points = Json::array();
  for (const std::uint32_t place : thinned.kept) {
    Json point = Json::array({curve.points[place].x, curve.points[place].y});
    if (!curve.thresholds.empty()) point.push_back(number_or_null(curve.thresholds[place]));
    points.push_back(std::move(point));
  }
  return Json{
      {"points", std::move(points)}, {"of", curve.points.size()}, {"deviation", thinned.deviation}};
}

// A rule that always says the same has no curve.
bool is_constant(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [&](double v) { return v == values.front(); });
}

void add_rank_curves(const Contender& contender, Json& roc, Json& precision_recall) {
  const Known known = known_of(contender.outcomes);
  if (known.score.empty() || is_constant(known.score) || is_constant(known.actual)) return;
  const metrics::RankedScores ranked(known.actual, known.score);
  Curve curve;
  for (const metrics::RocPoint& point : ranked.roc_curve()) {
    curve.points.push_back({point.false_positive_rate, point.true_positive_rate});
    curve.thresholds.push_back(point.threshold);
  }
  const auto named = [&](Json json) {
    json["role"] = contender.role;
    json["name"] = contender.name;
    return json;
  };
  roc.push_back(named(curve_json(curve)));
  curve = {};
  for (const metrics::PrecisionRecallPoint& point : ranked.precision_recall_curve()) {
    curve.points.push_back({point.recall, point.precision});
    curve.thresholds.push_back(point.threshold);
  }
  precision_recall.push_back(named(curve_json(curve)));
}

Json calibration_json(const Known& known) {
  Json bins = Json::array();
  for (const metrics::CalibrationBin& bin :
       metrics::calibration_bins(known.actual, known.score, kCalibrationBins)) {
    bins.push_back(Json{{"low", bin.low},
                        {"high", bin.high},
                        {"rows", bin.rows},
                        {"mean_score", number_or_null(bin.mean_score)},
                        {"positive_share", number_or_null(bin.positive_share)}});
  }
  return bins;
}

std::size_t bin_of(double value, double low, double high, std::size_t bins) {
  const double share = (value - low) / (high - low) * static_cast<double>(bins);
  return static_cast<std::size_t>(std::clamp(share, 0.0, static_cast<double>(bins - 1)));
}

std::vector<double> even_edges(double low, double high, std::size_t bins) {
  std::vector<double> edges;
  for (std::size_t i = 0; i <= bins; ++i)
    edges.push_back(low + (high - low) * static_cast<double>(i) / static_cast<double>(bins));
  return edges;
}

Json scores_json(const Known& known) {
  std::vector<std::int64_t> positive(kScoreBins, 0);
  std::vector<std::int64_t> negative(kScoreBins, 0);
  for (std::size_t i = 0; i < known.score.size(); ++i)
    ++(known.actual[i] != 0.0 ? positive : negative)[bin_of(known.score[i], 0, 1, kScoreBins)];
  return Json{{"edges", even_edges(0, 1, kScoreBins)},
              {"positive", std::move(positive)},
              {"negative", std::move(negative)}};
}

Result<Json> threshold_json(const problem::Kpi& kpi, const Outcomes& model, double chosen) {
  MARTLET_TRY_SET(const std::vector<problem::Threshold> cuts,
                  problem::threshold_curve(kpi, model.rows, model.actual, model.score));
  Curve curve;
  for (auto cut = cuts.rbegin(); cut != cuts.rend(); ++cut) {
    if (std::isfinite(cut->kpi)) curve.points.push_back({cut->value, cut->kpi});
  }
  if (curve.points.empty()) return Json(nullptr);
  Json json = curve_json(curve);
  json["chosen"] = chosen;
  return json;
}

Json predicted_json(const Known& known) {
  std::vector<std::uint32_t> order(known.predicted.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return known.predicted[a] < known.predicted[b];
  });
  Json bins = Json::array();
  for (std::size_t bin = 0; bin < kPredictedBins; ++bin) {
    const std::size_t begin = bin * order.size() / kPredictedBins;
    const std::size_t end = (bin + 1) * order.size() / kPredictedBins;
    if (begin == end) continue;
    std::vector<double> predicted;
    std::vector<double> actual;
    for (std::size_t i = begin; i < end; ++i) {
      predicted.push_back(known.predicted[order[i]]);
      actual.push_back(known.actual[order[i]]);
    }
    const double mean_actual = metrics::mean(actual);
    const std::vector<double> sorted = metrics::sorted(actual);
    bins.push_back(Json{{"low", predicted.front()},
                        {"high", predicted.back()},
                        {"rows", end - begin},
                        {"mean_predicted", number_or_null(metrics::mean(predicted))},
                        {"mean_actual", number_or_null(mean_actual)},
                        {"p10", metrics::quantile_sorted(sorted, 0.1)},
                        {"p50", metrics::quantile_sorted(sorted, 0.5)},
                        {"p90", metrics::quantile_sorted(sorted, 0.9)}});
  }
  return bins;
}

Json residuals_json(const Known& known) {
  std::vector<double> residuals;
  for (std::size_t i = 0; i < known.actual.size(); ++i)
    residuals.push_back(known.predicted[i] - known.actual[i]);
  const std::vector<double> sorted = metrics::sorted(residuals);
  const double low = metrics::quantile_sorted(sorted, 0.01);
  const double high = metrics::quantile_sorted(sorted, 0.99);
  if (!(high > low)) return nullptr;  // all alike: nothing to draw
  std::vector<std::int64_t> counts(kResidualBins, 0);
  std::int64_t below = 0;
  std::int64_t above = 0;
  for (const double residual : residuals) {
    if (residual < low) {
      ++below;
    } else if (residual > high) {
      ++above;
    } else {
      ++counts[bin_of(residual, low, high, kResidualBins)];
    }
  }
  return Json{{"edges", even_edges(low, high, kResidualBins)},
              {"counts", std::move(counts)},
              {"below", below},
              {"above", above}};
}

// The primary KPI of each, with its interval, all under the same draws.
Result<Json> contenders_json(const problem::Kpi& kpi, const std::vector<Contender>& contenders,
                             const metrics::Blocks& blocks,
                             const metrics::BootstrapOptions& bootstrap) {
  std::vector<metrics::Statistic> statistics;
  for (const Contender& contender : contenders) {
    MARTLET_TRY_SET(metrics::Statistic statistic, kpi.statistic(contender.outcomes, blocks));
    statistics.push_back(std::move(statistic));
  }
  const double confidence = kpi.confidence().value_or(bootstrap.confidence);
  const auto resampled = metrics::resample(statistics, blocks.count(), bootstrap);
  Json list = Json::array();
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    MARTLET_TRY_SET(const double value, kpi.estimate(contenders[i].outcomes));
    const metrics::Interval interval =
        metrics::interval_of(value, resampled[i], blocks.count(), confidence);
    list.push_back(Json{{"role", contenders[i].role},
                        {"name", contenders[i].name},
                        {"kpi", number_or_null(value)},
                        {"low", number_or_null(interval.low)},
                        {"high", number_or_null(interval.high)}});
  }
  return list;
}

}  // namespace

Result<Json> diagnostics(problem::Task task, const problem::Kpi& primary,
                         const std::vector<Contender>& contenders, double threshold,
                         const metrics::Blocks& blocks,
                         const metrics::BootstrapOptions& bootstrap) {
  if (contenders.empty()) return internal_error("drawing how a model answers: there is no model");
  Json json = Json::object();
  MARTLET_TRY_SET(json["contenders"], contenders_json(primary, contenders, blocks, bootstrap));
  const Outcomes& model = contenders.front().outcomes;
  const Known known = known_of(model);
  if (known.actual.empty()) return json;
  if (task == problem::Task::Binary) {
    Json roc = Json::array();
    Json precision_recall = Json::array();
    for (const Contender& contender : contenders) add_rank_curves(contender, roc, precision_recall);
    json["roc"] = std::move(roc);
    json["precision_recall"] = std::move(precision_recall);
    json["calibration"] = calibration_json(known);
    json["scores"] = scores_json(known);
    MARTLET_TRY_SET(json["threshold"], threshold_json(primary, model, threshold));
  } else {
    json["predicted"] = predicted_json(known);
    json["residuals"] = residuals_json(known);
  }
  return json;
}

}  // namespace martlet::evaluation

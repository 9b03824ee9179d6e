#include "problem/kpi.h"

#include "base/caret.h"
#include "metrics/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace martlet::problem {
namespace {

using columns::Column;
using columns::Field;
using columns::Schema;
using columns::Type;

constexpr std::string_view kActual = "actual";
constexpr std::string_view kPredicted = "predicted";
constexpr std::string_view kScore = "score";

bool is_offered(std::string_view name) {
  return name == kActual || name == kPredicted || name == kScore;
}

// Numbers as the type that the expression sees; NaN is missing.
Column column_of(std::span<const double> values, Type type) {
  std::vector<std::uint8_t> valid(values.size(), 1);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) valid[i] = 0;
  }
  if (type == Type::Bool) {
    std::vector<std::uint8_t> flags(values.size());
    for (std::size_t i = 0; i < values.size(); ++i)
      flags[i] = valid[i] != 0 && values[i] != 0.0 ? 1 : 0;
    return Column::of_bools(std::move(flags), std::move(valid));
  }
  return Column::of_doubles(std::vector<double>(values.begin(), values.end()), std::move(valid));
}

// The rows whose target is known, packed.
struct Known {
  std::vector<std::uint32_t> rows;
  std::vector<double> actual, score, predicted;
  metrics::Sample sample() const {
    return {.actual = actual, .score = score, .predicted = predicted, .weight = {}};
  }
};

Known known_rows(const Outcomes& outcomes) {
  Known known;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (std::isnan(outcomes.actual[i])) continue;
    known.rows.push_back(static_cast<std::uint32_t>(i));
    known.actual.push_back(outcomes.actual[i]);
    if (!outcomes.score.empty()) known.score.push_back(outcomes.score[i]);
    if (!outcomes.predicted.empty()) known.predicted.push_back(outcomes.predicted[i]);
  }
  return known;
}

Result<void> check_sizes(const Outcomes& outcomes) {
  const std::size_t rows = outcomes.size();
  const auto fits = [rows](const std::vector<double>& values) {
    return values.empty() || values.size() == rows;
  };
  if (!fits(outcomes.score) || !fits(outcomes.predicted)) {
    return internal_error("a KPI needs one score and one prediction a row");
  }
  return {};
}

}  // namespace

Result<Kpi> Kpi::create(const KpiSpec& spec, Task task, const Schema& rows, const Zone& zone) {
  Kpi kpi(spec, task);
  if (spec.metric) {
    const auto wanted =
        task == Task::Binary ? metrics::MetricTask::Binary : metrics::MetricTask::Regression;
    if (metrics::info(*spec.metric).task != wanted) {
      return invalid(
          "the KPI " + spec.name,
          {spec.origin.finding("wrong_metric",
                               fmt::format("the metric {} doesn't apply to the task {}",
                                           metrics::name_of(*spec.metric), name_of(task)))});
    }
    return kpi;
  }
  const Type answer = task == Task::Binary ? Type::Bool : Type::Double;
  std::vector<Field> fields;
  for (const Field& field : rows.fields()) {
    if (!is_offered(field.name)) fields.push_back(field);
  }
  fields.push_back({std::string(kActual), answer});
  fields.push_back({std::string(kPredicted), answer});
  fields.push_back({std::string(kScore), Type::Double});
  auto compiled = expr::Expression::compile(spec.value, {Schema(std::move(fields)), zone});
  std::vector<Finding> findings;
  if (!compiled.has_value()) {
    add_findings_in("expression", spec.value, compiled.error(), spec.origin.finding("", ""),
                    findings);
    return invalid("the KPI " + spec.name, std::move(findings));
  }
  const Type type = compiled->type();
  if (!columns::is_numeric(type) && type != Type::Bool) {
    return invalid(
        "the KPI " + spec.name,
        {spec.origin.finding(
            "wrong_type",
            fmt::format("the value of a decision is a number; this expression gives a {}",
                        columns::name_of(type)))});
  }
  kpi.value_ = std::move(compiled).value();
  return kpi;
}

metrics::Direction Kpi::direction() const {
  return spec_.metric ? metrics::info(*spec_.metric).direction : metrics::Direction::HigherIsBetter;
}

std::vector<std::string> Kpi::columns_used() const {
  std::vector<std::string> names;
  if (!value_) return names;
  for (const std::string& name : value_->names_used()) {
    if (!is_offered(name)) names.push_back(name);
  }
  return names;
}

Result<std::vector<double>> Kpi::row_values(const Outcomes& outcomes) const {
  if (!value_)
    return invalid_argument(
        fmt::format("the KPI {} is a metric; single rows have no value", name()));
  MARTLET_TRY(check_sizes(outcomes));
  const Type answer = task_ == Task::Binary ? Type::Bool : Type::Double;
  const std::vector<double> unknown(outcomes.size(), std::numeric_limits<double>::quiet_NaN());
  std::vector<Field> fields;
  std::vector<Column> row_columns;
  for (const std::string& used : value_->names_used()) {
    if (used == kActual) {
      row_columns.push_back(column_of(outcomes.actual, answer));
      fields.push_back({used, answer});
    } else if (used == kPredicted) {
      row_columns.push_back(
          column_of(outcomes.predicted.empty() ? unknown : outcomes.predicted, answer));
      fields.push_back({used, answer});
    } else if (used == kScore) {
      const auto& score =
          outcomes.score.empty() && task_ == Task::Regression ? outcomes.predicted : outcomes.score;
      row_columns.push_back(column_of(score.empty() ? unknown : score, Type::Double));
      fields.push_back({used, Type::Double});
    } else {
      MARTLET_TRY_SET(const Column* column, outcomes.rows.column(used));
      if (column->size() != outcomes.size())
        return internal_error(fmt::format("the column {} and the targets differ in length", used));
      row_columns.push_back(*column);
      fields.push_back({used, column->type()});
    }
  }
  // A constant expression reads nothing, and a batch without columns would have no rows.
  if (fields.empty()) {
    fields.push_back({std::string(kScore), Type::Double});
    row_columns.push_back(column_of(unknown, Type::Double));
  }
  auto evaluated =
      value_->evaluate(columns::Batch(Schema(std::move(fields)), std::move(row_columns)));
  if (!evaluated.has_value())
    return fail(std::move(evaluated).error().with_context("computing the KPI " + name()));
  std::vector<double> values = evaluated->as_doubles();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(outcomes.actual[i])) values[i] = std::numeric_limits<double>::quiet_NaN();
  }
  return values;
}

Result<Total> Kpi::total(const Outcomes& outcomes) const {
  MARTLET_TRY_SET(const std::vector<double> values, row_values(outcomes));
  metrics::Summation sum;
  Total total;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum.add(value);
    ++total.rows;
  }
  total.sum = sum.value();
  return total;
}

Result<double> Kpi::estimate(const Outcomes& outcomes) const {
  if (value_) {
    MARTLET_TRY_SET(const Total sum, total(outcomes));
    return sum.rows > 0 ? sum.sum / static_cast<double>(sum.rows)
                        : std::numeric_limits<double>::quiet_NaN();
  }
  MARTLET_TRY(check_sizes(outcomes));
  const Known known = known_rows(outcomes);
  if (known.rows.empty()) return std::numeric_limits<double>::quiet_NaN();
  const bool by_score = metrics::info(*spec_.metric).input == metrics::MetricInput::Score;
  if ((by_score ? known.score : known.predicted).empty()) {
    return invalid_argument(
        fmt::format("the KPI {} needs {}", name(), by_score ? "scores" : "predictions"));
  }
  return metrics::compute(*spec_.metric, known.sample());
}

Result<metrics::Statistic> Kpi::statistic(const Outcomes& outcomes,
                                          const metrics::Blocks& blocks) const {
  if (blocks.rows() != outcomes.size())
    return internal_error("the bootstrap needs one block a row");
  if (value_) {
    MARTLET_TRY_SET(const std::vector<double> values, row_values(outcomes));
    return metrics::mean_statistic(values, blocks);
  }
  MARTLET_TRY(check_sizes(outcomes));
  const Known known = known_rows(outcomes);
  const bool by_score = metrics::info(*spec_.metric).input == metrics::MetricInput::Score;
  if (!known.rows.empty() && (by_score ? known.score : known.predicted).empty()) {
    return invalid_argument(
        fmt::format("the KPI {} needs {}", name(), by_score ? "scores" : "predictions"));
  }
  return metrics::metric_statistic(*spec_.metric, known.sample(), blocks.select(known.rows));
}

std::size_t primary_of(std::span<const Kpi> kpis) {
  const auto found =
      std::find_if(kpis.begin(), kpis.end(), [](const Kpi& kpi) { return kpi.is_value(); });
  return found == kpis.end() ? 0 : static_cast<std::size_t>(found - kpis.begin());
}

}  // namespace martlet::problem

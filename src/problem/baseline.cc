#include "problem/baseline.h"

#include "base/caret.h"
#include "base/text.h"
#include "metrics/statistics.h"
#include "problem/threshold.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <map>

namespace martlet::problem {

// Means by group. A key holds each column's text, missing marked; ordered, so that what is written
// has one order.
struct Baseline::Groups {
  using Key = std::vector<std::optional<std::string>>;
  std::map<Key, double> means;
};

namespace {

using columns::Batch;
using columns::Column;
using columns::Schema;
using columns::Type;
using Kind = BaselineSpec::Kind;
using Key = std::vector<std::optional<std::string>>;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::Rule: return "rule";
    case Kind::GroupMean: return "group_mean";
    case Kind::Always: return "always";
    case Kind::Never: return "never";
    case Kind::Mean: return "mean";
  }
  return "";
}

std::optional<Kind> kind_named(std::string_view name) {
  for (const Kind kind : {Kind::Rule, Kind::GroupMean, Kind::Always, Kind::Never, Kind::Mean}) {
    if (name_of(kind) == name) return kind;
  }
  return std::nullopt;
}

Result<expr::Expression> compile_rule(const BaselineSpec& spec, const Schema& rows,
                                      const Zone& zone) {
  auto compiled = expr::Expression::compile(spec.rule, {rows, zone});
  std::vector<Finding> findings;
  if (!compiled.has_value()) {
    add_findings_in("expression", spec.rule, compiled.error(), spec.origin.finding("", ""),
                    findings);
  } else if (!columns::is_numeric(compiled->type()) && compiled->type() != Type::Bool) {
    findings.push_back(spec.origin.finding(
        "wrong_type", fmt::format("a rule gives true, false or a number; this one gives a {}",
                                  columns::name_of(compiled->type()))));
  }
  if (!findings.empty()) return invalid("the baseline " + spec.name, std::move(findings));
  return compiled;
}

// Visits each row's key; the vector is reused.
template <class Visit>
Result<void> for_each_key(const BaselineSpec& spec, const Batch& rows, Visit visit) {
  std::vector<const Column*> by;
  for (const std::string& name : spec.group_mean) {
    MARTLET_TRY_SET(const Column* column, rows.column(name));
    by.push_back(column);
  }
  Key key(by.size());
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    for (std::size_t c = 0; c < by.size(); ++c) {
      if (by[c]->is_missing(row)) {
        key[c].reset();
      } else {
        key[c] = columns::to_text(by[c]->cell(row));
      }
    }
    visit(row, key);
  }
  return {};
}

// The mean target over rows where `chosen` holds, `fallback` without any.
template <class Chosen>
double mean_where(std::span<const double> actual, double fallback, Chosen chosen) {
  metrics::Summation sum;
  double rows = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (std::isnan(actual[i]) || !chosen(i)) continue;
    sum.add(actual[i]);
    rows += 1;
  }
  return rows > 0 ? sum.value() / rows : fallback;
}

}  // namespace

Result<void> Baseline::check(const BaselineSpec& spec, Task task, const Schema& rows,
                             const Zone& zone) {
  std::vector<Finding> findings;
  if (spec.kind == Kind::Rule) MARTLET_TRY(compile_rule(spec, rows, zone));
  for (const std::string& name : spec.group_mean) {
    if (!rows.find(name)) {
      const std::vector<std::string> known = rows.names();
      findings.push_back(
          spec.origin.finding("unknown_name", fmt::format("there is no column \"{}\"{}", name,
                                                          did_you_mean(name, known))));
    }
  }
  const bool binary_only = spec.kind == Kind::Always || spec.kind == Kind::Never;
  if (binary_only != (task == Task::Binary) && (binary_only || spec.kind == Kind::Mean)) {
    findings.push_back(spec.origin.finding(
        "not_applicable", fmt::format("the baseline \"{}\" doesn't apply to the task {}", spec.name,
                                      problem::name_of(task))));
  }
  if (!findings.empty()) return invalid("the baseline " + spec.name, std::move(findings));
  return {};
}

Result<Baseline> Baseline::fit(const BaselineSpec& spec, Task task, const Zone& zone,
                               const Kpi& primary, const Batch& training,
                               std::span<const double> actual) {
  if (actual.size() != training.rows()) return internal_error("a baseline needs one target a row");
  MARTLET_TRY(check(spec, task, training.schema(), zone));
  Baseline baseline(spec, task);
  baseline.mean_ = mean_where(actual, kNan, [](std::size_t) { return true; });
  if (std::isnan(baseline.mean_)) {
    return invalid_argument(
        fmt::format("fitting the baseline \"{}\": no training row has a known target", spec.name));
  }
  baseline.yes_score_ = baseline.no_score_ = baseline.mean_;
  if (spec.kind == Kind::Rule) {
    MARTLET_TRY_SET(baseline.rule_, compile_rule(spec, training.schema(), zone));
  }
  if (spec.kind == Kind::GroupMean) {
    std::map<Key, std::pair<metrics::Summation, double>> sums;
    MARTLET_TRY(for_each_key(spec, training, [&](std::size_t row, const Key& key) {
      if (std::isnan(actual[row])) return;
      auto& [sum, rows] = sums[key];
      sum.add(actual[row]);
      rows += 1;
    }));
    auto groups = std::make_shared<Groups>();
    for (const auto& [key, one] : sums) groups->means.emplace(key, one.first.value() / one.second);
    baseline.groups_ = std::move(groups);
  }
  if (task != Task::Binary || spec.kind == Kind::Always || spec.kind == Kind::Never)
    return baseline;
  MARTLET_TRY_SET(const std::vector<double> raw, baseline.raw(training));
  if (baseline.rule_ && baseline.rule_->type() == Type::Bool) {
    baseline.yes_score_ =
        mean_where(actual, baseline.mean_, [&](std::size_t i) { return raw[i] != 0.0; });
    baseline.no_score_ =
        mean_where(actual, baseline.mean_, [&](std::size_t i) { return raw[i] == 0.0; });
    return baseline;
  }
  MARTLET_TRY_SET(const Threshold threshold, choose_threshold(primary, training, actual, raw));
  baseline.threshold_ = threshold.value;
  return baseline;
}

std::string Baseline::description() const {
  switch (spec_.kind) {
    case Kind::Rule: return spec_.rule;
    case Kind::GroupMean: return "mean by " + join(spec_.group_mean, ", ");
    case Kind::Always: return "always yes";
    case Kind::Never: return "always no";
    case Kind::Mean: return "the mean of the training rows";
  }
  return "";
}

std::vector<std::string> Baseline::columns_used() const {
  return rule_ ? rule_->names_used() : spec_.group_mean;
}

// The rule's or the group's number for each row, nothing missing any more.
Result<std::vector<double>> Baseline::raw(const Batch& rows) const {
  if (rule_) {
    if (rule_->names_used().empty() && rows.width() == 0) return std::vector<double>{};
    auto column = rule_->evaluate(rows);
    if (!column.has_value())
      return fail(std::move(column).error().with_context("applying the baseline " + name()));
    std::vector<double> values = column->as_doubles();
    const bool is_bool = rule_->type() == Type::Bool;
    const double otherwise = task_ == Task::Regression ? mean_
                             : is_bool                 ? 0.0
                                                       : std::numeric_limits<double>::lowest();
    for (double& value : values) {
      if (std::isnan(value)) value = otherwise;
    }
    return values;
  }
  std::vector<double> values(rows.rows(), mean_);
  if (groups_ != nullptr) {
    MARTLET_TRY(for_each_key(spec_, rows, [&](std::size_t row, const Key& key) {
      if (const auto found = groups_->means.find(key); found != groups_->means.end())
        values[row] = found->second;
    }));
  }
  return values;
}

Result<Predictions> Baseline::predict(const Batch& rows) const {
  MARTLET_TRY_SET(std::vector<double> values, raw(rows));
  Predictions predictions;
  if (task_ != Task::Binary) {
    predictions.predicted = std::move(values);
    return predictions;
  }
  const bool decides = spec_.kind == Kind::Always || spec_.kind == Kind::Never ||
                       (rule_ && rule_->type() == Type::Bool);
  predictions.predicted.reserve(values.size());
  for (double& value : values) {
    bool yes = value >= threshold_;
    if (decides) {
      yes = spec_.kind == Kind::Always || (spec_.kind == Kind::Rule && value != 0.0);
      value = yes ? yes_score_ : no_score_;
    }
    predictions.predicted.push_back(yes ? 1.0 : 0.0);
  }
  predictions.score = std::move(values);
  return predictions;
}

Json Baseline::to_json() const {
  Json json{{"name", spec_.name},
            {"kind", name_of(spec_.kind)},
            {"task", problem::name_of(task_)},
            {"mean", mean_}};
  if (spec_.kind == Kind::Rule) json["rule"] = spec_.rule;
  if (task_ == Task::Binary) {
    json["threshold"] = threshold_;
    json["yes_score"] = yes_score_;
    json["no_score"] = no_score_;
  }
  if (groups_ != nullptr) {
    json["group_mean"] = spec_.group_mean;
    json["groups"] = Json::array();
    for (const auto& [key, mean] : groups_->means) {
      Json values = Json::array();
      for (const auto& part : key) values.push_back(part ? Json(*part) : Json(nullptr));
      json["groups"].push_back({{"values", std::move(values)}, {"mean", mean}});
    }
  }
  return json;
}

Result<Baseline> Baseline::from_json(const Json& json, const Schema& rows, const Zone& zone) {
  constexpr std::string_view kSubject = "a stored baseline";
  const auto corrupted = [&](std::string_view what) {
    return corrupt(fmt::format("{}: {}", kSubject, what));
  };
  BaselineSpec spec;
  MARTLET_TRY_SET(spec.name, text_member(json, "name", kSubject));
  MARTLET_TRY_SET(const std::string kind_text, text_member(json, "kind", kSubject));
  MARTLET_TRY_SET(const std::string task_text, text_member(json, "task", kSubject));
  const auto kind = kind_named(kind_text);
  const auto task = parse_task(task_text);
  if (!kind || !task.has_value()) return corrupted("unknown kind or task");
  spec.kind = *kind;
  if (spec.kind == Kind::Rule) {
    MARTLET_TRY_SET(spec.rule, text_member(json, "rule", kSubject));
  }
  if (spec.kind == Kind::GroupMean) {
    MARTLET_TRY_SET(const Json* columns, member(json, "group_mean", kSubject));
    if (!columns->is_array()) return corrupted("group_mean is no list");
    for (const Json& column : *columns) {
      if (!column.is_string()) return corrupted("a group's column has no name");
      spec.group_mean.push_back(column.get<std::string>());
    }
  }
  Baseline baseline(spec, *task);
  MARTLET_TRY_SET(baseline.mean_, number_member(json, "mean", kSubject));
  if (*task == Task::Binary) {
    MARTLET_TRY_SET(baseline.threshold_, number_member(json, "threshold", kSubject));
    MARTLET_TRY_SET(baseline.yes_score_, number_member(json, "yes_score", kSubject));
    MARTLET_TRY_SET(baseline.no_score_, number_member(json, "no_score", kSubject));
  }
  MARTLET_TRY(check(spec, *task, rows, zone));
  if (spec.kind == Kind::Rule) {
    MARTLET_TRY_SET(baseline.rule_, compile_rule(spec, rows, zone));
  }
  if (spec.kind == Kind::GroupMean) {
    MARTLET_TRY_SET(const Json* groups, member(json, "groups", kSubject));
    if (!groups->is_array()) return corrupted("groups is no list");
    auto read = std::make_shared<Groups>();
    for (const Json& group : *groups) {
      MARTLET_TRY_SET(const Json* values, member(group, "values", kSubject));
      MARTLET_TRY_SET(const double mean, number_member(group, "mean", kSubject));
      if (!values->is_array() || values->size() != spec.group_mean.size())
        return corrupted("a group's values don't fit its columns");
      Key key;
      for (const Json& value : *values) {
        if (!value.is_null() && !value.is_string()) return corrupted("a group's value is no text");
        key.push_back(value.is_null() ? std::nullopt : std::optional(value.get<std::string>()));
      }
      read->means.emplace(std::move(key), mean);
    }
    baseline.groups_ = std::move(read);
  }
  return baseline;
}

Result<Outcomes> outcomes_of(const Baseline& baseline, const Batch& rows,
                             std::span<const double> actual) {
  MARTLET_TRY_SET(Predictions predictions, baseline.predict(rows));
  return Outcomes{.rows = rows,
                  .actual = {actual.begin(), actual.end()},
                  .score = std::move(predictions.score),
                  .predicted = std::move(predictions.predicted)};
}

Result<FittedBaselines> fit_baselines(std::span<const BaselineSpec> specs, Task task,
                                      const Zone& zone, const Kpi& primary, const Batch& training,
                                      std::span<const double> actual) {
  FittedBaselines fitted;
  for (const BaselineSpec& spec : specs) {
    MARTLET_TRY_SET(Baseline baseline, Baseline::fit(spec, task, zone, primary, training, actual));
    MARTLET_TRY_SET(const Outcomes outcomes, outcomes_of(baseline, training, actual));
    MARTLET_TRY_SET(const double kpi, primary.estimate(outcomes));
    fitted.all.push_back(std::move(baseline));
    fitted.training_kpis.push_back(kpi);
    const double best = fitted.training_kpis[fitted.best];
    if (!std::isnan(kpi) && (std::isnan(best) || primary.merit(kpi) > primary.merit(best)))
      fitted.best = fitted.all.size() - 1;
  }
  if (fitted.all.empty()) return invalid_argument("there is no baseline to compare with");
  return fitted;
}

}  // namespace martlet::problem

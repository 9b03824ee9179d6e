#include "problem/contract.h"

#include "base/caret.h"
#include "base/text.h"
#include "expr/expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

namespace martlet::problem {
namespace {

// Checks an expression without knowing any names: what depends on names or types is left to
// Problem::bind.
void check_syntax(const std::string& text, const Origin& origin, std::vector<Finding>& findings) {
  const auto compiled = expr::Expression::compile(text, {});
  if (compiled.has_value()) return;
  std::vector<Finding> all;
  add_findings_in("expression", text, compiled.error(), origin.finding("", ""), all);
  std::copy_if(all.begin(), all.end(), std::back_inserter(findings), [](const Finding& found) {
    return found.rule != "unknown_name" && found.rule != "ambiguous_name" &&
           found.rule != "wrong_type" && found.rule != "wrong_arguments";
  });
}

Origin origin_of(YamlObject& read, std::string_view key) {
  const Yaml* node = read.child(key);
  return node == nullptr ? Origin::of(read.node()) : Origin::of(*node);
}

void read_baseline(const Yaml& node, Contract& contract, std::vector<Finding>& findings) {
  YamlObject read(node, findings);
  if (!node.is_map()) return;
  BaselineSpec spec;
  spec.origin = Origin::of(node);
  spec.name = read.required_text("name");
  const auto rule = read.text("rule");
  const auto group = read.texts("group_mean");
  read.finish();
  if (rule.has_value() == group.has_value()) {
    findings.push_back(node.finding("one_of", "a baseline has either a rule or a group_mean"));
    return;
  }
  if (rule) {
    spec.kind = BaselineSpec::Kind::Rule;
    spec.rule = *rule;
    spec.origin = Origin::of(*read.child("rule"));
    check_syntax(spec.rule, spec.origin, findings);
  } else {
    spec.kind = BaselineSpec::Kind::GroupMean;
    spec.group_mean = *group;
    spec.origin = Origin::of(*read.child("group_mean"));
    if (spec.group_mean.empty())
      findings.push_back(spec.origin.finding("missing", "name at least one column"));
  }
  const bool twice =
      std::any_of(contract.baselines.begin(), contract.baselines.end(),
                  [&](const BaselineSpec& other) { return other.name == spec.name; });
  if (twice)
    findings.push_back(
        node.finding("duplicate", fmt::format("there is another baseline \"{}\"", spec.name)));
  contract.baselines.push_back(std::move(spec));
}

void read_goal(YamlObject& read, KpiSpec& spec, std::vector<Finding>& findings) {
  const auto text = read.text("goal");
  if (!text) return;
  auto goal = expr::parse_goal(*text);
  if (goal.has_value()) {
    spec.goal = std::move(goal).value();
    return;
  }
  const Origin origin = origin_of(read, "goal");
  add_findings_in("goal", *text, goal.error(), origin.finding("", ""), findings);
}

void read_kpi(const Yaml& node, Contract& contract, std::vector<Finding>& findings) {
  YamlObject read(node, findings);
  if (!node.is_map()) return;
  KpiSpec spec;
  spec.origin = Origin::of(node);
  spec.name = read.required_text("name");
  const auto metric = read.text("metric");
  const auto value = read.text("value");
  spec.unit = read.text("unit").value_or("");
  read_goal(read, spec, findings);
  spec.confidence = read.share("confidence");
  read.finish();
  if (spec.confidence && (*spec.confidence <= 0.5 || *spec.confidence >= 1.0)) {
    findings.push_back(
        origin_of(read, "confidence")
            .finding("out_of_range", "a confidence lies above 0.5 and below 1, as in 0.95"));
  }
  if (!spec.name.empty() &&
      spec.name.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != std::string::npos) {
    findings.push_back(
        origin_of(read, "name")
            .finding("wrong_name", fmt::format("the KPI's name \"{}\" is used in expressions "
                                               "(kpi.NAME): letters, digits and _ only",
                                               spec.name)));
  }
  const bool twice = std::any_of(contract.kpis.begin(), contract.kpis.end(),
                                 [&](const KpiSpec& other) { return other.name == spec.name; });
  if (twice)
    findings.push_back(
        node.finding("duplicate", fmt::format("there is another KPI \"{}\"", spec.name)));
  if (metric.has_value() == value.has_value()) {
    findings.push_back(node.finding("one_of", "a KPI has either a metric or a value expression"));
    return;
  }
  if (metric) {
    auto known = metrics::metric_by_name(*metric);
    if (known.has_value()) {
      spec.metric = known.value();
    } else {
      findings.push_back(
          origin_of(read, "metric").finding("unknown_name", known.error().message()));
    }
  } else {
    spec.value = *value;
    spec.origin = origin_of(read, "value");
    check_syntax(spec.value, spec.origin, findings);
  }
  contract.kpis.push_back(std::move(spec));
}

void read_task(YamlObject& read, Contract& contract, std::vector<Finding>& findings) {
  const auto text = read.text("task");
  if (!text) return;
  const auto task = parse_task(*text);
  if (!task.has_value()) {
    findings.push_back(origin_of(read, "task").finding("unknown_name", task.error().message()));
    return;
  }
  if (!is_supported(*task)) {
    findings.push_back(
        origin_of(read, "task")
            .finding("not_supported",
                     fmt::format("the task {} is not supported yet; binary and regression are",
                                 name_of(*task))));
    return;
  }
  contract.task = *task;
}

void check_metrics_fit(const Contract& contract, std::vector<Finding>& findings) {
  if (!contract.task) return;
  const auto wanted = *contract.task == Task::Binary ? metrics::MetricTask::Binary
                                                     : metrics::MetricTask::Regression;
  for (const KpiSpec& kpi : contract.kpis) {
    if (kpi.metric && metrics::info(*kpi.metric).task != wanted) {
      findings.push_back(kpi.origin.finding(
          "wrong_metric", fmt::format("the metric {} doesn't apply to the task {}",
                                      metrics::name_of(*kpi.metric), name_of(*contract.task))));
    }
  }
}

template <class ReadOne>
void read_list(YamlObject& read, std::string_view key, std::vector<Finding>& findings,
               ReadOne read_one) {
  const Yaml* list = read.child(key);
  if (list == nullptr) return;
  if (!list->is_sequence()) {
    findings.push_back(list->finding("wrong_type", "expected a list"));
    return;
  }
  for (const Yaml& item : list->items()) read_one(item);
}

}  // namespace

Origin Origin::of(const Yaml& node) {
  return {.path = node.path(), .file = node.file(), .line = node.line(), .column = node.column()};
}

Finding Origin::finding(std::string_view rule, std::string message) const {
  return {.path = path,
          .rule = std::string(rule),
          .message = std::move(message),
          .file = file,
          .line = line,
          .column = column};
}

Contract read_contract(const Yaml& node, std::vector<Finding>& findings) {
  Contract contract;
  contract.origin = Origin::of(node);
  YamlObject read(node, findings);
  contract.question = read.text("question").value_or("");
  contract.decision = read.text("decision").value_or("");
  contract.owner = read.text("owner").value_or("");
  read_task(read, contract, findings);
  contract.target = read.required_text("target");
  contract.positive = read.text("positive");
  contract.time = read.text("time").value_or("");
  if (const auto name = read.text("zone")) {
    auto zone = Zone::find(*name);
    if (zone.has_value()) {
      contract.zone = std::move(zone).value();
      contract.zone_given = true;
    } else {
      findings.push_back(origin_of(read, "zone").finding("unknown_name", zone.error().message()));
    }
  }
  if (const auto text = read.text("decided_at")) {
    contract.decided_at = *text;
    check_syntax(*text, origin_of(read, "decided_at"), findings);
  }
  contract.key = read.texts("key").value_or(std::vector<std::string>{});
  read_list(read, "baselines", findings,
            [&](const Yaml& item) { read_baseline(item, contract, findings); });
  read_list(read, "kpis", findings, [&](const Yaml& item) { read_kpi(item, contract, findings); });
  read.finish();
  if (contract.task == Task::Regression && contract.positive) {
    findings.push_back(origin_of(read, "positive")
                           .finding("not_applicable", "only a binary target has a positive value"));
  }
  check_metrics_fit(contract, findings);
  return contract;
}

std::vector<Finding> warnings_of(const Contract& contract) {
  std::vector<Finding> warnings;
  for (const KpiSpec& kpi : contract.kpis) {
    if (!kpi.goal || kpi.goal->limit.names_used().empty()) continue;
    if (kpi.goal->limit.text().find_first_of("*/") != std::string::npos) {
      warnings.push_back(kpi.origin.finding(
          "product_in_goal",
          fmt::format("the goal \"{}\" multiplies or divides {}: below zero it means the opposite; "
                      "write a difference, as in "
                      "\">= baseline + 3\"",
                      kpi.goal->text, join(kpi.goal->limit.names_used(), ", "))));
    }
  }
  return warnings;
}

std::vector<KpiSpec> kpis_of(const Contract& contract, Task task) {
  if (!contract.kpis.empty()) return contract.kpis;
  KpiSpec spec;
  spec.metric = task == Task::Binary ? metrics::Metric::Auc : metrics::Metric::Rmse;
  spec.name = metrics::name_of(*spec.metric);
  spec.origin = contract.origin;
  return {spec};
}

std::vector<BaselineSpec> baselines_of(const Contract& contract, Task task) {
  if (!contract.baselines.empty()) return contract.baselines;
  BaselineSpec spec;
  spec.origin = contract.origin;
  if (task == Task::Regression) {
    spec.kind = BaselineSpec::Kind::Mean;
    spec.name = "mean";
    return {spec};
  }
  BaselineSpec other = spec;
  spec.kind = BaselineSpec::Kind::Never;
  spec.name = "never";
  other.kind = BaselineSpec::Kind::Always;
  other.name = "always";
  return {spec, other};
}

Json to_json(const Contract& contract) {
  Json json;
  const auto put = [&](const char* key, const std::string& text) {
    if (!text.empty()) json[key] = text;
  };
  put("question", contract.question);
  put("decision", contract.decision);
  put("owner", contract.owner);
  if (contract.task) json["task"] = name_of(*contract.task);
  put("target", contract.target);
  if (contract.positive) json["positive"] = *contract.positive;
  put("time", contract.time);
  json["zone"] = contract.zone.name();
  put("decided_at", contract.decided_at.empty() ? contract.time : contract.decided_at);
  if (!contract.key.empty()) json["key"] = contract.key;
  json["baselines"] = Json::array();
  for (const BaselineSpec& spec : contract.baselines) {
    Json one{{"name", spec.name}};
    if (spec.kind == BaselineSpec::Kind::Rule) one["rule"] = spec.rule;
    if (spec.kind == BaselineSpec::Kind::GroupMean) one["group_mean"] = spec.group_mean;
    json["baselines"].push_back(std::move(one));
  }
  json["kpis"] = Json::array();
  for (const KpiSpec& spec : contract.kpis) {
    Json one{{"name", spec.name}};
    if (spec.metric) one["metric"] = metrics::name_of(*spec.metric);
    if (!spec.value.empty()) one["value"] = spec.value;
    if (!spec.unit.empty()) one["unit"] = spec.unit;
    if (spec.goal) one["goal"] = spec.goal->text;
    if (spec.confidence) one["confidence"] = *spec.confidence;
    json["kpis"].push_back(std::move(one));
  }
  return json;
}

}  // namespace martlet::problem

#include "monitoring/config.h"

#include "base/quantity.h"

#include <algorithm>
#include <set>

namespace martlet::monitoring {

namespace {

constexpr std::chrono::hours kDay{24};

int count_of(YamlObject& read, std::string_view key, int fallback) {
  const auto value = read.integer(key);
  if (!value.has_value()) return fallback;
  if (*value < 1 || *value > 1000) {
    read.report(key, "range", "it must be 1 to 1000 windows, not " + std::to_string(*value));
    return fallback;
  }
  return static_cast<int>(*value);
}

std::optional<std::string> variable_of_text(std::string_view text) {
  constexpr std::string_view kPrefix = "${env:";
  if (!text.starts_with(kPrefix) || !text.ends_with('}')) return std::nullopt;
  const std::string_view name = text.substr(kPrefix.size(), text.size() - kPrefix.size() - 1);
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  return plain ? std::optional(std::string(name)) : std::nullopt;
}

std::vector<Action> read_actions(const Yaml& node, std::vector<Finding>& findings) {
  std::vector<Action> actions;
  const auto read_one = [&](const Yaml& item) {
    if (item.is_scalar() && item.scalar() == "retrain") {
      actions.push_back({Action::Kind::Retrain, ""});
    } else if (item.is_map()) {
      YamlObject read(item, findings);
      actions.push_back({Action::Kind::Webhook, read.required_text("webhook")});
      const std::string& url = actions.back().url;
      if (!url.empty() && !url.starts_with("https://") && !url.starts_with("http://") &&
          !variable_of_text(url).has_value()) {
        read.report("webhook", "url",
                    "a webhook is an http or https URL, or ${env:NAME}: the process variable that "
                    "holds one");
      }
      read.finish();
    } else {
      findings.push_back(
          item.finding("unknown_value", "an alert's action is retrain or {webhook: URL}"));
    }
  };
  if (node.is_sequence()) {
    for (const Yaml& item : node.items()) read_one(item);
  } else {
    read_one(node);
  }
  return actions;
}

AlertRule read_alert(const Yaml& node, const std::vector<Duration>& windows,
                     std::vector<Finding>& findings) {
  AlertRule rule;
  YamlObject read(node, findings);
  rule.where = node;
  rule.name = read.required_text("name");
  rule.when = read.required_text("when");
  rule.for_windows = count_of(read, "for", 1);
  rule.clear_windows = count_of(read, "clear", 1);
  rule.window = read.duration("window").value_or(windows.front());
  if (std::find(windows.begin(), windows.end(), rule.window) == windows.end()) {
    std::string known;
    for (const Duration window : windows) known += (known.empty() ? "" : ", ") + to_text(window);
    read.report("window", "unknown_value",
                "no window of " + to_text(rule.window) + " is kept; monitoring.windows are " +
                    known);
  }
  const auto severity = read.one_of("severity", {"info", "warning", "critical"});
  if (severity == "info") rule.severity = Severity::Info;
  if (severity == "critical") rule.severity = Severity::Critical;
  if (const Yaml* then = read.child("then")) rule.then = read_actions(*then, findings);
  read.finish();
  return rule;
}

std::optional<std::int64_t> read_budget(YamlObject& read, std::string_view key) {
  const auto value = read.integer(key);
  if (value.has_value() && *value < 1) read.report(key, "range", "a budget is at least 1 training");
  return value;
}

PromotionRule read_promotion(const Yaml& node, std::vector<Finding>& findings) {
  PromotionRule rule;
  if (node.is_scalar() && node.scalar() == "significant") return rule;
  if (!node.is_map()) {
    findings.push_back(
        node.finding("unknown_value", "promote is significant or {non_inferior: margin}"));
    return rule;
  }
  YamlObject read(node, findings);
  rule.kind = PromotionRule::Kind::NonInferior;
  const auto margin = read.number("non_inferior");
  if (!margin.has_value())
    read.report("non_inferior", "missing",
                "a margin in the primary KPI's unit, per row, is required");
  rule.margin = margin.value_or(0);
  if (rule.margin < 0) read.report("non_inferior", "range", "a margin is not negative");
  read.finish();
  return rule;
}

RetrainPolicy read_retrain(const Yaml& node, std::vector<Finding>& findings) {
  RetrainPolicy policy;
  YamlObject read(node, findings);
  policy.every = read.duration("every");
  policy.cooldown = read.duration("cooldown").value_or(policy.cooldown);
  if (const Yaml* budget = read.child("budget")) {
    YamlObject limits(*budget, findings);
    policy.per_day = read_budget(limits, "per_day");
    policy.per_week = read_budget(limits, "per_week");
    policy.per_month = read_budget(limits, "per_month");
    limits.finish();
  }
  policy.window = read.duration("window");
  policy.holdout = read.duration("holdout").value_or(policy.holdout);
  policy.validation = read.share("validation").value_or(policy.validation);
  policy.confidence = read.share("confidence").value_or(policy.confidence);
  policy.refit = read.boolean("refit").value_or(true);
  if (const Yaml* promote = read.child("promote"))
    policy.promote = read_promotion(*promote, findings);
  if (const auto processors = read.integer("processors")) {
    if (*processors < 1 || *processors > 1024)
      read.report("processors", "range", "a training uses 1 to 1024 processors");
    policy.processors = static_cast<int>(*processors);
  }
  if (const auto bytes = read.size_bytes("memory")) {
    constexpr std::int64_t kLeast = std::int64_t{256} << 20;
    if (*bytes < kLeast) read.report("memory", "range", "a training needs at least 256MiB");
    policy.memory_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(*bytes, 0));
  }
  if (policy.holdout <= Duration::zero())
    read.report("holdout", "range", "the holdout must last longer than nothing");
  if (policy.window.has_value() && *policy.window <= policy.holdout) {
    read.report("window", "range",
                "it must be longer than the holdout of " + to_text(policy.holdout));
  }
  if (policy.validation <= 0 || policy.validation >= 0.9)
    read.report("validation", "range", "it must be a share between 0 and 90%");
  if (policy.confidence <= 0.5 || policy.confidence >= 1)
    read.report("confidence", "range", "it must lie between 50% and 100%");
  read.finish();
  return policy;
}

DriftConfig read_drift(const Yaml& node, std::vector<Finding>& findings) {
  DriftConfig drift;
  YamlObject read(node, findings);
  drift.psi = read.number("psi").value_or(drift.psi);
  drift.p = read.share("p").value_or(drift.p);
  drift.ignore = read.texts("ignore").value_or(std::vector<std::string>{});
  if (drift.psi <= 0) read.report("psi", "range", "it must be above 0");
  read.finish();
  return drift;
}

}  // namespace

std::optional<std::string> Action::variable() const { return variable_of_text(url); }

std::string_view name_of(Severity severity) {
  static constexpr std::string_view kNames[] = {"info", "warning", "critical"};
  return kNames[static_cast<std::size_t>(severity)];
}

MonitoringConfig read_monitoring(const Yaml& node, std::vector<Finding>& findings) {
  MonitoringConfig config;
  config.declared = !node.is_null();
  YamlObject read(node, findings);
  if (const Yaml* truth = read.child("truth")) {
    YamlObject inner(*truth, findings);
    config.truth_source = inner.text("source").value_or("");
    config.truth_delay = inner.duration("delay").value_or(Duration::zero());
    inner.finish();
  }
  if (const Yaml* windows = read.child("windows")) {
    for (const Yaml& item :
         windows->is_sequence() ? windows->items() : std::vector<Yaml>{*windows}) {
      const auto window = item.as_duration(findings);
      if (!window.has_value()) continue;
      if (*window < std::chrono::seconds(1) || *window > kDay * 366) {
        findings.push_back(item.finding("range", "a window lasts between one second and a year"));
        continue;
      }
      config.windows.push_back(*window);
    }
  }
  if (config.windows.empty()) config.windows.push_back(kDay);
  if (const Yaml* drift = read.child("drift")) config.drift = read_drift(*drift, findings);
  if (const Yaml* alerts = read.child("alerts")) {
    std::set<std::string> names;
    for (const Yaml& item : alerts->items()) {
      config.alerts.push_back(read_alert(item, config.windows, findings));
      if (!names.insert(config.alerts.back().name).second)
        findings.push_back(item.finding("duplicate", "two alerts have this name"));
    }
  }
  if (const Yaml* retrain = read.child("retrain"))
    config.retrain = read_retrain(*retrain, findings);
  read.finish();
  for (const AlertRule& rule : config.alerts) {
    const bool retrains = std::any_of(rule.then.begin(), rule.then.end(), [](const Action& action) {
      return action.kind == Action::Kind::Retrain;
    });
    if (retrains && !config.retrain.has_value()) {
      findings.push_back(
          rule.where.finding("missing", "it retrains, but monitoring.retrain says nothing of "
                                        "cooldown and budget; add `retrain: {}` for the defaults"));
    }
  }
  return config;
}

}  // namespace martlet::monitoring

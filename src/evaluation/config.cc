#include "evaluation/config.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace martlet::evaluation {
namespace {

using problem::Origin;

constexpr std::array<SplitKind, 5> kKinds{SplitKind::Time, SplitKind::Random, SplitKind::Stratified,
                                          SplitKind::Group, SplitKind::Column};

std::optional<SplitKind> kind_named(const std::optional<std::string>& name) {
  for (const SplitKind kind : kKinds) {
    if (name && *name == name_of(kind)) return kind;
  }
  return std::nullopt;
}

void read_shares(YamlObject& read, SplitConfig& config) {
  const auto train = read.share("train");
  const auto validation = read.share("validation");
  const auto test = read.share("test");
  if (!train && !validation && !test) return;
  if (!train || !validation || !test) {
    read.report("by", "missing", "give all three shares, train, validation and test, or none");
    return;
  }
  config.train = *train;
  config.validation = *validation;
  config.test = *test;
  if (config.train <= 0 || config.validation <= 0 || config.test <= 0) {
    read.report("train", "out_of_range",
                "each of train, validation and test needs a share above 0");
  } else if (std::abs(config.train + config.validation + config.test - 1.0) > 1e-9) {
    read.report("train", "out_of_range",
                fmt::format("the shares add up to {:.4g}%, not to 100%",
                            (config.train + config.validation + config.test) * 100));
  }
}

void read_slices(const Yaml& node, EvaluationConfig& config, std::vector<Finding>& findings) {
  if (!node.is_sequence()) {
    findings.push_back(node.finding("wrong_type", "expected a list of columns"));
    return;
  }
  for (const Yaml& item : node.items()) {
    if (item.is_map()) {
      findings.push_back(item.finding(
          "not_supported", "slices that are searched for are not supported yet; name columns"));
    } else if (const auto name = item.as_text(findings)) {
      config.slices.push_back(*name);
    }
  }
}

void read_fairness(const Yaml& node, EvaluationConfig& config, std::vector<Finding>& findings) {
  YamlObject read(node, findings);
  FairnessConfig fairness;
  fairness.groups = read.texts("groups").value_or(std::vector<std::string>{});
  if (fairness.groups.empty())
    read.report("groups", "missing", "name the columns whose groups are to be treated alike");
  if (const Yaml* limits = read.child("metrics")) {
    if (!limits->is_map()) {
      findings.push_back(limits->finding(
          "wrong_type",
          "expected metrics with limits, as in {demographic_parity_difference: \"<= 0.1\"}"));
    }
    for (const auto& [name, value] : limits->entries()) {
      const auto metric = metrics::fairness_metric_by_name(name);
      if (!metric.has_value())
        findings.push_back(value.finding("unknown_name", metric.error().message()));
      const auto text = value.as_text(findings);
      if (!text) continue;
      auto limit = expr::parse_goal(*text, expr::Scope{});
      if (!limit.has_value()) {
        findings.push_back(
            value.finding("syntax", fmt::format("\"{}\" is no limit such as \"<= 0.1\": {}", *text,
                                                limit.error().message())));
      } else if (metric.has_value()) {
        fairness.limits.push_back({*metric, std::move(limit).value()});
      }
    }
  }
  read.finish();
  config.fairness = std::move(fairness);
}

void read_waiver(const Yaml& node, EvaluationConfig& config, std::vector<Finding>& findings) {
  YamlObject read(node, findings);
  Waiver waiver{.gate = read.required_text("gate"),
                .reason = read.required_text("reason"),
                .origin = Origin::of(node)};
  read.finish();
  if (!waiver.gate.empty() && trim(waiver.reason).empty() && read.has("reason")) {
    read.report("reason", "missing", "say why the gate may be passed by; the reason is kept");
  }
  config.waivers.push_back(std::move(waiver));
}

void read_gate(const Yaml& node, EvaluationConfig& config, std::vector<Finding>& findings) {
  if (node.is_map()) {
    YamlObject read(node, findings);
    const auto opponent = read.one_of("better_than", {"champion", "baseline"});
    const auto margin = read.number("non_inferior");
    const Yaml* waive = read.child("waive");
    read.finish();
    if (waive != nullptr) read_waiver(*waive, config, findings);
    if (margin) {
      if (opponent != "champion" || *margin < 0) {
        read.report("non_inferior", "out_of_range",
                    "a margin is at least 0 and belongs to better_than: champion");
      } else {
        config.champion_margin = *margin;
      }
    }
    if (waive == nullptr && !opponent && !read.has("better_than")) {
      findings.push_back(node.finding(
          "missing", "expected {better_than: champion} or {waive: {gate: …, reason: …}}"));
    }
    return;
  }
  const auto name = node.as_text(findings);
  if (!name || *name == "kpis" || *name == "fairness") return;
  if (*name == "stress") {
    findings.push_back(node.finding("not_supported", "stress tests are not supported yet"));
    return;
  }
  const std::vector<std::string> known{"kpis", "fairness", "stress"};
  findings.push_back(
      node.finding("unknown_value",
                   fmt::format("there is no gate \"{}\"{}; there are kpis, fairness, "
                               "{{better_than: champion}} and {{waive: {{gate: …, reason: …}}}}",
                               *name, did_you_mean(*name, known))));
}

}  // namespace

std::string_view name_of(SplitKind kind) {
  switch (kind) {
    case SplitKind::Time: return "time";
    case SplitKind::Random: return "random";
    case SplitKind::Stratified: return "stratified";
    case SplitKind::Group: return "group";
    case SplitKind::Column: return "column";
  }
  return "";
}

SplitConfig read_split(const Yaml& node, std::vector<Finding>& findings) {
  SplitConfig config;
  config.origin = Origin::of(node);
  YamlObject read(node, findings);
  config.by = kind_named(read.one_of("by", {"time", "random", "stratified", "group", "column"}));
  config.column = read.text("column").value_or("");
  if (const auto seed = read.integer("seed")) {
    if (*seed < 0) read.report("seed", "out_of_range", "a seed is at least 0");
    config.own_seed = static_cast<std::uint64_t>(std::max<std::int64_t>(*seed, 0));
    config.seed = *config.own_seed;
  }
  read_shares(read, config);
  read.finish();
  const bool needs_column = config.by == SplitKind::Group || config.by == SplitKind::Column;
  if (needs_column && config.column.empty()) {
    read.report("column", "missing",
                fmt::format("a split by {} needs `column`", name_of(*config.by)));
  }
  if (!needs_column && !config.column.empty()) {
    read.report("column", "not_applicable", "only a split by group or by column has a column");
  }
  if (config.by == SplitKind::Column &&
      (read.has("train") || read.has("validation") || read.has("test"))) {
    read.report("train", "not_applicable",
                "a split by column takes its parts from the column; leave the shares out");
  }
  return config;
}

SplitKind split_kind(const SplitConfig& config, const problem::Contract& contract,
                     problem::Task task) {
  if (config.by) return *config.by;
  if (!contract.time.empty()) return SplitKind::Time;
  return task == problem::Task::Binary ? SplitKind::Stratified : SplitKind::Random;
}

EvaluationConfig read_evaluation(const Yaml& node, std::vector<Finding>& findings) {
  EvaluationConfig config;
  YamlObject read(node, findings);
  if (const Yaml* child = read.child("cross_validation")) {
    findings.push_back(child->finding(
        "not_supported", "cross-validation of candidates is not supported yet; they are compared "
                         "on the validation rows of the split"));
  }
  if (const Yaml* child = read.child("slices")) read_slices(*child, config, findings);
  if (const Yaml* child = read.child("fairness")) read_fairness(*child, config, findings);
  if (const Yaml* child = read.child("stress"))
    findings.push_back(child->finding("not_supported", "stress tests are not supported yet"));
  if (const Yaml* child = read.child("gates")) {
    if (!child->is_sequence()) {
      findings.push_back(child->finding("wrong_type", "expected a list of gates"));
    }
    for (const Yaml& item : child->items()) read_gate(item, config, findings);
  }
  read.finish();
  return config;
}

}  // namespace martlet::evaluation

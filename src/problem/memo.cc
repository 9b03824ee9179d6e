#include "problem/memo.h"

#include "base/text.h"

#include <fmt/format.h>

namespace martlet::problem {
namespace {

std::string or_open(const std::string& text) { return text.empty() ? "(not written down)" : text; }

std::string measure_of(const KpiSpec& kpi) {
  return kpi.metric ? fmt::format("the metric {}", metrics::name_of(*kpi.metric))
                    : fmt::format("the mean per row of `{}`", kpi.value);
}

}  // namespace

std::string memo(const Contract& contract, const std::optional<Verdict>& verdict) {
  std::string text = "# Decision memo\n\n";
  text +=
      fmt::format("- **Question:** {}\n- **Decision:** {}\n- **Owner:** {}\n",
                  or_open(contract.question), or_open(contract.decision), or_open(contract.owner));
  text +=
      fmt::format("- **Target:** `{}`{}\n", contract.target,
                  contract.task ? fmt::format(" ({})", name_of(*contract.task)) : std::string());
  if (!contract.time.empty()) {
    text += fmt::format(
        "- **Time:** `{}`, read in {}; decided at `{}`, nothing known later may be used\n",
        contract.time, contract.zone.name(),
        contract.decided_at.empty() ? contract.time : contract.decided_at);
  }
  if (!contract.key.empty()) text += fmt::format("- **Key:** {}\n", join(contract.key, ", "));
  text += "\n## Success\n\n";
  if (contract.kpis.empty()) text += "No KPI is written down: the task's standard metric counts.\n";
  for (const KpiSpec& kpi : contract.kpis) {
    text += fmt::format("- **{}**: {}", kpi.name, measure_of(kpi));
    if (!kpi.unit.empty()) text += fmt::format(", in {}", kpi.unit);
    if (kpi.goal) text += fmt::format("; goal {}", kpi.goal->text);
    if (kpi.confidence) text += fmt::format(" at {:.3g}% confidence", *kpi.confidence * 100);
    text += "\n";
  }
  text += "\n## Without machine learning\n\n";
  if (contract.baselines.empty())
    text += "No rule is written down: constant answers are the baseline.\n";
  for (const BaselineSpec& baseline : contract.baselines) {
    text += baseline.kind == BaselineSpec::Kind::Rule
                ? fmt::format("- **{}**: `{}`\n", baseline.name, baseline.rule)
                : fmt::format("- **{}**: the mean by {}\n", baseline.name,
                              join(baseline.group_mean, ", "));
  }
  if (verdict) {
    text += fmt::format("\n## Verdict\n\n{}\n", to_text(*verdict));
  }
  return text;
}

}  // namespace martlet::problem

#include "problem/verdict.h"

#include <fmt/format.h>

#include <cmath>

namespace martlet::problem {

std::string_view name_of(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::Required: return "required";
    case VerdictKind::NotRequired: return "not_required";
    case VerdictKind::Undecided: return "undecided";
  }
  return "";
}

Result<Verdict> decide(const Kpi& primary, const Outcomes& model, const Outcomes& baseline,
                       const std::string& baseline_name, const metrics::Blocks& blocks,
                       metrics::BootstrapOptions options) {
  if (model.size() != baseline.size())
    return internal_error("a model and a baseline are compared on the same rows");
  if (primary.confidence()) options.confidence = *primary.confidence();
  MARTLET_TRY_SET(const metrics::Statistic of_model, primary.statistic(model, blocks));
  MARTLET_TRY_SET(const metrics::Statistic of_baseline, primary.statistic(baseline, blocks));
  Verdict verdict;
  MARTLET_TRY_SET(verdict.model, primary.estimate(model));
  MARTLET_TRY_SET(verdict.baseline, primary.estimate(baseline));
  const metrics::Interval gain = metrics::bootstrap(
      [&](std::span<const double> draws) {
        return primary.merit(of_model(draws)) - primary.merit(of_baseline(draws));
      },
      blocks.count(), options);
  verdict.best_baseline = baseline_name;
  verdict.gain = gain.value;
  verdict.low = gain.low;
  verdict.high = gain.high;
  verdict.confidence = options.confidence;
  verdict.kpi = primary.name();
  verdict.unit = primary.unit();
  if (gain.lower_bound > 0) {
    verdict.kind = VerdictKind::Required;
  } else if (gain.upper_bound <= 0) {
    verdict.kind = VerdictKind::NotRequired;
  }
  return verdict;
}

int exit_status(VerdictKind kind) { return kind == VerdictKind::NotRequired ? 4 : 0; }

Json to_json(const Verdict& verdict) {
  return {{"verdict", name_of(verdict.kind)},
          {"best_baseline", verdict.best_baseline},
          {"gain", number_or_null(verdict.gain)},
          {"low", number_or_null(verdict.low)},
          {"high", number_or_null(verdict.high)},
          {"model", number_or_null(verdict.model)},
          {"baseline", number_or_null(verdict.baseline)},
          {"kpi", verdict.kpi},
          {"unit", verdict.unit},
          {"confidence", verdict.confidence}};
}

std::string to_text(const Verdict& verdict) {
  const std::string unit = verdict.unit.empty() ? "" : " " + verdict.unit;
  if (std::isnan(verdict.gain) || std::isnan(verdict.low)) {
    return fmt::format("Undecided: too little is known to compare the model with \"{}\" on {}.",
                       verdict.best_baseline, verdict.kpi);
  }
  const std::string figures =
      fmt::format("{:+.4g}{} a row on {} ({:.4g} to {:.4g} at {:.3g}% confidence)", verdict.gain,
                  unit, verdict.kpi, verdict.low, verdict.high, verdict.confidence * 100);
  switch (verdict.kind) {
    case VerdictKind::Required:
      return fmt::format("Machine learning is required: against \"{}\" the model gains {}.",
                         verdict.best_baseline, figures);
    case VerdictKind::NotRequired:
      return fmt::format(
          "Machine learning is not required: \"{}\" is no worse; the model gains {}.",
          verdict.best_baseline, figures);
    case VerdictKind::Undecided: break;
  }
  return fmt::format("Undecided: against \"{}\" the model gains {}; more rows would tell.",
                     verdict.best_baseline, figures);
}

}  // namespace martlet::problem

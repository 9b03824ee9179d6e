// problem/verdict.h: is machine learning required? Answered with numbers: the model against the
// best rule, on rows neither has seen.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "metrics/bootstrap.h"
#include "problem/kpi.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace martlet::problem {

enum class VerdictKind : std::uint8_t {
  Required,     // the model is better: the one-sided bound of the gain at the confidence is above 0
  NotRequired,  // it isn't: the opposite bound is at or below 0
  Undecided,    // the rows don't tell, or the gain is unknown
};
std::string_view name_of(VerdictKind kind);  // "required", "not_required", "undecided"

struct Verdict {
  VerdictKind kind = VerdictKind::Undecided;
  std::string best_baseline;
  double model = 0;  // the primary KPI of either on these rows; NaN unknown
  double baseline = 0;
  double gain = 0;  // how much better the model is: model - baseline, or baseline - model for a KPI
                    // of which less is better; per row
  double low = 0;   // two-sided interval of the gain; NaN unknown
  double high = 0;
  double confidence = 0.95;
  std::string kpi;
  std::string unit;
};

// Paired bootstrap of the gain; both outcomes are of the same rows in the same order, blocks
// likewise (Problem::blocks_of). The confidence is the KPI's, else options.confidence.
Result<Verdict> decide(const Kpi& primary, const Outcomes& model, const Outcomes& baseline,
                       const std::string& baseline_name, const metrics::Blocks& blocks,
                       metrics::BootstrapOptions options = {});

// The exit status that the CLI owes the answer (DESIGN §5): 4 when machine learning isn't required,
// else 0.
int exit_status(VerdictKind kind);

// {verdict, best_baseline, gain, low, high, model, baseline, kpi, unit, confidence}: the `problem`
// member of `run --json`.
Json to_json(const Verdict& verdict);
// One sentence for people.
std::string to_text(const Verdict& verdict);

}  // namespace martlet::problem

// problem/threshold.h: from which score on the answer is yes (DESIGN §12.8).
#pragma once
#include "base/result.h"
#include "columns/batch.h"
#include "problem/kpi.h"

#include <span>
#include <vector>

namespace martlet::problem {

struct Threshold {
  double value = 0.5;  // predicted = score >= value
  double kpi = 0;  // what the KPI is with it on these rows; NaN when it doesn't depend on it and
                   // isn't defined
};

// The distinct score with which the KPI is best on these rows, the smallest on ties. A KPI of the
// scores alone (auc, average_precision, log_loss, brier) doesn't depend on a threshold: 0.5.
//
// Shapes: rows, actual and score of one length; rows with an unknown target are left out. O(n log
// n): each row's value is computed once as yes and once as no, and summed over the sorted scores.
// Errors: InvalidArgument when no target is known, when a score is NaN, or for a regression's
// metric.
Result<Threshold> choose_threshold(const Kpi& kpi, const columns::Batch& rows,
                                   std::span<const double> actual, std::span<const double> score);

// What the KPI would be at each distinct score as threshold, from the highest score down. Empty for
// a KPI that doesn't depend on a threshold. Shapes, complexity and errors as above; `kpi` is NaN
// where it isn't defined.
Result<std::vector<Threshold>> threshold_curve(const Kpi& kpi, const columns::Batch& rows,
                                               std::span<const double> actual,
                                               std::span<const double> score);

}  // namespace martlet::problem

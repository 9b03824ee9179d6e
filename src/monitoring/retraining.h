// monitoring/retraining.h: may a training begin now, and does its result deserve to go live? Pure
// decisions; lifecycle/ acts on them.
#pragma once
#include "base/result.h"
#include "metrics/bootstrap.h"
#include "monitoring/config.h"
#include "problem/kpi.h"

#include <span>
#include <string>
#include <vector>

namespace martlet::monitoring {

struct Permission {
  bool granted = false;
  std::string
      why;  // when refused: "cooldown: the last training was 2d ago, the next may begin at …"
};

// `trainings`: when trainings of this deployment began, in any order; refused requests don't count.
Permission may_retrain(const RetrainPolicy& policy, std::span<const Timestamp> trainings,
                       Timestamp now);

// Whether the live model has reached the age at which it is replaced anyway.
bool is_due(const RetrainPolicy& policy, Timestamp trained_at, Timestamp now);

struct Comparison {
  bool promote = false;
  std::string why;
  double champion = 0;  // the primary KPI on the holdout
  double challenger = 0;
  metrics::Interval difference;  // in merit: positive means that the challenger is better
};

// Both models' answers to the same holdout rows, in the same order; blocks has an entry a row.
// InvalidArgument when the KPI can't be computed.
Result<Comparison> compare(const problem::Kpi& kpi, const problem::Outcomes& champion,
                           const problem::Outcomes& challenger, const metrics::Blocks& blocks,
                           const RetrainPolicy& policy, std::uint64_t seed);

}  // namespace martlet::monitoring

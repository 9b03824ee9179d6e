// monitoring/reference.h: what the training data looked like, and how far from it the present is.
//
// A ReferenceProfile travels in the model package (reference/profile.json) and is a value; drift_of
// is a pure function.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "columns/batch.h"
#include "monitoring/config.h"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace martlet::monitoring {

// Numbers keep a sorted sample of evenly spaced order statistics, large enough that the
// Kolmogorov–Smirnov test against it is the asymptotic one; the stability index uses bins counted
// on all values.
inline constexpr std::size_t kReferenceSample = 20'001;
inline constexpr std::size_t kMinimumRows = 30;  // fewer rows give no verdict

struct ReferenceColumn {
  std::string name;
  bool numeric = false;
  std::int64_t missing = 0;
  std::vector<double> sample;                  // numeric: sorted
  std::vector<double> edges;                   // numeric: inner deciles
  std::vector<std::int64_t> counts;            // numeric: per bin
  std::map<std::string, std::int64_t> values;  // else: per category
};

struct ReferenceProfile {
  std::int64_t rows = 0;
  std::vector<ReferenceColumn> columns;  // the raw inputs, and "score"
  std::map<std::string, double> kpis;    // at the gate, on test rows

  Json to_json() const;
  // Corrupt when it isn't one.
  static Result<ReferenceProfile> from_json(const Json& json);
};

// Of the columns of `rows` but timestamps and dates (they only ever grow), and of the scores
// (empty: none).
ReferenceProfile profile_of(const columns::Batch& rows, std::span<const double> scores,
                            std::map<std::string, double> kpis);

struct ColumnDrift {
  std::string name;
  bool numeric = false;
  double psi = 0;
  double distance = 0;    // numeric: Kolmogorov–Smirnov statistic; else Jensen–Shannon distance
  double p = 1;           // of the KS or the chi-squared test
  double adjusted_p = 1;  // over all columns, Benjamini–Hochberg
  bool drifted = false;
};

struct DriftReport {
  bool sufficient = false;  // enough rows to say anything
  std::vector<ColumnDrift> columns;
  double share_drifted = 0;  // NaN unless sufficient
};

// Columns that the profile has and `rows` lacks are left out. A column has drifted when its
// stability index reaches config.psi and the adjusted p falls below config.p: an effect that is
// both large and certain.
DriftReport drift_of(const ReferenceProfile& reference, const columns::Batch& rows,
                     std::span<const double> scores, const DriftConfig& config);

Json to_json(const DriftReport& report);

}  // namespace martlet::monitoring

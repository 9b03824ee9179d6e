// evaluation/drift.h: how far two tables have moved apart, column by column: what `martlet drift`
// prints (DESIGN §5, §12.13).
//
// Pure functions; thread-safe.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "columns/batch.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::evaluation {

inline constexpr double kDriftedPsi = 0.2;
// Below this many present values in either table nothing is computed of a numeric column.
inline constexpr std::size_t kFewestValues = 10;

enum class DriftType : std::uint8_t {
  Number,    // "num": integers and numbers
  Category,  // "cat": texts and booleans
  Time,      // "time": timestamps and dates; they always move, so nothing is computed
  Mixed,     // "mixed": of different kinds in the two tables
};
std::string_view name_of(DriftType type);

// An absent figure doesn't apply or can't be known.
struct ColumnDrift {
  std::string name;
  DriftType type = DriftType::Number;
  std::optional<double> psi;
  std::optional<double> ks;  // numbers
  std::optional<double> ks_p;
  std::optional<double> js;  // categories
  std::optional<double> chi2_p;
  std::optional<double> wasserstein;  // numbers; in standard deviations of the reference
  std::optional<bool> drifted;        // psi >= kDriftedPsi; a column of mixed type has drifted
  std::int64_t bins = 0;              // of the psi
  double missing_reference = 0;       // shares
  double missing_current = 0;
  std::string note;  // why figures are absent
};

struct DriftReport {
  std::vector<ColumnDrift> columns;
  double share_drifted = 0;  // of the columns for which it is known; 0 without any
  std::vector<std::string> only_in_reference;
  std::vector<std::string> only_in_current;
};

// One column. Categories: a missing value is a category. Constant and empty columns have defined
// results: a constant number has one edge and two bins; a column without any row in one of the
// tables gives no figures and an unknown `drifted`.
ColumnDrift column_drift(const std::string& name, const columns::Column& reference,
                         const columns::Column& current);

// The named columns, or all that both tables have, in the reference's order. NotFound when a named
// one is missing from either.
// The same report on any number of threads.
struct DriftOptions {
  int threads = 1;
};
Result<DriftReport> drift(const columns::Batch& reference, const columns::Batch& current,
                          std::span<const std::string> names = {},
                          const DriftOptions& options = {});

// {columns: [{name, type, psi, ks, ks_p, js, wasserstein, drifted, …}], share_drifted, …}; absent
// figures are null.
Json to_json(const DriftReport& report);

}  // namespace martlet::evaluation

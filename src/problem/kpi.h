// problem/kpi.h: a KPI that is ready to be computed: the one definition of success that tuning
// optimises, gates test and monitoring watches (DESIGN §12.5).
//
// A Kpi is immutable, cheap to copy and safe to share between threads.
#pragma once
#include "base/result.h"
#include "columns/batch.h"
#include "expr/expression.h"
#include "metrics/bootstrap.h"
#include "problem/contract.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace martlet::problem {

// Rows, what was said about them and what turned out. One entry a row everywhere; a value.
struct Outcomes {
  columns::Batch rows;  // the columns that value expressions may name; metrics don't need any
  std::vector<double> actual;     // NaN: not known (yet); binary: 0 or 1
  std::vector<double> score;      // binary: larger means likelier yes; empty for regression
  std::vector<double> predicted;  // binary: 0 or 1; regression: the number

  std::size_t size() const { return actual.size(); }
};

struct Total {
  double sum = 0;
  std::int64_t rows = 0;  // rows that counted
};

class Kpi {
 public:
  // Compiles a value expression against the row's columns and the names actual and predicted
  // (boolean for binary, numbers for regression) and score (number); these three hide columns of
  // the same name. InvalidArgument with findings at the KPI's place in the file: unknown names, a
  // value that is neither number nor boolean, a metric of another task.
  static Result<Kpi> create(const KpiSpec& spec, Task task, const columns::Schema& rows,
                            const Zone& zone);

  const std::string& name() const { return spec_.name; }
  const std::string& unit() const { return spec_.unit; }
  const std::optional<expr::Goal>& goal() const { return spec_.goal; }
  const std::optional<double>& confidence() const { return spec_.confidence; }
  const std::optional<metrics::Metric>& metric() const { return spec_.metric; }
  bool is_value() const { return value_.has_value(); }
  // Values: higher is better. Metrics: as the table says.
  metrics::Direction direction() const;
  // The larger the better, whatever the direction.
  double merit(double value) const { return metrics::merit(direction(), value); }
  // Columns of the row that the value expression reads.
  std::vector<std::string> columns_used() const;

  // The value of each row's decision; NaN where the target is unknown or the expression gives null:
  // such rows are left out of mean and total. InvalidArgument for a metric KPI, and when evaluation
  // fails.
  Result<std::vector<double>> row_values(const Outcomes& outcomes) const;
  // The mean per row, or the metric, over the rows whose target is known. NaN: not defined on these
  // rows.
  Result<double> estimate(const Outcomes& outcomes) const;
  // The sum over rows of a value KPI (`total(kpi)`), with the rows beside it. InvalidArgument for a
  // metric KPI.
  Result<Total> total(const Outcomes& outcomes) const;
  // The estimate as a function of draws, for the bootstrap. blocks has one entry a row of
  // `outcomes`.
  Result<metrics::Statistic> statistic(const Outcomes& outcomes,
                                       const metrics::Blocks& blocks) const;

 private:
  Kpi(KpiSpec spec, Task task) : spec_(std::move(spec)), task_(task) {}
  KpiSpec spec_;
  Task task_;
  std::optional<expr::Expression> value_;
};

// The primary KPI: the first with a value expression, else the first. `kpis` isn't empty.
std::size_t primary_of(std::span<const Kpi> kpis);

}  // namespace martlet::problem

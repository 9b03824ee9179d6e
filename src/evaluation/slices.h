// evaluation/slices.h: the primary figure for parts of the rows, so that a good mean can't hide a
// bad corner.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "metrics/bootstrap.h"
#include "problem/kpi.h"

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace martlet::evaluation {

// The name that a missing value goes by, in slices and in groups of people.
inline constexpr std::string_view kMissingGroup = "missing";
// A column with more values than this is no column to slice or group by.
inline constexpr std::size_t kMostGroups = 1000;

// The distinct values of a column as texts, ascending, and which of them each row has.
struct Groups {
  std::vector<std::string> names;
  std::vector<std::uint32_t> of_row;
};
// InvalidArgument for more than kMostGroups values; `name` is for the message.
Result<Groups> group_rows(const columns::Column& column, const std::string& name);

struct Slice {
  std::string column;
  std::string value;
  std::int64_t rows = 0;                                  // with a known target
  double kpi = 0;                                         // NaN unknown; so are the bounds
  double low = std::numeric_limits<double>::quiet_NaN();  // two-sided, where it was asked for
  double high = std::numeric_limits<double>::quiet_NaN();
};
// One per value of each column, columns in the given order, values ascending. With `blocks` (one
// entry a row of `outcomes`) each has its bootstrap interval, all slices of a column under the same
// draws. NotFound for a column that `outcomes.rows` lacks.
Result<std::vector<Slice>> make_slices(const problem::Kpi& kpi, const problem::Outcomes& outcomes,
                                       std::span<const std::string> columns,
                                       const metrics::Blocks* blocks = nullptr,
                                       const metrics::BootstrapOptions& bootstrap = {});
Json to_json(std::span<const Slice> slices);  // [{column, value, rows, kpi, low, high}]

}  // namespace martlet::evaluation

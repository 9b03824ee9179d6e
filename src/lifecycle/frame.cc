#include "lifecycle/frame.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace martlet::lifecycle {

namespace {

// Timestamps as they are; a date is its midnight in the zone.
std::vector<std::int64_t> micros_of(const columns::Column& column, const Zone& zone) {
  std::vector<std::int64_t> micros(column.size(), std::numeric_limits<std::int64_t>::min());
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (column.is_missing(i)) continue;
    const std::int64_t value = column.int64s()[i];
    micros[i] = column.type() == columns::Type::Date
                    ? zone.instant_of_local_micros(value * kMicrosPerDay).micros
                    : value;
  }
  return micros;
}

}  // namespace

Result<Frame> frame_of(const problem::Problem& problem, columns::Batch rows) {
  Frame frame;
  MARTLET_TRY_SET(problem::Target target, problem.target_of(rows));
  frame.actual = std::move(target.values);
  frame.positive = std::move(target.positive);
  frame.negative = std::move(target.negative);
  const std::string& time = problem.contract().time;
  if (!time.empty()) {
    MARTLET_TRY_SET(const columns::Column* column, rows.column(time));
    frame.times = micros_of(*column, problem.zone());
    MARTLET_TRY_SET(const columns::Column decided, problem.decided_at(rows));
    frame.decided = micros_of(decided, problem.zone());
  }
  for (std::uint32_t i = 0; i < rows.rows(); ++i) {
    if (!std::isnan(frame.actual[i])) frame.known.push_back(i);
  }
  if (!frame.times.empty()) {
    std::stable_sort(frame.known.begin(), frame.known.end(), [&](std::uint32_t a, std::uint32_t b) {
      return frame.times[a] < frame.times[b];
    });
  }
  frame.rows = std::move(rows);
  return frame;
}

std::vector<std::uint32_t> known_by(const Frame& frame, std::optional<Timestamp> as_of,
                                    Duration truth_delay) {
  if (!as_of.has_value() || frame.times.empty()) return frame.known;
  std::vector<std::uint32_t> rows;
  for (const std::uint32_t row : frame.known) {
    if (frame.times[row] <= (*as_of - truth_delay).micros) rows.push_back(row);
  }
  return rows;
}

columns::Batch take(const Frame& frame, std::span<const std::uint32_t> rows) {
  return frame.rows.take(rows);
}

std::vector<double> actual_of(const Frame& frame, std::span<const std::uint32_t> rows) {
  std::vector<double> actual;
  actual.reserve(rows.size());
  for (const std::uint32_t row : rows) actual.push_back(frame.actual[row]);
  return actual;
}

}  // namespace martlet::lifecycle

// lifecycle/frame.h: a dataset's rows seen as a problem: targets as numbers, times, blocks for the
// bootstrap. A value.
#pragma once
#include "base/result.h"
#include "columns/batch.h"
#include "metrics/bootstrap.h"
#include "problem/problem.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace martlet::lifecycle {

struct Frame {
  columns::Batch rows;
  std::vector<double> actual;      // NaN: the target isn't defined
  std::string positive, negative;  // binary: what 1 and 0 stand for
  std::vector<std::int64_t>
      times;  // event time in microseconds; empty without one; missing: the smallest int64
  std::vector<std::int64_t> decided;  // when each row is decided; empty without a time
  std::vector<std::uint32_t>
      known;  // rows whose target is defined, by event time (by place without one)

  std::size_t without_target() const { return rows.rows() - known.size(); }
};

Result<Frame> frame_of(const problem::Problem& problem, columns::Batch rows);

// The known rows whose truth was known at `as_of`: event time + delay <= as_of. All known rows
// without a time.
std::vector<std::uint32_t> known_by(const Frame& frame, std::optional<Timestamp> as_of,
                                    Duration truth_delay);

// Of a subset of rows.
columns::Batch take(const Frame& frame, std::span<const std::uint32_t> rows);
std::vector<double> actual_of(const Frame& frame, std::span<const std::uint32_t> rows);

}  // namespace martlet::lifecycle

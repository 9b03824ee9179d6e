// tracking/internal/metric_points.h: a metric's points, many to a record.
//
// A chunk holds points of one run and key in the order in which they came, 24 bytes each: instant
// in microseconds, step, value, little-endian. So a batch of a thousand points of ten metrics costs
// ten records, and a history is read at the speed of copying. What came twice is told apart when it
// is read: a point's identity is all of it.
#pragma once
#include "base/result.h"
#include "metadata/database.h"
#include "tracking/internal/records.h"
#include "tracking/run.h"

#include <span>
#include <vector>

namespace martlet::tracking {

// What write_points() reads first, said beforehand.
void expect_points(const metadata::ReadTransaction& tx, const RunId& run,
                   std::span<const Metric> points);

// Appends the points and brings the latest of each key up to date. The run is there.
Result<void> write_points(metadata::Transaction& tx, const RunRecord& run,
                          std::span<const Metric> points);

// Whether the two have the same identity: instant, step and value; NaN is NaN.
bool same_point(const Metric& a, const Metric& b);

// Every point once, by time, step and value (NaN last).
Result<std::vector<Metric>> read_points(const metadata::ReadTransaction& tx, const RunId& run,
                                        const std::string& key);

}  // namespace martlet::tracking

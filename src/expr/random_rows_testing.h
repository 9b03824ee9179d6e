// expr/random_rows_testing.h: random tables for the property tests and benchmarks of expressions:
// ordinary values, and the ones at which evaluators go wrong. A seed gives the same rows
// everywhere.
#pragma once
#include "base/random.h"
#include "base/zone.h"
#include "columns/batch.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace martlet::expr::testing {

// i, j: integer; x, y: number; s, t: text; b, c: boolean; ts, te: timestamp; d, e: date.
columns::Schema random_schema();
columns::Batch random_batch(Random& random, std::size_t rows);

// Rows whose instants lie between 1985 and 2023, half of them within hours of one of `changes`.
columns::Batch random_batch_around(Random& random, std::size_t rows,
                                   const std::vector<std::int64_t>& changes);
// Instants between 1985 and 2023 at which the zone's clocks change, in microseconds; to the second.
std::vector<std::int64_t> clock_changes(const Zone& zone);

}  // namespace martlet::expr::testing

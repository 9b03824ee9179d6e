// expr/random_expression_testing.h: random typed expressions and tables for the property tests. A
// seed gives the same sequence everywhere.
#pragma once
#include "base/random.h"
#include "columns/batch.h"
#include "expr/expression.h"

#include <string>

namespace martlet::expr::testing {

// Whether the texts must mean the same to DuckDB, with the columns' types BIGINT, DOUBLE, VARCHAR,
// BOOLEAN, TIMESTAMP and DATE.
enum class Dialect { Martlet, Shared };

// i, j: integer; x, y: number; s, t: text; b, c: boolean; ts, te: timestamp; d, e: date.
columns::Schema random_schema();
columns::Batch random_batch(Random& random, std::size_t rows);
// Of the type, with up to `depth` levels of operators.
std::string random_expression(Random& random, columns::Type type, int depth, Dialect dialect);
columns::Type random_type(Random& random);

}  // namespace martlet::expr::testing

// The promise that training and serving agree: rows evaluated one by one give the same bits as the
// batch, on generated expressions.
#include "base/zone.h"
#include "expr/expression.h"
#include "expr/random_expression_testing.h"
#include "expr/random_rows_testing.h"

#include <gtest/gtest.h>

#include <bit>

namespace martlet::expr {
namespace {

using columns::Cell;
using columns::Type;

bool same_bits(const Cell& a, const Cell& b) {
  if (a.type != b.type || a.missing != b.missing) return false;
  if (a.missing) return true;
  switch (a.type) {
    case Type::Bool: return a.boolean == b.boolean;
    case Type::Double:
      return std::bit_cast<std::uint64_t>(a.number) == std::bit_cast<std::uint64_t>(b.number);
    case Type::Text: return a.text == b.text;
    default: return a.integer == b.integer;
  }
}

std::vector<Cell> cells_of(const Expression& expression, const columns::Batch& batch,
                           std::size_t row) {
  std::vector<Cell> cells;
  for (const std::string& name : expression.names_used())
    cells.push_back(batch.find(name)->cell(row));
  return cells;
}

// Compares one expression; the number of rows in which it has a value.
std::size_t compare(const Expression& expression, const columns::Batch& batch, Scratch& scratch) {
  const Result<columns::Column> column = expression.evaluate(batch);
  bool a_row_failed = false;
  std::size_t values = 0;
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    const Result<Cell> cell = expression.evaluate_row(cells_of(expression, batch, row), scratch);
    a_row_failed = a_row_failed || !cell.has_value();
    if (!cell.has_value() || !column.has_value()) continue;
    EXPECT_TRUE(same_bits(*cell, column->cell(row)))
        << expression.text() << " on row " << row << ": " << columns::to_text(*cell) << " and "
        << columns::to_text(column->cell(row));
    values += cell->missing ? 0 : 1;
  }
  EXPECT_EQ(column.has_value(), !a_row_failed) << expression.text();
  return values;
}

TEST(RowAndBatch, agree_bit_for_bit_on_20000_generated_expressions) {
  SeededRandom random(20130401);
  testing::RandomExpressions expressions(random, testing::Times::Bare);
  Scratch scratch;
  std::size_t values = 0;
  const Zone zones[] = {Zone::utc(), *Zone::find("America/New_York"), *Zone::find("Asia/Kolkata")};
  columns::Batch batch;
  for (int k = 0; k < 20'000 && !::testing::Test::HasFailure(); ++k) {
    if (k % 50 == 0) batch = testing::random_batch(random, 1 + random.below(6));
    const std::string text = expressions.make(expressions.type(), 3).text;
    const Result<Expression> expression =
        Expression::compile(text, {testing::random_schema(), zones[k % 3]});
    ASSERT_TRUE(expression.has_value()) << text << "\n" << expression.error().message();
    values += compare(*expression, batch, scratch);
  }
  EXPECT_GT(values, 20'000U);
}

TEST(RowAndBatch, agree_across_the_borders_of_chunks) {
  SeededRandom random(7);
  testing::RandomExpressions expressions(random, testing::Times::Bare);
  Scratch scratch;
  const columns::Batch batch = testing::random_batch(random, 5'000);
  for (int k = 0; k < 12; ++k) {
    const std::string text = expressions.make(expressions.type(), 3).text;
    const Result<Expression> expression =
        Expression::compile(text, {testing::random_schema(), Zone::utc()});
    ASSERT_TRUE(expression.has_value()) << text;
    compare(*expression, batch, scratch);
  }
}

}  // namespace
}  // namespace martlet::expr

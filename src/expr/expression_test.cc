#include "expr/expression.h"

#include <gtest/gtest.h>

namespace martlet::expr {
namespace {
using columns::Cell;
using columns::Type;

TEST(Expression, evaluates_arithmetic_on_one_row) {
  Scope scope;
  scope.names = columns::Schema({{"a", Type::Int64}, {"x", Type::Double}});
  const auto e = Expression::compile("case when a > 2 then a * x else -1 end", scope);
  ASSERT_TRUE(e.has_value()) << e.error().message();
  Scratch scratch;
  const Cell cells[] = {Cell::of_int64(3), Cell::of_double(1.5)};
  EXPECT_EQ(e->evaluate_row(cells, scratch).value().number, 4.5);
}
}  // namespace
}  // namespace martlet::expr

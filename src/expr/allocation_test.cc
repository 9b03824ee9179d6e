// The server evaluates expressions per request: a row must not allocate once the scratch is warm.
// Every operator new of this program is counted.
#include "base/zone.h"
#include "expr/expression.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

namespace {
thread_local std::size_t allocations = 0;
}  // namespace

void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes); memory != nullptr) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace martlet::expr {
namespace {

using columns::Cell;
using columns::Type;

TEST(Allocation, a_row_does_not_allocate_in_the_steady_state) {
  const Scope scope{columns::Schema({{"scheduled_at", Type::Timestamp},
                                     {"carrier", Type::Text},
                                     {"speed", Type::Double},
                                     {"distance", Type::Int64}}),
                    *Zone::find("America/New_York")};
  const Cell cells[] = {Cell::of_timestamp({1364807700000000}),
                        Cell::of_text("a carrier with a long name ü"), Cell::of_double(2),
                        Cell::of_int64(21)};
  Scratch scratch;
  for (const std::string_view text :
       {"case when hour(scheduled_at) >= 17 and carrier like 'U%' and speed > 1 then speed * "
        "distance "
        "else length(upper(carrier) || ' ' || distance) end",
        "case when scheduled_at < '2020-01-01' and carrier in ('UA', 'a carrier with a long name "
        "ü', 'c') "
        "then concat(replace(carrier, 'a', '--'), speed, distance) end",
        "coalesce(try_cast(cast(distance as varchar) as bigint), distance, speed, 1) + "
        "epoch(date_trunc('day', scheduled_at) + interval 1 day) + length(carrier)"}) {
    const Result<Expression> expression = Expression::compile(text, scope);
    ASSERT_TRUE(expression.has_value()) << expression.error().message();
    std::vector<Cell> given;
    for (const std::string& name : expression->names_used())
      given.push_back(cells[*scope.names.find(name)]);
    ASSERT_TRUE(expression->evaluate_row(given, scratch).has_value());
    const std::size_t before = allocations;
    bool all = true;
    for (int k = 0; k < 100; ++k) all = expression->evaluate_row(given, scratch).has_value() && all;
    EXPECT_EQ(allocations - before, 0U) << text;
    EXPECT_TRUE(all);
  }
}

}  // namespace
}  // namespace martlet::expr

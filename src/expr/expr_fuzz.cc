// Any bytes: compiling them, and evaluating what compiles, must neither crash nor hang, and rows
// must agree with the batch.
#include "base/result.h"
#include "base/zone.h"
#include "expr/expression.h"
#include "expr/goal.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace {

using martlet::columns::Column;
using martlet::columns::Type;

const martlet::columns::Batch& batch() {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  static const martlet::columns::Batch kBatch(
      martlet::columns::Schema({{"i", Type::Int64},
                                {"x", Type::Double},
                                {"s", Type::Text},
                                {"b", Type::Bool},
                                {"ts", Type::Timestamp},
                                {"d", Type::Date},
                                {"kpi.a", Type::Double}}),
      {Column::of_int64s({0, kMax, kMin, 7}, {1, 1, 1, 0}),
       Column::of_doubles({0.5, kNan, -1e300, 3}),
       Column::of_texts(std::vector<std::string>{"", "a%b", "\xff\xc3", "Straße 12"}),
       Column::of_bools({0, 1, 1, 0}, {1, 1, 0, 1}),
       Column::of_timestamps({0, kMax, kMin, 1710054000000000}),
       Column::of_dates({0, kMax, kMin, 19792}), Column::of_doubles({1, 2, 3, 4})});
  return kBatch;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  static const martlet::expr::Scope kScope{batch().schema(),
                                           *martlet::Zone::find("America/New_York")};
  (void)martlet::expr::parse_goal(text, kScope);
  const auto expression = martlet::expr::Expression::compile(text, kScope);
  if (!expression.has_value()) {
    MARTLET_CHECK(!expression.error().findings().empty(), "a refusal without a finding");
    return 0;
  }
  const auto column = expression->evaluate(batch());
  bool failed = false;
  martlet::expr::Scratch scratch;
  for (std::size_t row = 0; row < batch().rows(); ++row) {
    std::vector<martlet::columns::Cell> cells;
    for (const std::string& name : expression->names_used())
      cells.push_back(batch().find(name)->cell(row));
    const auto cell = expression->evaluate_row(cells, scratch);
    failed = failed || !cell.has_value();
    if (cell.has_value() && column.has_value())
      MARTLET_CHECK(cell->same_as(column->cell(row)), "row and batch differ");
  }
  MARTLET_CHECK(failed != column.has_value(), "only one of row and batch failed");
  return 0;
}

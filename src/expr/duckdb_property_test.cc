// DuckDB as the oracle: generated expressions over generated rows give what DuckDB's own evaluation
// of the same text gives.
#include "expr/expression.h"
#include "expr/random_expression_testing.h"
#include "table/engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

namespace martlet::expr {
namespace {

using columns::Cell;
using columns::Type;

constexpr std::size_t kExpressions = 5'000;
constexpr std::size_t kPerStatement = 25;
constexpr std::size_t kRows = 24;
constexpr std::size_t kFailures = 300;  // compared; each takes a statement of its own

// A generated expression and what martlet makes of it.
struct Case {
  std::string text;
  Type type = Type::Double;
  Result<columns::Column> column;
};

class DuckDbProperty : public ::testing::Test {
 protected:
  DuckDbProperty() : engine_(std::move(*table::Engine::open({}))) {}

  Case make_case(const columns::Batch& batch) {
    const Type type = testing::random_type(random_);
    const std::string text = testing::random_expression(random_, type, 3, testing::Dialect::Shared);
    const Result<Expression> expression = Expression::compile(text, {batch.schema(), Zone::utc()});
    if (!expression.has_value()) {
      ADD_FAILURE() << text << "\n" << expression.error().message();
      return {"null", Type::Int64, columns::Column::missing(Type::Int64, batch.rows())};
    }
    return {text, expression->type(), expression->evaluate(batch)};
  }

  // Timestamps leave DuckDB as microseconds: its TIMESTAMP is bare, ours an instant of the zone
  // UTC.
  static std::string projected(const Case& one, std::size_t k) {
    switch (one.type) {
      case Type::Timestamp: return fmt::format("epoch_us({}) as r{}", one.text, k);
      case Type::Bool: return fmt::format("cast({} as boolean) as r{}", one.text, k);
      case Type::Int64: return fmt::format("cast({} as bigint) as r{}", one.text, k);
      case Type::Double: return fmt::format("cast({} as double) as r{}", one.text, k);
      case Type::Text: return fmt::format("cast({} as varchar) as r{}", one.text, k);
      case Type::Date: return fmt::format("cast({} as date) as r{}", one.text, k);
    }
    return "";
  }

  Result<columns::Batch> ask(std::span<const Case> cases) {
    std::string sql = "select ";
    for (std::size_t k = 0; k < cases.size(); ++k)
      sql += (k == 0 ? "" : ", ") + projected(cases[k], k);
    return engine_->query(sql + " from bare order by id");
  }

  void compare(const Case& one, const columns::Column& found, const columns::Batch& batch) {
    for (std::size_t row = 0; row < found.size(); ++row) {
      const Cell theirs = found.cell(row);
      const Cell ours = one.column->cell(row);
      const bool same =
          ours.missing == theirs.missing && (ours.missing || same_value(ours, theirs));
      EXPECT_TRUE(same) << one.text << " on row " << row << ": DuckDB "
                        << (theirs.missing ? "null" : columns::to_text(theirs)) << ", martlet "
                        << (ours.missing ? "null" : columns::to_text(ours)) << given(batch, row);
      if (!same) return;
      ++values_;
    }
  }
  static std::string given(const columns::Batch& batch, std::size_t row) {
    std::string text = ", given";
    for (std::size_t i = 0; i < batch.width(); ++i)
      text += " " + batch.schema()[i].name + "=" + columns::to_text(batch.column(i).cell(row));
    return text;
  }
  static bool same_value(const Cell& ours, const Cell& theirs) {
    switch (ours.type) {
      case Type::Bool: return ours.boolean == theirs.boolean;
      case Type::Double:
        return ours.number == theirs.number ||
               (std::isnan(ours.number) && std::isnan(theirs.number));
      case Type::Text: return ours.text == theirs.text;
      default: return ours.integer == theirs.integer;
    }
  }

  // DuckDB answers one by one where a statement with many fails.
  void check(std::span<const Case> cases, const columns::Batch& batch) {
    const Result<columns::Batch> together = ask(cases);
    for (std::size_t k = 0; k < cases.size(); ++k) {
      if (together.has_value()) {
        compare(cases[k], together->column(k), batch);
        continue;
      }
      const Result<columns::Batch> alone = ask(cases.subspan(k, 1));
      if (alone.has_value())
        compare(cases[k], alone->column(0), batch);
      else
        ++failures_only_in_duckdb_;
    }
  }

  // What fails in martlet fails in DuckDB.
  void check_failure(const Case& one) {
    if (++failures_ > kFailures) return;
    const Result<columns::Batch> found = ask({&one, 1});
    EXPECT_FALSE(found.has_value()) << one.text << ": " << one.column.error().message();
  }

  void register_bare(const columns::Batch& batch) {
    std::vector<std::int64_t> ids(batch.rows());
    for (std::size_t row = 0; row < ids.size(); ++row) ids[row] = static_cast<std::int64_t>(row);
    const auto registered =
        engine_->register_batch("given", batch.with("id", columns::Column::of_int64s(ids)));
    ASSERT_TRUE(registered.has_value()) << registered.error().message();
    const auto made = engine_->execute(
        "create or replace table bare as select * replace (ts at time zone 'UTC' as ts, "
        "te at time zone 'UTC' as te) from given");
    ASSERT_TRUE(made.has_value()) << made.error().message();
  }

  SeededRandom random_{1550};
  std::unique_ptr<table::Engine> engine_;
  std::size_t values_ = 0;
  std::size_t failures_ = 0;
  std::size_t failures_only_in_duckdb_ = 0;
};

TEST_F(DuckDbProperty, generated_expressions_mean_the_same_to_duckdb) {
  std::size_t compared = 0;
  for (std::size_t round = 0; compared < kExpressions; ++round) {
    ASSERT_LT(round, 1'000U);
    const columns::Batch batch = testing::random_batch(random_, kRows);
    ASSERT_NO_FATAL_FAILURE(register_bare(batch));
    std::vector<Case> cases;
    // What fails in martlet fails in DuckDB too, or DuckDB did not look (a constant operand, an
    // optimised filter): not compared.
    while (cases.size() < kPerStatement) {
      Case one = make_case(batch);
      if (one.column.has_value()) cases.push_back(std::move(one));
    }
    check(cases, batch);
    compared += cases.size();
    if (HasFailure()) break;
  }
  EXPECT_GT(values_, kExpressions * kRows / 4);
  // Short-circuited parts of and/or may fail there; they are rare.
  EXPECT_LT(failures_only_in_duckdb_, kExpressions / 20);
}

}  // namespace
}  // namespace martlet::expr

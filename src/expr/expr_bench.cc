// Rows per second of typical expressions, over a batch and row by row, beside DuckDB evaluating the
// same text on one thread.
#include "base/zone.h"
#include "expr/expression.h"
#include "expr/random_rows_testing.h"
#include "table/engine.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

namespace martlet::expr {
namespace {

constexpr std::size_t kRows = 1'000'000;

constexpr const char* kTexts[] = {
    "x * 2.5e0 + y",          "case when b and c then 900 when b then -250 else 0 end",
    "x / nullif(y, 0)",       "hour(ts) >= 17",
    "s like '%a%' and x > 0", "i in (1, 2, 5) or s in ('ab', 'Z')",
};

const columns::Batch& batch() {
  static const columns::Batch kBatch = [] {
    SeededRandom random(3);
    return testing::random_batch(random, kRows);
  }();
  return kBatch;
}

Expression compiled(benchmark::State& state) {
  const auto k = static_cast<std::size_t>(state.range(0));
  state.SetLabel(kTexts[k]);
  return *Expression::compile(kTexts[k], {batch().schema(), *Zone::find("America/New_York")});
}

void evaluate_batch(benchmark::State& state) {
  const Expression expression = compiled(state);
  for (auto _ : state) benchmark::DoNotOptimize(expression.evaluate(batch()));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kRows));
}

void evaluate_rows(benchmark::State& state) {
  const Expression expression = compiled(state);
  Scratch scratch;
  std::vector<std::vector<columns::Cell>> rows;
  for (std::size_t row = 0; row < 1'000; ++row) {
    rows.emplace_back();
    for (const std::string& name : expression.names_used())
      rows.back().push_back(batch().find(name)->cell(row));
  }
  for (auto _ : state) {
    for (const std::vector<columns::Cell>& cells : rows)
      benchmark::DoNotOptimize(expression.evaluate_row(cells, scratch));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(rows.size()));
}

void evaluate_duckdb(benchmark::State& state) {
  const Expression expression = compiled(state);
  const std::unique_ptr<table::Engine> engine =
      std::move(*table::Engine::open({.zone = *Zone::find("America/New_York")}));
  (void)engine->register_batch("t", batch());
  // Summing keeps DuckDB from moving a million results out.
  const std::string sql =
      fmt::format("select count(v) from (select {} as v from t)", expression.text());
  for (auto _ : state) benchmark::DoNotOptimize(engine->query(sql));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kRows));
}

BENCHMARK(evaluate_batch)->DenseRange(0, std::size(kTexts) - 1);
BENCHMARK(evaluate_duckdb)->DenseRange(0, std::size(kTexts) - 1);
BENCHMARK(evaluate_rows)->DenseRange(0, std::size(kTexts) - 1);

}  // namespace
}  // namespace martlet::expr

// Rows per second of an ensemble of 500 trees of 31 leaves over 28 features, by each kernel, one
// row at a time, and what loading it costs.
#include "models/internal/bit_forest.h"
#include "models/internal/row_forest.h"
#include "models/random_trees_testing.h"
#include "models/tree_ensemble.h"

#include <benchmark/benchmark.h>

namespace martlet::models {
namespace {

constexpr std::size_t kFeatures = 28;
constexpr std::size_t kRows = 16'384;

std::string text_of(double categorical) {
  SeededRandom random(1);
  return testing::random_trees(random, {.trees = 500,
                                        .features = kFeatures,
                                        .least_leaves = 31,
                                        .most_leaves = 31,
                                        .thresholds = 255,
                                        .categorical = categorical,
                                        .categories = 100,
                                        .one_kind_of_missing = true});
}

const std::vector<double>& rows() {
  static const std::vector<double> kValues = [] {
    SeededRandom random(2);
    return testing::plain_rows(random, kRows, kFeatures);
  }();
  return kValues;
}

void batch(benchmark::State& state, TreeKernel kernel, double categorical) {
  if (!runs_here(kernel)) {
    state.SkipWithError("this CPU lacks the kernel's vectors");
    return;
  }
  const auto model = *TreeEnsemble::parse_lightgbm(text_of(categorical));
  std::vector<double> out(kRows);
  for (auto _ : state) {
    model->raw_scores_by(kernel, rows(), kFeatures, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kRows));
}

void codes(benchmark::State& state, TreeKernel kernel) {
  if (!runs_here(kernel)) {
    state.SkipWithError("this CPU lacks the kernel's vectors");
    return;
  }
  const BitForest forest = make_bit_forest(*parse_lightgbm_text(text_of(0)));
  std::vector<std::uint8_t> out(forest.columns() * kBlockRows);
  for (auto _ : state) {
    for (std::size_t begin = 0; begin < kRows; begin += kBlockRows)
      code_rows(kernel, forest, rows().data() + begin * kFeatures, kFeatures, kBlockRows,
                out.data());
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kRows));
}

void small_batch(benchmark::State& state) {
  const auto model = *TreeEnsemble::parse_lightgbm(text_of(0));
  const auto count = static_cast<std::size_t>(state.range(0));
  std::vector<double> out(count);
  std::size_t begin = 0;
  for (auto _ : state) {
    model->raw_scores(std::span(rows()).subspan(begin * kFeatures, count * kFeatures), kFeatures,
                      out);
    benchmark::DoNotOptimize(out.data());
    begin = (begin + count) % (kRows - count);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void single_row(benchmark::State& state, RowKernel kernel) {
  const auto model = *TreeEnsemble::parse_lightgbm(text_of(0));
  std::size_t row = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(model->raw_score_by(kernel, rows().data() + row * kFeatures));
    row = (row + 1) % kRows;
  }
}

void parse(benchmark::State& state) {
  const std::string text = text_of(0);
  for (auto _ : state) benchmark::DoNotOptimize(parse_lightgbm_text(text));
}

void lay_out(benchmark::State& state) {
  const TextModel model = *parse_lightgbm_text(text_of(0));
  for (auto _ : state) benchmark::DoNotOptimize(make_bit_forest(model));
}

BENCHMARK_CAPTURE(batch, walk, TreeKernel::Walk, 0.0);
BENCHMARK_CAPTURE(batch, portable, TreeKernel::Portable, 0.0);
BENCHMARK_CAPTURE(batch, avx2, TreeKernel::Avx2, 0.0);
BENCHMARK_CAPTURE(batch, avx512, TreeKernel::Avx512, 0.0);
BENCHMARK_CAPTURE(batch, walk_categories, TreeKernel::Walk, 0.1);
BENCHMARK_CAPTURE(batch, avx512_categories, TreeKernel::Avx512, 0.1);
BENCHMARK_CAPTURE(codes, portable, TreeKernel::Portable);
BENCHMARK_CAPTURE(codes, avx512, TreeKernel::Avx512);
BENCHMARK(small_batch)->Arg(1)->Arg(4)->Arg(8)->Arg(16)->Arg(32)->Arg(64);
BENCHMARK_CAPTURE(single_row, lists, RowKernel::Lists);
BENCHMARK_CAPTURE(single_row, lanes, RowKernel::Lanes);
BENCHMARK(parse)->Unit(benchmark::kMicrosecond);
BENCHMARK(lay_out)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace martlet::models

BENCHMARK_MAIN();

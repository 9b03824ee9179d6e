// Every kernel against the walk through the nodes, bit for bit, on random ensembles and hostile
// rows.
#include "models/internal/bit_forest.h"
#include "models/internal/row_forest.h"
#include "models/random_trees_testing.h"
#include "models/tree_ensemble.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>

namespace martlet::models {
namespace {

using testing::hostile_rows;
using testing::random_trees;
using testing::RandomTreesOptions;

std::shared_ptr<const TreeEnsemble> parse(const std::string& text) {
  auto model = TreeEnsemble::parse_lightgbm(text);
  EXPECT_TRUE(model.has_value()) << model.error().message();
  return model.has_value() ? *model : nullptr;
}

class EveryKernel : public ::testing::TestWithParam<TreeKernel> {
 protected:
  void SetUp() override {
    if (!runs_here(GetParam()))
      GTEST_SKIP() << "SKIPPED LOUDLY: this CPU lacks the kernel's vectors";
  }

  // The walk's sums are the reference, and one row's the reference of that.
  void expect_equal(const TreeEnsemble& model, const std::vector<double>& rows,
                    std::string_view what) {
    const std::size_t count = rows.size() / model.width();
    std::vector<double> wanted(count), got(count, -1);
    model.raw_scores_by(TreeKernel::Walk, rows, model.width(), wanted);
    model.raw_scores_by(GetParam(), rows, model.width(), got);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(std::bit_cast<std::uint64_t>(got[i]), std::bit_cast<std::uint64_t>(wanted[i]))
          << what << ", row " << i;
      for (const RowKernel kernel : {RowKernel::Lists, RowKernel::Lanes}) {
        const double single = model.raw_score_by(kernel, rows.data() + i * model.width());
        ASSERT_EQ(std::bit_cast<std::uint64_t>(single), std::bit_cast<std::uint64_t>(wanted[i]))
            << what << ", single row " << i;
      }
    }
  }

  void try_many(const RandomTreesOptions& options, std::uint64_t seeds, std::size_t rows,
                std::size_t walked_at_most) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      SeededRandom random(seed);
      const auto model = parse(random_trees(random, options));
      ASSERT_NE(model, nullptr) << "seed " << seed;
      EXPECT_LE(model->walked_tree_count(), walked_at_most) << "seed " << seed;
      expect_equal(*model, hostile_rows(random, rows, model->width()),
                   "seed " + std::to_string(seed));
      if (HasFatalFailure()) return;
    }
  }
};

TEST_P(EveryKernel, scores_random_ensembles_as_the_walk_does) {
  try_many({.trees = 20, .features = 5, .most_leaves = 40}, 60, 300, 0);
}

TEST_P(EveryKernel, scores_trees_of_all_sizes_up_to_a_byte_of_leaves) {
  try_many({.trees = 12, .features = 9, .least_leaves = 200, .most_leaves = 256}, 8, 260, 12);
  for (std::size_t leaves = 1; leaves <= 70; ++leaves) {
    try_many({.trees = 3, .features = 3, .least_leaves = leaves, .most_leaves = leaves}, 1, 140, 3);
  }
}

TEST_P(EveryKernel, leaves_larger_and_lopsided_trees_to_the_walk_in_their_place) {
  RandomTreesOptions options{.trees = 9, .features = 4, .least_leaves = 1, .most_leaves = 500};
  try_many(options, 8, 200, 9);
  options.lean = 1;
  try_many(options, 4, 200, 9);
}

TEST_P(EveryKernel, scores_features_with_thousands_of_thresholds) {
  try_many({.trees = 150, .features = 2, .least_leaves = 31, .most_leaves = 31, .categorical = 0},
           3, 300, 0);
}

TEST_P(EveryKernel, scores_columns_of_every_number_of_thresholds) {
  for (const std::size_t thresholds :
       {1u, 2u, 3u, 7u, 8u, 15u, 16u, 17u, 31u, 127u, 128u, 255u, 256u}) {
    try_many({.trees = 40,
              .features = 1,
              .least_leaves = 31,
              .most_leaves = 31,
              .thresholds = thresholds,
              .categorical = 0,
              .one_kind_of_missing = true},
             2, 200, 0);
  }
}

TEST_P(EveryKernel, scores_one_kind_of_missing_value_a_feature_and_averages) {
  try_many({.one_kind_of_missing = true}, 20, 150, 0);
  try_many({.average = true}, 5, 150, 0);
}

TEST_P(EveryKernel, scores_categories_beyond_a_byte) {
  for (const std::size_t categories : {5u, 128u, 255u, 256u, 257u, 3000u})
    try_many({.features = 3, .categorical = 0.9, .categories = categories}, 4, 200, 0);
}

TEST_P(EveryKernel, scores_batches_of_every_size) {
  SeededRandom random(4);
  const auto model = parse(random_trees(random, {.trees = 10}));
  for (std::size_t rows = 0; rows <= 2 * kBlockRows + 1; ++rows)
    expect_equal(*model, hostile_rows(random, rows, model->width()),
                 std::to_string(rows) + " rows");
}

TEST_P(EveryKernel, scores_what_lies_on_and_beside_each_threshold) {
  SeededRandom random(5);
  const auto model =
      parse(random_trees(random, {.trees = 30, .features = 1, .thresholds = 50, .categorical = 0}));
  std::vector<double> rows;
  for (int step = 0; step < 50; ++step) {
    const double threshold = 4 * step / 50.0 - 2;
    for (const double far : {-1e308, 1e308}) rows.push_back(std::nextafter(threshold, far));
    rows.push_back(threshold);
  }
  expect_equal(*model, rows, "thresholds");
}

INSTANTIATE_TEST_SUITE_P(BitForest, EveryKernel,
                         ::testing::Values(TreeKernel::Portable, TreeKernel::Avx2,
                                           TreeKernel::Avx512),
                         [](const auto& which) -> std::string {
                           switch (which.param) {
                             case TreeKernel::Avx2: return "Avx2";
                             case TreeKernel::Avx512: return "Avx512";
                             default: return "Portable";
                           }
                         });

TEST(BitForest, a_constant_model_has_a_tree_of_one_leaf) {
  SeededRandom random(6);
  const auto model = parse(random_trees(random, {.trees = 2, .least_leaves = 1, .most_leaves = 1}));
  EXPECT_EQ(model->walked_tree_count(), 0u);
}

TEST(BitForest, a_tree_of_257_leaves_is_walked_and_one_of_256_is_not) {
  for (const std::size_t leaves : {256u, 257u}) {
    SeededRandom random(8);
    const auto model = parse(random_trees(
        random, {.trees = 3, .least_leaves = leaves, .most_leaves = leaves, .lean = 0}));
    EXPECT_EQ(model->walked_tree_count(), leaves == 256 ? 0u : 3u);
  }
}

TEST(BitForest, a_tree_that_leans_to_the_left_is_walked) {
  SeededRandom random(9);
  const auto model = parse(random_trees(
      random, {.trees = 3, .least_leaves = 250, .most_leaves = 256, .lean = 1, .newest = 1}));
  EXPECT_EQ(model->walked_tree_count(), 3u);
}

TEST(BitForest, a_single_row_passes_thousands_of_trees_in_their_order) {
  SeededRandom random(10);
  const auto model = parse(random_trees(
      random, {.trees = 2500, .least_leaves = 1, .most_leaves = 80, .categorical = 0.1}));
  const std::vector<double> rows = hostile_rows(random, 40, model->width());
  std::vector<double> wanted(40);
  model->raw_scores_by(TreeKernel::Walk, rows, model->width(), wanted);
  for (std::size_t i = 0; i < wanted.size(); ++i)
    EXPECT_EQ(model->raw_score(rows.data() + i * model->width()), wanted[i]) << i;
}

TEST(BitForest, thousands_of_trees_on_few_columns_take_the_lanes_in_their_order) {
  if (!runs_here(RowKernel::Lanes)) GTEST_SKIP() << "SKIPPED LOUDLY: this CPU lacks VBMI";
  SeededRandom random(11);
  const auto model = parse(random_trees(random, {.trees = 2500,
                                                 .features = 9,
                                                 .least_leaves = 1,
                                                 .most_leaves = 80,
                                                 .thresholds = 200,
                                                 .categorical = 0}));
  const std::vector<double> rows = hostile_rows(random, 40, model->width());
  for (std::size_t i = 0; i < 40; ++i) {
    const double* const row = rows.data() + i * model->width();
    EXPECT_EQ(model->raw_score_by(RowKernel::Lanes, row),
              model->raw_score_by(RowKernel::Lists, row))
        << i;
  }
}

TEST(BitForest, too_many_columns_leave_all_trees_to_the_walk) {
  SeededRandom random(7);
  const auto text = random_trees(random, {.trees = 300,
                                          .features = 2,
                                          .least_leaves = 250,
                                          .most_leaves = 256,
                                          .categorical = 1,
                                          .categories = 64});
  const auto model = parse(text);
  EXPECT_EQ(model->walked_tree_count(), 300u);
  const std::vector<double> rows = hostile_rows(random, 20, 2);
  std::vector<double> out(20);
  model->raw_scores(rows, 2, out);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(out[i], model->raw_score(rows.data() + 2 * i));
}

TEST(BitForest, every_kernel_that_runs_here_is_known_and_the_best_one_runs) {
  EXPECT_TRUE(runs_here(TreeKernel::Walk));
  EXPECT_TRUE(runs_here(TreeKernel::Portable));
  EXPECT_TRUE(runs_here(best_kernel()));
}

}  // namespace
}  // namespace martlet::models

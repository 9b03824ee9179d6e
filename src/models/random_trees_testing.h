// models/random_trees_testing.h: random LightGBM model files and hostile rows for them; for tests
// and benchmarks.
#pragma once
#include "base/random.h"

#include <cstddef>
#include <string>
#include <vector>

namespace martlet::models::testing {

struct RandomTreesOptions {
  std::size_t trees = 20;
  std::size_t features = 5;
  std::size_t least_leaves = 1;
  std::size_t most_leaves = 40;
  // Thresholds are drawn from this many values per feature; 0: each its own.
  std::size_t thresholds = 0;
  double categorical = 0.2;     // share of nodes
  std::size_t categories = 70;  // sets hold categories below
  double lean = 0.5;            // how often the left part of a split is split on, not the right one
  double newest = 0.5;          // … and how often it is the newest node's leaf
  bool one_kind_of_missing = false;  // per feature, as LightGBM writes it
  bool average = false;
};
std::string random_trees(Random& random, const RandomTreesOptions& options);

// Row-major; every kind of value that a tree may be asked about: around the thresholds, missing,
// zeros of both signs and nearly zero, infinities, categories that were never seen or are negative.
std::vector<double> hostile_rows(Random& random, std::size_t rows, std::size_t width);
// Normal values without holes, as for a benchmark.
std::vector<double> plain_rows(Random& random, std::size_t rows, std::size_t width);

}  // namespace martlet::models::testing

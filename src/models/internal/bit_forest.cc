#include "models/internal/bit_forest.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <map>

namespace martlet::models {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::size_t kMostThresholds = 255;  // of a column
constexpr std::size_t kMostLeaves = 256;      // of a tree: a leaf's number is a byte
constexpr std::size_t kPivots = 16;
constexpr std::size_t kMostColumns = 1u
                                     << 16;  // of an ensemble: a block of rows has 8 MiB of codes
constexpr std::uint32_t kPivotLevels = 4;
// A node's test stands once for each plane that it clears. Balanced trees of 31 leaves have 1.3 per
// node; beyond this factor a walk is as fast.
constexpr std::size_t kMostTestsPerNode = 8;
constexpr std::uint32_t kRepeat = 0x01010101;

// Numerical nodes that a value reaches with the same code.
struct NumberKey {
  std::int32_t feature;
  Missing missing;
  bool default_left;  // false where nothing is missing: it can't matter
  auto operator<=>(const NumberKey&) const = default;
};
struct SetKey {
  std::int32_t feature;
  std::vector<std::uint32_t> words;
  auto operator<=>(const SetKey&) const = default;
};

NumberKey key_of(const TextTree& tree, std::size_t node) {
  const Missing missing = tree.missing(node);
  return {tree.feature[node], missing, missing != Missing::None && tree.default_left(node)};
}

SetKey set_of(const TextTree& tree, std::size_t node) {
  const auto set = static_cast<std::size_t>(tree.threshold[node]);
  const auto begin = tree.category_words.begin() + tree.category_begin[set];
  auto end = tree.category_words.begin() + tree.category_begin[set + 1];
  while (end != begin && *(end - 1) == 0) --end;
  return {tree.feature[node], {begin, end}};
}

bool fits(const TextTree& tree) { return tree.leaf_value.size() <= kMostLeaves; }

// The columns that the nodes need, and which of them each node looks at.
class Columns {
 public:
  Columns(const TextModel& model, BitForest& forest) : forest_(forest) {
    for (const TextTree& tree : model.trees) {
      if (fits(tree)) collect(tree);
    }
    for (auto& [key, entry] : numbers_) add_numbers(key, entry);
    for (auto& [key, column] : sets_) {
      column = static_cast<std::uint32_t>(forest_.sets.size());
      forest_.sets.push_back({.feature = static_cast<std::uint32_t>(key.feature),
                              .first_word = static_cast<std::uint32_t>(forest_.words.size()),
                              .words = static_cast<std::uint32_t>(key.words.size())});
      forest_.words.insert(forest_.words.end(), key.words.begin(), key.words.end());
    }
  }

  // The node's test, with no leaves to clear.
  BitForest::Test test_of(const TextTree& tree, std::size_t node) const {
    if (tree.categorical(node)) {
      const auto column = forest_.numbers.size() + sets_.at(set_of(tree, node));
      return {static_cast<std::uint32_t>(column), kLeftmost * kRepeat, 0};
    }
    const Entry& entry = numbers_.at(key_of(tree, node));
    const double threshold = outside_zero(tree.threshold[node]);
    const auto rank = static_cast<std::size_t>(
        std::lower_bound(entry.thresholds.begin(), entry.thresholds.end(), threshold) -
        entry.thresholds.begin());
    const auto column = entry.first_column + rank / kMostThresholds;
    const auto bound = static_cast<std::uint32_t>(rank % kMostThresholds) ^ kBias;
    return {static_cast<std::uint32_t>(column), bound * kRepeat, 0};
  }

 private:
  struct Entry {
    std::vector<double> thresholds = {};
    std::size_t first_column = 0;
  };

  void collect(const TextTree& tree) {
    for (std::size_t node = 0; node < tree.feature.size(); ++node) {
      if (tree.categorical(node)) {
        sets_.try_emplace(set_of(tree, node), 0);
      } else {
        numbers_[key_of(tree, node)].thresholds.push_back(outside_zero(tree.threshold[node]));
      }
    }
  }

  void add_numbers(const NumberKey& key, Entry& entry) {
    std::vector<double>& all = entry.thresholds;
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    entry.first_column = forest_.numbers.size();
    for (std::size_t begin = 0; begin < all.size(); begin += kMostThresholds) {
      const std::size_t count = std::min(kMostThresholds, all.size() - begin);
      BitForest::NumberColumn column{.feature = static_cast<std::uint32_t>(key.feature),
                                     .missing = key.missing,
                                     .default_left = key.default_left};
      column.levels = static_cast<std::uint32_t>(std::bit_width(count));
      column.first_threshold = static_cast<std::uint32_t>(forest_.thresholds.size());
      column.first_pivot = static_cast<std::uint32_t>(forest_.pivots.size());
      forest_.thresholds.insert(forest_.thresholds.end(), all.begin() + std::ptrdiff_t(begin),
                                all.begin() + std::ptrdiff_t(begin + count));
      forest_.thresholds.resize(column.first_threshold + (std::size_t{1} << column.levels) - 1,
                                kInfinity);
      add_pivots(column);
      forest_.numbers.push_back(column);
    }
  }

  // The last threshold of each sixteenth.
  void add_pivots(const BitForest::NumberColumn& column) {
    const std::size_t step =
        column.levels <= kPivotLevels ? 1 : std::size_t{1} << (column.levels - kPivotLevels);
    const std::size_t size = (std::size_t{1} << column.levels) - 1;
    for (std::size_t i = 0; i < kPivots; ++i) {
      const std::size_t at = (i + 1) * step - 1;
      forest_.pivots.push_back(at < size ? forest_.thresholds[column.first_threshold + at]
                                         : kInfinity);
    }
  }

  BitForest& forest_;
  std::map<NumberKey, Entry> numbers_;
  std::map<SetKey, std::uint32_t> sets_;
};

// One tree's leaves from left to right, and the tests of each plane.
class TreeLayout {
 public:
  TreeLayout(const TextTree& tree, const Columns& columns)
      : tree_(tree), columns_(columns),
        planes_((tree.leaf_value.size() + kPlaneLeaves - 1) / kPlaneLeaves) {
    place(tree.feature.empty() ? ~0 : 0);
  }

  bool small() const {
    return tests_ <= kMostTestsPerNode * std::max<std::size_t>(tree_.feature.size(), 1);
  }

  void append_to(BitForest& forest) const {
    forest.trees.push_back(
        {.first_plane = static_cast<std::uint32_t>(forest.plane_begin.size() - 1),
         .planes = static_cast<std::uint32_t>(planes_.size()),
         .first_leaf = static_cast<std::uint32_t>(forest.leaves.size())});
    for (const auto& plane : planes_) {
      forest.tests.insert(forest.tests.end(), plane.begin(), plane.end());
      forest.plane_begin.push_back(static_cast<std::uint32_t>(forest.tests.size()));
    }
    forest.leaves.insert(forest.leaves.end(), leaves_.begin(), leaves_.end());
  }

 private:
  // Places what is below `child`, which begins at the returned leaf. At most 256 deep.
  void place(std::int32_t child) {
    if (child < 0) {
      leaves_.push_back(tree_.leaf_value[static_cast<std::size_t>(~child)]);
      return;
    }
    const auto node = static_cast<std::size_t>(child);
    const std::size_t begin = leaves_.size();
    place(tree_.left[node]);
    add_test(columns_.test_of(tree_, node), begin, leaves_.size());
    place(tree_.right[node]);
  }

  // Clears leaves [begin, end).
  void add_test(BitForest::Test test, std::size_t begin, std::size_t end) {
    for (std::size_t plane = begin / kPlaneLeaves; plane * kPlaneLeaves < end; ++plane) {
      const std::size_t from = std::max(begin, plane * kPlaneLeaves) - plane * kPlaneLeaves;
      const std::size_t to = std::min(end - plane * kPlaneLeaves, kPlaneLeaves);
      const auto bits = static_cast<std::uint32_t>((1u << to) - (1u << from));
      test.clears = bits * kRepeat;
      planes_[plane].push_back(test);
      ++tests_;
    }
  }

  const TextTree& tree_;
  const Columns& columns_;
  std::vector<std::vector<BitForest::Test>> planes_;
  std::vector<double> leaves_;
  std::size_t tests_ = 0;
};

}  // namespace

double outside_zero(double threshold) {
  if (threshold >= 0 && threshold <= kZeroThreshold) return kZeroThreshold;
  if (threshold < 0 && threshold >= -kZeroThreshold)
    return std::nextafter(-kZeroThreshold, -kInfinity);
  return threshold;
}

BitForest make_bit_forest(const TextModel& model) {
  constexpr std::size_t kLoadedAtOnce = 32;
  BitForest forest;
  forest.plane_begin.push_back(0);
  const Columns columns(model, forest);
  if (forest.columns() > kMostColumns) {
    BitForest walked;
    walked.trees.resize(model.trees.size());
    walked.any_walked = true;
    return walked;
  }
  for (const TextTree& tree : model.trees) {
    if (fits(tree)) {
      const TreeLayout layout(tree, columns);
      if (layout.small()) {
        layout.append_to(forest);
        continue;
      }
    }
    forest.trees.push_back({});
    forest.any_walked = true;
  }
  // Kernels address a test's codes by its offset.
  for (BitForest::Test& test : forest.tests)
    test.column = static_cast<std::uint32_t>(test.column * kBlockRows);
  forest.leaves.resize(forest.leaves.size() + kLoadedAtOnce, 0.0);
  return forest;
}

bool runs_here(TreeKernel kernel) {
  switch (kernel) {
    case TreeKernel::Walk:
    case TreeKernel::Portable: return true;
#if defined(__x86_64__)
    case TreeKernel::Avx2: return __builtin_cpu_supports("avx2") != 0;
    case TreeKernel::Avx512:
      return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
             __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
#else
    default: return false;
#endif
  }
  return false;
}

TreeKernel best_kernel() {
  static const TreeKernel best = runs_here(TreeKernel::Avx512) ? TreeKernel::Avx512
                                 : runs_here(TreeKernel::Avx2) ? TreeKernel::Avx2
                                                               : TreeKernel::Portable;
  return best;
}

void add_trees(TreeKernel kernel, const BitForest& forest, const std::uint8_t* codes,
               std::size_t first, std::size_t last, std::size_t count, double* sums) {
  switch (kernel) {
#if defined(__x86_64__)
    case TreeKernel::Avx512: return avx512::add_trees(forest, codes, first, last, count, sums);
    case TreeKernel::Avx2: return avx2::add_trees(forest, codes, first, last, count, sums);
#endif
    default: return portable::add_trees(forest, codes, first, last, count, sums);
  }
}

}  // namespace martlet::models

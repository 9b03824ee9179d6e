#include "models/random_trees_testing.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace martlet::models::testing {
namespace {

// One tree, grown as LightGBM grows: a leaf becomes a node with two leaves, again and again.
class TreeText {
 public:
  TreeText(Random& random, const RandomTreesOptions& options) : random_(random), options_(options) {
    const std::size_t leaves =
        options.least_leaves + random.below(options.most_leaves - options.least_leaves + 1);
    while (inner_ + 1 < leaves) split();
  }

  std::string text(std::size_t index) const {
    std::string values;
    for (std::size_t i = 0; i <= inner_; ++i) values += fmt::format("{:.17g} ", random_.normal());
    std::string out = fmt::format("Tree={}\nnum_leaves={}\nnum_cat={}\nleaf_value={}\n", index,
                                  inner_ + 1, sets_, values);
    if (inner_ > 0) {
      out += "split_feature=" + features_ + "\nthreshold=" + thresholds_ +
             "\ndecision_type=" + decisions_ + "\nleft_child=" + joined(left_) +
             "\nright_child=" + joined(right_) + "\n";
    }
    if (sets_ > 0) out += "cat_boundaries=" + boundaries_ + "\ncat_threshold=" + words_ + "\n";
    return out + "is_linear=0\n\n\n";
  }

 private:
  static std::string joined(const std::vector<int>& numbers) {
    std::string out;
    for (const int number : numbers) out += fmt::format("{} ", number);
    return out;
  }

  // The first node has leaves 0 and 1; node n is put where one leaf was and has it on its left, and
  // leaf n + 1 on its right.
  void split() {
    if (inner_ > 0) {
      const bool left = random_.uniform() < options_.lean;
      // The newest leaf of that side, or any.
      const std::size_t node =
          random_.uniform() < options_.newest ? inner_ - 1 : random_.below(inner_);
      int& place = (left ? left_ : right_)[node] < 0 ? (left ? left_ : right_)[node] : any_leaf();
      const int leaf = place;
      place = static_cast<int>(inner_);
      left_.push_back(leaf);
    } else {
      left_.push_back(~0);
    }
    right_.push_back(~static_cast<int>(inner_ + 1));
    ++inner_;
    describe();
  }

  int& any_leaf() {
    for (;;) {
      const std::size_t node = random_.below(inner_);
      int& child = random_.below(2) == 0 ? left_[node] : right_[node];
      if (child < 0) return child;
    }
  }

  void describe() {
    const std::size_t feature = random_.below(options_.features);
    features_ += fmt::format("{} ", feature);
    const std::uint64_t missing = options_.one_kind_of_missing ? feature % 3 : random_.below(3);
    const std::uint64_t left = random_.below(2);
    // Features of a kind: those at the end have categories, as far as the share goes.
    if (random_.uniform() < options_.categorical) {
      thresholds_ += fmt::format("{} ", sets_);
      decisions_ += fmt::format("{} ", 1 + 4 * missing);
      add_set();
    } else {
      thresholds_ += fmt::format("{:.17g} ", threshold());
      decisions_ += fmt::format("{} ", 2 * left + 4 * missing);
    }
  }

  double threshold() {
    if (options_.thresholds > 0) {
      const auto step = static_cast<double>(random_.below(options_.thresholds));
      return 4 * step / static_cast<double>(options_.thresholds) - 2;
    }
    constexpr double kRare[] = {
        0.0, -0.0, 1e-36, -1e-36, 1e-35, std::numeric_limits<double>::infinity(), -1e300, 5e-324};
    const std::uint64_t draw = random_.below(40);
    if (draw < std::size(kRare)) return kRare[draw];
    return draw < 25 ? std::round(random_.normal() * 4) / 4 : random_.normal();
  }

  void add_set() {
    std::vector<std::uint32_t> words((1 + random_.below(options_.categories) + 31) / 32, 0);
    for (std::uint32_t& word : words) word = static_cast<std::uint32_t>(random_.next());
    if (boundaries_.empty()) boundaries_ = "0 ";
    word_count_ += words.size();
    boundaries_ += fmt::format("{} ", word_count_);
    for (const std::uint32_t word : words) words_ += fmt::format("{} ", word);
    ++sets_;
  }

  Random& random_;
  const RandomTreesOptions& options_;
  std::size_t inner_ = 0, sets_ = 0, word_count_ = 0;
  std::vector<int> left_, right_;
  std::string features_, thresholds_, decisions_, boundaries_, words_;
};

}  // namespace

std::string random_trees(Random& random, const RandomTreesOptions& options) {
  std::string names, sizes, trees;
  for (std::size_t i = 0; i < options.features; ++i) names += fmt::format("f{} ", i);
  for (std::size_t i = 0; i < options.trees; ++i) {
    sizes += "1 ";
    trees += TreeText(random, options).text(i);
  }
  names.pop_back();
  return fmt::format("tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx={}\n"
                     "objective=regression\n{}feature_names={}\ntree_sizes={}\n\n{}end of trees\n",
                     options.features - 1, options.average ? "average_output\n" : "", names, sizes,
                     trees);
}

std::vector<double> hostile_rows(Random& random, std::size_t rows, std::size_t width) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr double kHostile[] = {std::numeric_limits<double>::quiet_NaN(),
                                 kInfinity,
                                 -kInfinity,
                                 0.0,
                                 -0.0,
                                 1e-36,
                                 -1e-36,
                                 static_cast<double>(1e-35f),
                                 -static_cast<double>(1e-35f),
                                 5e-324,
                                 -1.0,
                                 -0.5,
                                 2147483647.0,
                                 2147483648.0,
                                 -2147483649.0,
                                 1e300,
                                 -1e300,
                                 63.99,
                                 256.0};
  std::vector<double> values(rows * width);
  for (double& value : values) {
    switch (random.below(5)) {
      case 0: value = kHostile[random.below(std::size(kHostile))]; break;
      case 1: value = std::round(random.normal() * 4) / 4; break;
      case 2: value = static_cast<double>(random.below(random.below(2) == 0 ? 80 : 300)); break;
      case 3: value = static_cast<double>(random.below(4000)) / 1000 - 2; break;
      default: value = random.normal();
    }
  }
  return values;
}

std::vector<double> plain_rows(Random& random, std::size_t rows, std::size_t width) {
  std::vector<double> values(rows * width);
  for (double& value : values) value = random.normal();
  return values;
}

}  // namespace martlet::models::testing

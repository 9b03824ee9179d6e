// bench/serving/tree_model.h: the least code that scores a LightGBM text model of numeric splits, for
// the peers that show what transport alone costs. Not for use: it checks nothing.
//
// QuickScorer (Lucchese et al., SIGIR 2015): thresholds of a feature in order; each test that fails
// masks out the leaves on its left; what is left first is the tree's leaf. At most 32 leaves.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

class TreeModel {
 public:
  explicit TreeModel(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    Tree tree;
    while (std::getline(file, line) && !line.starts_with("end of trees")) {
      const auto equals = line.find('=');
      if (equals == std::string::npos) continue;
      const std::string_view name = std::string_view(line).substr(0, equals);
      const std::vector<double> values = numbers(std::string_view(line).substr(equals + 1));
      if (name == "split_feature") tree.feature = values;
      if (name == "threshold") tree.threshold = values;
      if (name == "left_child") tree.left = values;
      if (name == "right_child") tree.right = values;
      if (name == "leaf_value") {
        tree.leaf = values;
        add(tree);
      }
    }
    for (auto& tests : tests_)
      std::ranges::stable_sort(tests, {}, &Test::threshold);
  }
  std::size_t trees() const { return leaves_.size() / 32; }

  double score(std::span<const double> row) const {
    std::array<std::uint32_t, 1024> alive;
    alive.fill(~std::uint32_t{0});
    for (std::size_t f = 0; f < tests_.size(); ++f)
      for (const Test& test : tests_[f]) {
        if (!(row[f] > test.threshold)) break;
        alive[test.tree] &= test.mask;
      }
    double sum = 0;
    for (std::size_t t = 0; t < trees(); ++t)
      sum += leaves_[t * 32 + static_cast<std::size_t>(std::countr_zero(alive[t]))];
    return 1 / (1 + std::exp(-sum));
  }

 private:
  struct Tree {
    std::vector<double> feature, threshold, left, right, leaf;
  };
  struct Test {
    double threshold;
    std::uint32_t tree, mask;
  };
  static std::vector<double> numbers(std::string_view text) {
    std::vector<double> values;
    for (const char* at = text.data(); at < text.data() + text.size();) {
      double value = 0;
      const auto read = std::from_chars(at, text.data() + text.size(), value);
      if (read.ec != std::errc()) break;
      values.push_back(value);
      at = read.ptr + 1;
    }
    return values;
  }
  // Numbers the leaves from the left; gives the mask of those below `node`.
  std::uint32_t walk(const Tree& tree, double node, std::uint32_t number, int& count) {
    if (node < 0) {
      const auto leaf = static_cast<std::size_t>(-node - 1);
      leaves_[number * 32 + static_cast<std::size_t>(count)] = tree.leaf[leaf];
      return std::uint32_t{1} << count++;
    }
    const auto at = static_cast<std::size_t>(node);
    const std::uint32_t left = walk(tree, tree.left[at], number, count);
    const std::uint32_t right = walk(tree, tree.right[at], number, count);
    const auto feature = static_cast<std::size_t>(tree.feature[at]);
    if (tests_.size() <= feature) tests_.resize(feature + 1);
    tests_[feature].push_back({tree.threshold[at], number, ~left});
    return left | right;
  }
  void add(const Tree& tree) {
    const auto number = static_cast<std::uint32_t>(trees());
    leaves_.resize(leaves_.size() + 32);
    int count = 0;
    walk(tree, 0, number, count);
  }

  std::vector<std::vector<Test>> tests_;  // by feature
  std::vector<double> leaves_;
};

// {"inputs": [[numbers]]} to {"predictions": [score]}: what both transports do for a request.
inline bool answer(const TreeModel& model, std::string_view body, std::string& out) {
  std::array<double, 28> row;
  std::size_t count = 0;
  for (const char* at = body.data(); at < body.data() + body.size() && count < row.size();) {
    if ((*at >= '0' && *at <= '9') || *at == '-') {
      const auto read = std::from_chars(at, body.data() + body.size(), row[count]);
      if (read.ec != std::errc()) return false;
      ++count;
      at = read.ptr;
    } else {
      ++at;
    }
  }
  if (count != row.size()) return false;
  std::array<char, 32> digits;
  const auto done = std::to_chars(digits.data(), digits.data() + digits.size(), model.score(row));
  out.assign("{\"predictions\":[").append(digits.data(), done.ptr).append("]}");
  return true;
}

// models/internal/lightgbm_text.h: LightGBM's text model format ("tree", version v3 and v4), read
// as the untrusted input that it is.
//
// What comes out has been checked as a whole: every array has its length, every child exists and is
// reached exactly once from the root, every feature index is below the number of features, leaf
// values are finite, thresholds are not NaN, bitsets lie within their array. Memory used is
// proportional to the file's size, whatever the counts in it claim.
#pragma once
#include "base/result.h"
#include "models/predictor.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::models {

enum class Missing : std::uint8_t { None = 0, Zero = 1, Nan = 2 };

// One tree as the file has it. Inner nodes have indices >= 0; a negative child c is leaf ~c. With
// one leaf there are no inner nodes.
struct TextTree {
  static constexpr std::uint8_t kCategorical = 1;
  static constexpr std::uint8_t kDefaultLeft = 2;

  std::vector<std::int32_t> feature;
  std::vector<double> threshold;  // categorical: the index of the bitset
  std::vector<std::uint8_t> decision;
  std::vector<std::int32_t> left, right;
  std::vector<double> gain;                   // per inner node; all zero when the file has none
  std::vector<double> leaf_value;             // at least one
  std::vector<std::uint32_t> category_begin;  // bitset i is words [begin[i], begin[i + 1])
  std::vector<std::uint32_t> category_words;

  Missing missing(std::size_t node) const {
    return static_cast<Missing>((decision[node] >> 2) & 3);
  }
  bool categorical(std::size_t node) const { return (decision[node] & kCategorical) != 0; }
  bool default_left(std::size_t node) const { return (decision[node] & kDefaultLeft) != 0; }
};

struct TextModel {
  std::vector<std::string> features;
  std::string objective;  // "binary", "regression", …; "" when the file names none
  Link link;
  bool average_output = false;  // random forest: the mean of the trees, not their sum
  std::vector<TextTree> trees;
};

// Corrupt with the tree and the field that is wrong; InvalidArgument for models that are intact but
// not supported (several classes, linear trees, an unknown objective).
Result<TextModel> parse_lightgbm_text(std::string_view text);

}  // namespace martlet::models

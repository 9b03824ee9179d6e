#include "models/tree_ensemble.h"

#include "models/internal/bit_forest.h"
#include "models/internal/lightgbm_text.h"
#include "models/internal/row_forest.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace martlet::models {
namespace {

constexpr double kZero = kZeroThreshold;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

constexpr std::uint32_t kFeatureMask = (1u << 24) - 1;
constexpr std::uint32_t kDefaultLeftBit = 24;
constexpr std::uint32_t kDefaultLeft = 1u << kDefaultLeftBit;
constexpr std::uint32_t kSpecialFlag = 1u << 25;

constexpr std::size_t kLanes = 8;         // walks at once
constexpr std::size_t kStackWidth = 256;  // rows up to this width need no allocation
constexpr std::size_t kBlockValues =
    4096;  // of a block of prepared rows: 32 KiB, so that it stays in the cache beside a tree
constexpr std::size_t kMaxNodes = 1u << 31;
constexpr std::size_t kFewRows = 8;  // up to here rows one by one are faster than a block of them

}  // namespace

Result<std::shared_ptr<const TreeEnsemble>> TreeEnsemble::parse_lightgbm(std::string_view text) {
  MARTLET_TRY_SET(TextModel model, parse_lightgbm_text(text));
  std::shared_ptr<TreeEnsemble> ensemble(new TreeEnsemble());
  std::size_t nodes = 0;
  for (const TextTree& tree : model.trees) nodes += tree.feature.size() + tree.leaf_value.size();
  if (nodes >= kMaxNodes)
    return fail(ErrorCode::ResourceExhausted, "LightGBM model: more than two billion nodes");
  ensemble->nodes_.reserve(nodes);
  ensemble->values_.reserve(nodes);
  ensemble->link_ = model.link;
  ensemble->average_ = model.average_output;
  const std::vector<bool> mixed = ensemble->choose_preparations(model);
  for (const TextTree& tree : model.trees) ensemble->add_tree(tree, mixed);
  ensemble->forest_ = std::make_shared<const BitForest>(make_bit_forest(model));
  ensemble->row_forest_ = std::make_shared<const RowForest>(make_row_forest(*ensemble->forest_));
  ensemble->by_lanes_ = ensemble->row_forest_->has_lanes && runs_here(RowKernel::Lanes);
  ensemble->inputs_ = std::move(model.features);
  return std::shared_ptr<const TreeEnsemble>(std::move(ensemble));
}

// LightGBM writes one kind of missing value per feature. Where a file doesn't, the feature's nodes
// become special ones: those are returned.
std::vector<bool> TreeEnsemble::choose_preparations(const TextModel& model) {
  constexpr std::uint8_t kRaw = 8;  // a set of categories looks at the value itself
  std::vector<std::uint8_t> uses(model.features.size(), 0);  // a bit per kind of missing value
  for (const TextTree& tree : model.trees) {
    for (std::size_t i = 0; i < tree.feature.size(); ++i) {
      std::uint8_t& use = uses[static_cast<std::size_t>(tree.feature[i])];
      const auto kind = static_cast<unsigned>(tree.missing(i));
      use = static_cast<std::uint8_t>(use | (tree.categorical(i) ? kRaw : 1u << kind));
    }
  }
  constexpr auto kNone = 1u << static_cast<unsigned>(Missing::None);
  constexpr auto kZeros = 1u << static_cast<unsigned>(Missing::Zero);
  constexpr auto kNans = 1u << static_cast<unsigned>(Missing::Nan);
  std::vector<bool> mixed(uses.size(), false);
  for (std::size_t feature = 0; feature < uses.size(); ++feature) {
    const std::uint8_t use = uses[feature];
    if (use == 0 || use == kRaw || use == kNans || use == (kRaw | kNans)) continue;
    if (use == kNone) {
      missing_to_zero_.push_back(static_cast<std::uint32_t>(feature));
    } else if (use == kZeros) {
      zero_to_missing_.push_back(static_cast<std::uint32_t>(feature));
    } else {
      mixed[feature] = true;
    }
  }
  return mixed;
}

void TreeEnsemble::add_inner_node(const TextTree& tree, std::size_t index, bool special,
                                  Node& node) {
  node.feature = static_cast<std::uint32_t>(tree.feature[index]);
  if (!special) {
    node.threshold = outside_zero(tree.threshold[index]);
    // Without a missing value among the inputs the default direction can't matter.
    if (tree.default_left(index)) node.feature |= kDefaultLeft;
    return;
  }
  SpecialNode entry;
  entry.categorical = tree.categorical(index);
  entry.default_left = tree.default_left(index);
  entry.missing = static_cast<std::uint8_t>(tree.missing(index));
  if (entry.categorical) {
    const auto set = static_cast<std::size_t>(tree.threshold[index]);
    const std::uint32_t begin = tree.category_begin[set];
    const std::uint32_t end = tree.category_begin[set + 1];
    entry.word_begin = static_cast<std::uint32_t>(words_.size());
    entry.word_count = end - begin;
    words_.insert(words_.end(), tree.category_words.begin() + begin,
                  tree.category_words.begin() + end);
  } else {
    entry.threshold = outside_zero(tree.threshold[index]);
  }
  node.feature |= kSpecialFlag;
  node.threshold = std::bit_cast<double>(static_cast<std::uint64_t>(special_.size()));
  special_.push_back(entry);
}

// Breadth first, so that the upper levels, which every walk visits, lie together.
void TreeEnsemble::add_tree(const TextTree& tree, const std::vector<bool>& mixed) {
  const auto base = static_cast<std::uint32_t>(nodes_.size());
  roots_.push_back(base);
  bool any_special = false;
  std::vector<std::int32_t> order{tree.feature.empty() ? ~0
                                                       : 0};  // children as the file numbers them
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::int32_t source = order[i];
    const auto at = base + static_cast<std::uint32_t>(i);
    if (source < 0) {
      nodes_.push_back({.threshold = kInfinity, .feature = kDefaultLeft, .child = at});
      values_.push_back(tree.leaf_value[static_cast<std::size_t>(~source)]);
      continue;
    }
    const auto index = static_cast<std::size_t>(source);
    const bool special =
        tree.categorical(index) || mixed[static_cast<std::size_t>(tree.feature[index])];
    any_special = any_special || special;
    Node node{
        .threshold = 0, .feature = 0, .child = base + static_cast<std::uint32_t>(order.size())};
    add_inner_node(tree, index, special, node);
    nodes_.push_back(node);
    values_.push_back(0);
    order.push_back(tree.left[index]);
    order.push_back(tree.right[index]);
  }
  special_trees_.push_back(any_special ? 1 : 0);
}

void TreeEnsemble::prepare(const double* row, double* out) const {
  std::copy_n(row, inputs_.size(), out);
  for (const std::uint32_t feature : missing_to_zero_) {
    if (std::isnan(out[feature])) out[feature] = 0;
  }
  for (const std::uint32_t feature : zero_to_missing_) {
    if (std::fabs(out[feature]) <= kZero) out[feature] = kNan;
  }
}

// LightGBM's Tree::NumericalDecision and Tree::CategoricalDecision.
bool TreeEnsemble::goes_left(const SpecialNode& node, double value) const {
  if (node.categorical) {
    // Truncation towards zero; what no int can hold, and NaN, goes right.
    if (!(value > -1.0 && value < 2147483648.0)) return false;
    const auto category = static_cast<std::uint32_t>(value);
    const std::uint32_t word = category / 32;
    return word < node.word_count && ((words_[node.word_begin + word] >> (category % 32)) & 1) != 0;
  }
  const auto missing = static_cast<Missing>(node.missing);
  if (std::isnan(value) && missing != Missing::Nan) value = 0;
  if ((missing == Missing::Zero && std::fabs(value) <= kZero) ||
      (missing == Missing::Nan && std::isnan(value))) {
    return node.default_left;
  }
  return value <= node.threshold;
}

template <bool kSpecial>
inline std::uint32_t TreeEnsemble::next(std::uint32_t at, const double* row) const {
  const Node& node = nodes_.data()[at];
  const double value = row[node.feature & kFeatureMask];
  if constexpr (kSpecial) {
    if ((node.feature & kSpecialFlag) != 0) {
      return node.child +
             (goes_left(special_[std::bit_cast<std::uint64_t>(node.threshold)], value) ? 0u : 1u);
    }
  }
  const auto not_below = static_cast<std::uint32_t>(!(value <= node.threshold));
  const auto by_default =
      static_cast<std::uint32_t>(value != value) & (node.feature >> kDefaultLeftBit);
  return node.child + (not_below & ~by_default & 1u);
}

// Adds one tree's leaf values for prepared rows, width() values each.
template <bool kSpecial>
void TreeEnsemble::add_rows(std::size_t tree, const double* rows, std::size_t count,
                            double* sums) const {
  const std::size_t width = inputs_.size();
  const std::uint32_t root = roots_[tree];
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    std::array<std::uint32_t, kLanes> at;
    at.fill(root);
    std::uint32_t moved = 1;
    while (moved != 0) {
      moved = 0;
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const std::uint32_t to = next<kSpecial>(at[lane], rows + (i + lane) * width);
        moved |= to ^ at[lane];
        at[lane] = to;
      }
    }
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[i + lane] += values_[at[lane]];
  }
  for (; i < count; ++i) {
    std::uint32_t at = root;
    for (std::uint32_t to = next<kSpecial>(at, rows + i * width); to != at;
         to = next<kSpecial>(at, rows + i * width))
      at = to;
    sums[i] += values_[at];
  }
}

void TreeEnsemble::walk_rows(std::size_t tree, const double* rows, std::size_t count,
                             double* sums) const {
  if (special_trees_[tree] != 0) {
    add_rows<true>(tree, rows, count, sums);
  } else {
    add_rows<false>(tree, rows, count, sums);
  }
}

void TreeEnsemble::walk_block(const double* rows, std::size_t count, double* prepared,
                              double* sums) const {
  const std::size_t width = inputs_.size();
  for (std::size_t i = 0; i < count; ++i) prepare(rows + i * width, prepared + i * width);
  for (std::size_t tree = 0; tree < roots_.size(); ++tree) walk_rows(tree, prepared, count, sums);
}

void TreeEnsemble::evaluate_block(TreeKernel kernel, const double* rows, std::size_t count,
                                  std::uint8_t* codes, double* prepared, double* sums) const {
  const std::size_t width = inputs_.size();
  code_rows(kernel, *forest_, rows, width, count, codes);
  if (forest_->any_walked) {
    for (std::size_t i = 0; i < count; ++i) prepare(rows + i * width, prepared + i * width);
  }
  // In the order of the trees: runs of those that the kernel takes, between those that are walked.
  const std::vector<BitForest::Tree>& trees = forest_->trees;
  for (std::size_t tree = 0; tree < trees.size();) {
    if (trees[tree].planes == 0) {
      walk_rows(tree++, prepared, count, sums);
      continue;
    }
    const std::size_t first = tree;
    while (tree < trees.size() && trees[tree].planes != 0) ++tree;
    add_trees(kernel, *forest_, codes, first, tree, count, sums);
  }
}

void TreeEnsemble::raw_scores(std::span<const double> rows, std::size_t width,
                              std::span<double> out) const {
  if (out.size() > kFewRows) return raw_scores_by(best_kernel(), rows, width, out);
  MARTLET_CHECK(width == inputs_.size(), "rows must be as wide as the model");
  MARTLET_CHECK(rows.size() == width * out.size(), "there must be one score per row");
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = raw_score(rows.data() + i * width);
}

void TreeEnsemble::raw_scores_by(TreeKernel kernel, std::span<const double> rows, std::size_t width,
                                 std::span<double> out) const {
  MARTLET_CHECK(width == inputs_.size(), "rows must be as wide as the model");
  MARTLET_CHECK(rows.size() == width * out.size(), "there must be one score per row");
  const bool walk = kernel == TreeKernel::Walk;
  const std::size_t block =
      walk ? std::clamp<std::size_t>(kBlockValues / width, kLanes, kBlockRows) : kBlockRows;
  std::vector<std::uint8_t> codes(walk ? 0 : forest_->columns() * kBlockRows);
  std::vector<double> prepared(walk || forest_->any_walked ? std::min(block, out.size()) * width
                                                           : 0);
  std::array<double, kBlockRows> sums;
  for (std::size_t begin = 0; begin < out.size(); begin += block) {
    const std::size_t count = std::min(block, out.size() - begin);
    const double* const first = rows.data() + begin * width;
    sums.fill(0.0);
    if (walk) {
      walk_block(first, count, prepared.data(), sums.data());
    } else {
      evaluate_block(kernel, first, count, codes.data(), prepared.data(), sums.data());
    }
    if (average_ && !roots_.empty()) {
      for (double& sum : sums) sum /= static_cast<double>(roots_.size());
    }
    std::copy_n(sums.begin(), count, out.begin() + static_cast<std::ptrdiff_t>(begin));
  }
}

std::size_t TreeEnsemble::walked_tree_count() const {
  return static_cast<std::size_t>(
      std::count_if(forest_->trees.begin(), forest_->trees.end(),
                    [](const BitForest::Tree& tree) { return tree.planes == 0; }));
}

void TreeEnsemble::add_chunk(RowKernel kernel, std::size_t chunk, const double* row,
                             const double* prepared, double* sum) const {
  constexpr int kWordBits = 32;
  const RowForest::Chunk& trees = row_forest_->chunks[chunk];
  std::array<std::uint32_t, RowForest::kMostWords> words;
  find_leaves(kernel, *forest_, *row_forest_, trees, row, words.data());
  const std::uint32_t* word = words.data();
  for (std::size_t tree = trees.first_tree; tree < trees.last_tree; ++tree) {
    const double* const leaves = forest_->leaves.data() + forest_->trees[tree].first_leaf;
    const std::uint8_t count = row_forest_->tree_words[tree];
    if (count == 0) {
      walk_rows(tree, prepared, 1, sum);
    } else if (*word != 0) {
      *sum += leaves[std::countr_zero(*word)];
    } else {
      // The row's leaf is among the others: there is always one.
      *sum += leaves[kWordBits + std::countr_zero(word[1])];
    }
    word += count;
  }
}

double TreeEnsemble::raw_score(const double* row) const {
  return raw_score_by(RowKernel::Lanes, row);
}

double TreeEnsemble::raw_score_by(RowKernel kernel, const double* row) const {
  if (!by_lanes_) kernel = RowKernel::Lists;
  std::array<double, kStackWidth> small;
  std::vector<double> large;
  double* prepared = small.data();
  if (row_forest_->any_walked) {
    if (inputs_.size() > small.size()) {
      large.resize(inputs_.size());
      prepared = large.data();
    }
    prepare(row, prepared);
  }
  double sum = 0;
  for (std::size_t chunk = 0; chunk < row_forest_->chunks.size(); ++chunk)
    add_chunk(kernel, chunk, row, prepared, &sum);
  if (average_ && !roots_.empty()) sum /= static_cast<double>(roots_.size());
  return sum;
}

}  // namespace martlet::models

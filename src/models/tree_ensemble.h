// models/tree_ensemble.h: our inference engine for ensembles of decision trees.
//
// Equal to LightGBM's own prediction bit for bit: the same decision for every value, missing ones,
// categories and infinities included, and the sum of leaf values in the order of the trees, in
// double. Immutable, thread-safe; made by parsing a model file, from which everything is checked
// (internal/lightgbm_text.h).
//
// How it is fast: the trees are kept in two more forms, made when the model is loaded: one through
// which many rows pass at a time (internal/bit_forest.h), one for a single row (row_forest.h).
// Trees that have no such form walk: nodes are 16 bytes with siblings side by side, so that a step
// is a comparison and an addition without a branch, and eight rows walk at once, so that their
// memory latencies overlap.
#pragma once
#include "base/result.h"
#include "models/predictor.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::models {

enum class RowKernel : std::uint8_t;
enum class TreeKernel : std::uint8_t;
struct BitForest;
struct RowForest;
struct TextModel;
struct TextTree;

class TreeEnsemble final : public Predictor {
 public:
  // A LightGBM model file as text, versions v3 and v4. Corrupt for anything damaged;
  // InvalidArgument for several classes, linear trees and objectives that are not supported.
  static Result<std::shared_ptr<const TreeEnsemble>> parse_lightgbm(std::string_view text);

  std::string_view flavour() const override { return "lightgbm"; }
  const std::vector<std::string>& inputs() const override { return inputs_; }
  Link link() const override { return link_; }
  double raw_score(const double* row) const override;
  void raw_scores(std::span<const double> rows, std::size_t width,
                  std::span<double> out) const override;

  // raw_scores by one of the kernels, which must run on this machine: for tests, which compare
  // them.
  void raw_scores_by(TreeKernel kernel, std::span<const double> rows, std::size_t width,
                     std::span<double> out) const;
  // raw_score likewise; by the other one where the ensemble or the machine lacks this one.
  double raw_score_by(RowKernel kernel, const double* row) const;

  std::size_t tree_count() const { return roots_.size(); }
  // Trees that are too large or too lopsided for anything but walking.
  std::size_t walked_tree_count() const;

 private:
  // `feature` holds the index in its low 24 bits and flags above. The left child is `child`, the
  // right one `child` + 1. A leaf has an infinite threshold and is its own left child, so that a
  // walk that has arrived stays.
  struct Node {
    double threshold;
    std::uint32_t feature;
    std::uint32_t child;
  };
  // A node that the plain comparison can't decide: a set of categories, or a feature that other
  // nodes treat differently when missing.
  struct SpecialNode {
    bool categorical = false;
    bool default_left = false;
    std::uint8_t missing = 0;
    double threshold = 0;
    std::uint32_t word_begin = 0, word_count = 0;
  };

  TreeEnsemble() = default;
  std::vector<bool> choose_preparations(const TextModel& model);
  void add_tree(const TextTree& tree, const std::vector<bool>& mixed);
  void add_inner_node(const TextTree& tree, std::size_t index, bool special, Node& node);
  void prepare(const double* row, double* out) const;
  bool goes_left(const SpecialNode& node, double value) const;
  template <bool kSpecial>
  std::uint32_t next(std::uint32_t at, const double* row) const;
  template <bool kSpecial>
  void add_rows(std::size_t tree, const double* rows, std::size_t count, double* sums) const;
  void walk_rows(std::size_t tree, const double* rows, std::size_t count, double* sums) const;
  void walk_block(const double* rows, std::size_t count, double* prepared, double* sums) const;
  void evaluate_block(TreeKernel kernel, const double* rows, std::size_t count, std::uint8_t* codes,
                      double* prepared, double* sums) const;
  void add_chunk(RowKernel kernel, std::size_t chunk, const double* row, const double* prepared,
                 double* sum) const;

  std::vector<std::string> inputs_;
  Link link_;
  bool average_ = false;
  std::vector<Node> nodes_;
  std::vector<double> values_;               // per node; of leaves only
  std::vector<std::uint32_t> roots_;         // per tree
  std::vector<std::uint8_t> special_trees_;  // per tree: it has special nodes
  std::vector<SpecialNode> special_;
  std::vector<std::uint32_t> words_;  // bits of the categories that go left
  std::vector<std::uint32_t> missing_to_zero_, zero_to_missing_;  // features
  std::shared_ptr<const BitForest> forest_;                       // the same trees, for many rows
  std::shared_ptr<const RowForest> row_forest_;                   // … and for one
  bool by_lanes_ = false;                                         // which the CPU and it allow
};

}  // namespace martlet::models

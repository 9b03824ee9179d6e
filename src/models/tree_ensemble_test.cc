#include "models/testdata.h"
#include "models/tree_ensemble.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>

namespace martlet::models {
namespace {

using testdata::read_text;

struct Case {
  std::vector<double> row;
  double raw = 0;
  double score = 0;
};

std::vector<Case> read_cases(const std::string& name) {
  std::vector<Case> cases;
  std::istringstream lines(read_text(name));
  for (std::string line; std::getline(lines, line);) {
    std::vector<double> numbers;
    const char* at = line.c_str();
    for (char* end = nullptr;; at = end) {
      const double number = std::strtod(at, &end);
      if (end == at) break;
      numbers.push_back(number);
    }
    Case one;
    one.score = numbers.back();
    numbers.pop_back();
    one.raw = numbers.back();
    numbers.pop_back();
    one.row = std::move(numbers);
    cases.push_back(std::move(one));
  }
  return cases;
}

std::shared_ptr<const TreeEnsemble> load(const std::string& name) {
  auto model = TreeEnsemble::parse_lightgbm(read_text(name + ".model.txt"));
  EXPECT_TRUE(model.has_value()) << model.error().message();
  return model.has_value() ? *model : nullptr;
}

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

// A minimal model: one feature, one split at 0.5, leaves 1 and 2.
std::string small_model(
    std::string_view tree =
        "num_leaves=2\nnum_cat=0\nsplit_feature=0\nsplit_gain=3\nthreshold=0.5\ndecision_type=2\n"
        "left_child=-1\nright_child=-2\nleaf_value=1 2\nis_linear=0\n") {
  return "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx="
         "0\nobjective=regression\n"
         "feature_names=x\nfeature_infos=[0:1]\ntree_sizes=1\n\nTree=0\n" +
         std::string(tree) + "\n\nend of trees\n";
}

void expect_refused(const std::string& text, ErrorCode code, std::string_view part) {
  const auto model = TreeEnsemble::parse_lightgbm(text);
  ASSERT_FALSE(model.has_value()) << text;
  EXPECT_EQ(model.error().code(), code) << model.error().message();
  EXPECT_NE(model.error().message().find(part), std::string::npos) << model.error().message();
}

class EveryModel : public ::testing::TestWithParam<const char*> {};

// Expected values: LightGBM 4.7.0's own Booster.predict (testdata/make_trees.py).
TEST_P(EveryModel, predicts_what_lightgbm_predicts_bit_for_bit) {
  const auto model = load(GetParam());
  ASSERT_NE(model, nullptr);
  const std::vector<Case> cases = read_cases(std::string(GetParam()) + ".cases.txt");
  ASSERT_GE(cases.size(), 30u);
  std::vector<double> rows;
  for (const Case& one : cases) {
    EXPECT_EQ(bits(model->raw_score(one.row.data())), bits(one.raw));
    EXPECT_EQ(bits(model->score(one.row.data())), bits(one.score));
    rows.insert(rows.end(), one.row.begin(), one.row.end());
  }
  std::vector<double> out(cases.size());
  model->scores(rows, model->width(), out);
  for (std::size_t i = 0; i < cases.size(); ++i)
    EXPECT_EQ(bits(out[i]), bits(cases[i].score)) << "row " << i;
}

INSTANTIATE_TEST_SUITE_P(TreeEnsemble, EveryModel,
                         ::testing::Values("binary_nan", "binary_sigmoid", "regression_zero",
                                           "regression_no_missing", "regression_sqrt",
                                           "regression_l1", "huber", "fair", "quantile", "mape",
                                           "poisson", "gamma", "tweedie", "cross_entropy",
                                           "random_forest", "constant", "categories", "extremes"),
                         [](const auto& which) { return std::string(which.param); });

TEST(TreeEnsemble, batches_of_every_size_give_what_single_rows_give) {
  const auto model = load("categories");
  const std::vector<Case> cases = read_cases("categories.cases.txt");
  for (std::size_t count = 0; count <= 20; ++count) {
    std::vector<double> rows, out(count, -1);
    for (std::size_t i = 0; i < count; ++i)
      rows.insert(rows.end(), cases[i].row.begin(), cases[i].row.end());
    model->raw_scores(rows, model->width(), out);
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(bits(out[i]), bits(cases[i].raw));
  }
}

TEST(TreeEnsemble, a_feature_whose_nodes_disagree_on_missing_values_is_decided_node_by_node) {
  // Node 0: NaN is missing, default right; node 1 (its right child): no missing, so NaN counts as 0
  // and goes left.
  const auto model = TreeEnsemble::parse_lightgbm(
      small_model("num_leaves=3\nnum_cat=0\nsplit_feature=0 0\nthreshold=-5 0.5\ndecision_type=8 "
                  "0\nleft_child=-1 -2\n"
                  "right_child=1 -3\nleaf_value=1 2 4\nis_linear=0\n"));
  ASSERT_TRUE(model.has_value()) << model.error().message();
  const double nan = std::numeric_limits<double>::quiet_NaN(), low = -6, high = 7;
  EXPECT_EQ((*model)->raw_score(&nan), 2);
  EXPECT_EQ((*model)->raw_score(&low), 1);
  EXPECT_EQ((*model)->raw_score(&high), 4);
}

TEST(TreeEnsemble, a_wide_row_takes_the_path_without_the_stack) {
  std::string names = "feature_names=x";
  for (int i = 1; i < 300; ++i) names += " x" + std::to_string(i);
  std::string text = small_model();
  text.replace(text.find("feature_names=x"), 15, names);
  text.replace(text.find("max_feature_idx=0"), 17, "max_feature_idx=299");
  const auto model = TreeEnsemble::parse_lightgbm(text);
  ASSERT_TRUE(model.has_value()) << model.error().message();
  const std::vector<double> row(300, 0.25);
  EXPECT_EQ((*model)->raw_score(row.data()), 1);
}

TEST(TreeEnsemble, what_is_not_supported_is_refused_by_name) {
  std::string classes = small_model();
  classes.replace(classes.find("num_class=1"), 11, "num_class=3");
  expect_refused(classes, ErrorCode::InvalidArgument, "several classes");
  std::string objective = small_model();
  objective.replace(objective.find("objective=regression"), 20, "objective=telepathy");
  expect_refused(objective, ErrorCode::InvalidArgument, "telepathy");
  std::string linear = small_model();
  linear.replace(linear.find("is_linear=0"), 11, "is_linear=1");
  expect_refused(linear, ErrorCode::InvalidArgument, "linear_tree=false");
}

TEST(TreeEnsemble, damage_is_refused_with_the_place) {
  expect_refused("", ErrorCode::Corrupt, "begin with");
  expect_refused("treE\n", ErrorCode::Corrupt, "begin with");
  const std::string good = small_model();
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  expect_refused(with("version=v4", "version=v9"), ErrorCode::Corrupt, "version");
  expect_refused(with("max_feature_idx=0", "max_feature_idx=4000000000"), ErrorCode::Corrupt,
                 "max_feature_idx");
  expect_refused(with("max_feature_idx=0", "max_feature_idx=1"), ErrorCode::Corrupt, "disagree");
  expect_refused(with("feature_names=x", "feature_names=x\nfeature_names=x"), ErrorCode::Corrupt,
                 "twice");
  expect_refused(with("tree_sizes=1", "tree_sizes=1 1"), ErrorCode::Corrupt, "tree_sizes lists 2");
  expect_refused(with("tree_sizes=1", "tree_sizes="), ErrorCode::Corrupt, "beyond tree_sizes");
  expect_refused(with("Tree=0", "Tree=1"), ErrorCode::Corrupt, "out of order");
  expect_refused(with("num_leaves=2", "num_leaves=2000000000"), ErrorCode::Corrupt,
                 "too few values");
  expect_refused(with("num_leaves=2", "num_leaves=0"), ErrorCode::Corrupt, "num_leaves");
  expect_refused(with("num_leaves=2", "num_leaves=3"), ErrorCode::Corrupt, "values");
  expect_refused(with("num_cat=0", "num_cat=-1"), ErrorCode::Corrupt, "num_cat");
  expect_refused(with("split_feature=0", "split_feature=1"), ErrorCode::Corrupt, "feature 1, of 1");
  expect_refused(with("split_feature=0", "split_feature=-1"), ErrorCode::Corrupt, "feature -1");
  expect_refused(with("threshold=0.5", "threshold=nan"), ErrorCode::Corrupt, "has no threshold");
  expect_refused(with("threshold=0.5", "threshold=0x5"), ErrorCode::Corrupt, "no number");
  expect_refused(with("leaf_value=1 2", "leaf_value=1 inf"), ErrorCode::Corrupt, "not finite");
  expect_refused(with("leaf_value=1 2", "leaf_value=1 2 3"), ErrorCode::Corrupt,
                 "3 values instead of 2");
  expect_refused(with("decision_type=2", "decision_type=16"), ErrorCode::Corrupt, "decision type");
  expect_refused(with("decision_type=2", "decision_type=12"), ErrorCode::Corrupt, "decision type");
  expect_refused(with("decision_type=2", "decision_type=1"), ErrorCode::Corrupt, "categories");
  expect_refused(with("left_child=-1", "left_child=0"), ErrorCode::Corrupt,
                 "reached twice");  // a cycle
  expect_refused(with("left_child=-1", "left_child=-2"), ErrorCode::Corrupt,
                 "reached twice");  // a shared leaf
  expect_refused(with("left_child=-1", "left_child=1"), ErrorCode::Corrupt, "does not exist");
  expect_refused(with("left_child=-1", "left_child=-2147483648"), ErrorCode::Corrupt,
                 "does not exist");
  expect_refused(with("left_child=-1", "left_child=99999999999"), ErrorCode::Corrupt,
                 "no number in range");
  expect_refused(with("end of trees", "end of treesx"), ErrorCode::Corrupt, "cut off");
}

TEST(TreeEnsemble, damaged_sets_of_categories_are_refused) {
  const auto categorical = [](std::string_view threshold, std::string_view begins,
                              std::string_view words) {
    return small_model(fmt::format(
        "num_leaves=2\nnum_cat=1\nsplit_feature=0\nthreshold={}\ndecision_type=1\nleft_child=-1\n"
        "right_child=-2\nleaf_value=1 2\ncat_boundaries={}\ncat_threshold={}\nis_linear=0\n",
        threshold, begins, words));
  };
  const auto good = TreeEnsemble::parse_lightgbm(categorical("0", "0 1", "5"));
  ASSERT_TRUE(good.has_value()) << good.error().message();
  for (const double left : {0.0, 2.0, 2.9, -0.5}) EXPECT_EQ((*good)->raw_score(&left), 1) << left;
  for (const double right : {1.0, 3.0, 32.0, -1.0, 1e300, -1e300})
    EXPECT_EQ((*good)->raw_score(&right), 2) << right;
  expect_refused(categorical("1", "0 1", "5"), ErrorCode::Corrupt, "does not exist");
  expect_refused(categorical("-1", "0 1", "5"), ErrorCode::Corrupt, "does not exist");
  expect_refused(categorical("0.5", "0 1", "5"), ErrorCode::Corrupt, "does not exist");
  expect_refused(categorical("0", "0 2", "5"), ErrorCode::Corrupt, "span");
  expect_refused(categorical("0", "1 1", "5"), ErrorCode::Corrupt, "span");
  expect_refused(categorical("0", "0 1 1", "5"), ErrorCode::Corrupt, "3 values instead of 2");
  expect_refused(categorical("0", "0 4294967297", "5"), ErrorCode::Corrupt, "no number in range");
}

// Either an error or a model that can be evaluated: what the sanitizers watch over.
void try_model(const std::string& text) {
  const auto model = TreeEnsemble::parse_lightgbm(text);
  if (!model.has_value()) {
    EXPECT_TRUE(model.error().code() == ErrorCode::Corrupt ||
                model.error().code() == ErrorCode::InvalidArgument);
    return;
  }
  for (const double value : {0.0, -1.5, 40.0, std::numeric_limits<double>::quiet_NaN()}) {
    const std::vector<double> row((*model)->width(), value);
    EXPECT_FALSE(std::isnan((*model)->raw_score(row.data())));
  }
}

// The first two trees and the header of the categorical model: short enough to try every byte.
std::string shortened() {
  std::string text = read_text("categories.model.txt");
  const std::size_t sizes = text.find("tree_sizes=");
  text.replace(sizes, text.find('\n', sizes) - sizes, "tree_sizes=1 1");
  return text.substr(0, text.find("Tree=2")) + "end of trees\n";
}

TEST(TreeEnsemble, a_file_cut_off_anywhere_is_refused) {
  const std::string text = shortened();
  ASSERT_TRUE(TreeEnsemble::parse_lightgbm(text).has_value());
  for (std::size_t size = 0; size + 1 < text.size(); ++size) {
    EXPECT_FALSE(TreeEnsemble::parse_lightgbm(std::string_view(text).substr(0, size)).has_value())
        << size;
  }
}

TEST(TreeEnsemble, a_changed_byte_gives_an_error_or_a_model_that_works) {
  const std::string text = shortened();
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    state = state * 1664525u + 1013904223u;
    for (const char replacement : {static_cast<char>(state >> 24), '9', '-', ' ', '\n'}) {
      std::string changed = text;
      changed[i] = replacement;
      try_model(changed);
    }
  }
}

}  // namespace
}  // namespace martlet::models

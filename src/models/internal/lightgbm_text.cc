#include "models/internal/lightgbm_text.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace martlet::models {
namespace {

constexpr std::size_t kMaxFeatures = 1u << 20;
constexpr std::size_t kMaxTrees = 1u << 20;

tl::unexpected<Error> broken(std::string_view where, std::string_view what) {
  return corrupt(fmt::format("LightGBM model, {}: {}; the file is damaged, fetch or train it again",
                             where, what));
}

// The lines of the text, one after the other, without their end.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  // False at the end of the text.
  bool next(std::string_view& line) {
    if (rest_.empty()) return false;
    const std::size_t end = rest_.find('\n');
    line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return true;
  }

 private:
  std::string_view rest_;
};

// "key=value" lines of one section; a key stands once. Few keys, so a vector.
class Section {
 public:
  // False when the key is already there.
  bool add(std::string_view line) {
    const std::size_t equals = line.find('=');
    const std::string_view key = line.substr(0, equals);
    if (find(key)) return false;
    entries_.emplace_back(key, equals == std::string_view::npos ? std::string_view()
                                                                : line.substr(equals + 1));
    return true;
  }
  std::optional<std::string_view> find(std::string_view key) const {
    for (const auto& [name, value] : entries_) {
      if (name == key) return value;
    }
    return std::nullopt;
  }

 private:
  std::vector<std::pair<std::string_view, std::string_view>> entries_;
};

template <class Number>
bool read_number(std::string_view word, Number& out) {
  const char* const end = word.data() + word.size();
  const auto [stopped, problem] = std::from_chars(word.data(), end, out);
  return problem == std::errc() && stopped == end;
}

// Numbers separated by single spaces (a trailing one is allowed).
template <class Number>
bool read_numbers(std::string_view text, std::vector<Number>& out) {
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    Number value{};
    if (!read_number(text.substr(0, end), value)) return false;
    out.push_back(value);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return true;
}

// The parts of one tree that need checking against each other, read from a section.
class TreeReader {
 public:
  TreeReader(const Section& section, std::size_t index, std::size_t features)
      : section_(section), where_("tree " + std::to_string(index)), features_(features) {}

  Result<TextTree> read() {
    std::int64_t leaves = 0;
    MARTLET_TRY(integer("num_leaves", leaves));
    if (leaves < 1 || leaves > std::numeric_limits<std::int32_t>::max())
      return broken(where_, "num_leaves is out of range");
    std::int64_t categories = 0;
    MARTLET_TRY(integer("num_cat", categories));
    if (categories < 0 || categories > leaves) return broken(where_, "num_cat is out of range");
    if (const auto linear = section_.find("is_linear"); linear && *linear != "0") {
      return invalid_argument(
          "LightGBM model: linear trees are not supported; train with linear_tree=false");
    }
    const auto inner = static_cast<std::size_t>(leaves - 1);
    TextTree tree;
    MARTLET_TRY(numbers("leaf_value", inner + 1, tree.leaf_value));
    for (const double value : tree.leaf_value) {
      if (!std::isfinite(value)) return broken(where_, "a leaf value is not finite");
    }
    if (inner == 0) return tree;
    MARTLET_TRY(numbers("split_feature", inner, tree.feature));
    MARTLET_TRY(numbers("threshold", inner, tree.threshold));
    MARTLET_TRY(numbers("decision_type", inner, tree.decision));
    MARTLET_TRY(numbers("left_child", inner, tree.left));
    MARTLET_TRY(numbers("right_child", inner, tree.right));
    if (section_.find("split_gain")) {
      MARTLET_TRY(numbers("split_gain", inner, tree.gain));
    } else {
      tree.gain.assign(inner, 0.0);
    }
    if (categories > 0) MARTLET_TRY(bitsets(static_cast<std::size_t>(categories), tree));
    MARTLET_TRY(check_nodes(tree));
    MARTLET_TRY(check_shape(tree));
    return tree;
  }

 private:
  Result<void> integer(std::string_view key, std::int64_t& out) const {
    const auto text = section_.find(key);
    if (!text) return broken(where_, fmt::format("{} is missing", key));
    if (!read_number(*text, out)) return broken(where_, fmt::format("{} is no integer", key));
    return {};
  }

  template <class Number>
  Result<void> numbers(std::string_view key, std::size_t count, std::vector<Number>& out) const {
    const auto text = section_.find(key);
    if (!text) return broken(where_, fmt::format("{} is missing", key));
    // A number takes two bytes at least, so a claimed count beyond the text is found before
    // anything is allocated for it.
    if (count > text->size()) return broken(where_, fmt::format("{} has too few values", key));
    out.reserve(count);
    if (!read_numbers(*text, out))
      return broken(where_, fmt::format("{} holds something that is no number in range", key));
    if (out.size() != count)
      return broken(where_, fmt::format("{} has {} values instead of {}", key, out.size(), count));
    return {};
  }

  Result<void> bitsets(std::size_t count, TextTree& tree) const {
    MARTLET_TRY(numbers("cat_boundaries", count + 1, tree.category_begin));
    const auto words = section_.find("cat_threshold");
    if (!words || !read_numbers(*words, tree.category_words))
      return broken(where_, "cat_threshold is missing or no list of integers");
    if (tree.category_begin.front() != 0 ||
        tree.category_begin.back() != tree.category_words.size()) {
      return broken(where_, "cat_boundaries do not span cat_threshold");
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (tree.category_begin[i] > tree.category_begin[i + 1])
        return broken(where_, "cat_boundaries fall");
    }
    return {};
  }

  Result<void> check_nodes(const TextTree& tree) const {
    const double bitset_count =
        tree.category_begin.empty() ? 0.0 : static_cast<double>(tree.category_begin.size() - 1);
    for (std::size_t i = 0; i < tree.feature.size(); ++i) {
      if (tree.feature[i] < 0 || static_cast<std::size_t>(tree.feature[i]) >= features_) {
        return broken(where_, fmt::format("node {} splits on feature {}, of {}", i, tree.feature[i],
                                          features_));
      }
      if (tree.decision[i] > 15 || ((tree.decision[i] >> 2) & 3) > 2) {
        return broken(where_,
                      fmt::format("node {} has the unknown decision type {}", i, tree.decision[i]));
      }
      // Infinity is fine: LightGBM writes "inf" where a split only parts the missing values from
      // all others.
      const double threshold = tree.threshold[i];
      if (std::isnan(threshold)) return broken(where_, fmt::format("node {} has no threshold", i));
      if (tree.categorical(i) &&
          (!(threshold >= 0) || threshold >= bitset_count || std::floor(threshold) != threshold)) {
        return broken(where_,
                      fmt::format("node {} names a set of categories that does not exist", i));
      }
    }
    return {};
  }

  // Every node and every leaf is reached from the root exactly once: no cycles, no sharing, nothing
  // left over.
  Result<void> check_shape(const TextTree& tree) const {
    const auto inner = static_cast<std::int32_t>(tree.feature.size());
    std::vector<std::uint8_t> node_seen(tree.feature.size(), 0);
    std::vector<std::uint8_t> leaf_seen(tree.leaf_value.size(), 0);
    std::vector<std::int32_t> open{0};
    node_seen[0] = 1;
    std::size_t reached = 1;
    while (!open.empty()) {
      const auto node = static_cast<std::size_t>(open.back());
      open.pop_back();
      for (const std::int32_t child : {tree.left[node], tree.right[node]}) {
        const bool leaf = child < 0;
        const std::int32_t index = leaf ? ~child : child;
        if (index >= (leaf ? inner + 1 : inner))
          return broken(where_, fmt::format("node {} has a child that does not exist", node));
        std::uint8_t& seen = leaf ? leaf_seen[static_cast<std::size_t>(index)]
                                  : node_seen[static_cast<std::size_t>(index)];
        if (seen != 0)
          return broken(where_, fmt::format("a child of node {} is reached twice", node));
        seen = 1;
        ++reached;
        if (!leaf) open.push_back(child);
      }
    }
    if (reached != tree.feature.size() + tree.leaf_value.size())
      return broken(where_, "some nodes are never reached");
    return {};
  }

  const Section& section_;
  std::string where_;
  std::size_t features_;
};

// LightGBM's objective line ("binary sigmoid:1") to the link it implies (ConvertOutput of its
// objective classes).
Result<Link> link_of(std::string_view objective) {
  std::vector<std::string_view> words;
  while (!objective.empty()) {
    const std::size_t end = objective.find(' ');
    if (end != 0) words.push_back(objective.substr(0, end));
    objective.remove_prefix(end == std::string_view::npos ? objective.size() : end + 1);
  }
  if (words.empty() || words[0] == "none" || words[0] == "custom") return Link{};
  const std::string_view name = words[0];
  for (const std::string_view plain :
       {"regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg"}) {
    if (name == plain) return Link{};
  }
  if (name == "regression") {
    const bool square = std::find(words.begin(), words.end(), "sqrt") != words.end();
    return Link{.kind = square ? LinkKind::SignedSquare : LinkKind::Identity};
  }
  if (name == "poisson" || name == "gamma" || name == "tweedie")
    return Link{.kind = LinkKind::Exponential};
  if (name == "cross_entropy") return Link{.kind = LinkKind::Sigmoid};
  if (name == "cross_entropy_lambda") return Link{.kind = LinkKind::Softplus};
  if (name == "binary") {
    constexpr std::string_view kSigmoid = "sigmoid:";
    for (const std::string_view word : words) {
      if (!word.starts_with(kSigmoid)) continue;
      Link link{.kind = LinkKind::Sigmoid};
      if (!read_number(word.substr(kSigmoid.size()), link.scale) || !(link.scale > 0) ||
          !std::isfinite(link.scale)) {
        return broken("header", "the objective's sigmoid is no positive number");
      }
      return link;
    }
    return broken("header", "the binary objective lacks its sigmoid");
  }
  return invalid_argument(
      fmt::format("LightGBM model: the objective \"{}\" is not supported", name));
}

Result<void> read_header(const Section& header, TextModel& model, std::size_t& tree_count) {
  const auto version = header.find("version");
  if (!version || (*version != "v3" && *version != "v4")) {
    return broken("header", "the version is neither v3 nor v4 (LightGBM 3 and 4 write these)");
  }
  const auto header_integer = [&](std::string_view key, std::int64_t& out) {
    const auto text = header.find(key);
    return text && read_number(*text, out);
  };
  std::int64_t classes = 0, per_iteration = 0, last_feature = 0;
  if (!header_integer("num_class", classes) ||
      !header_integer("num_tree_per_iteration", per_iteration) ||
      !header_integer("max_feature_idx", last_feature)) {
    return broken("header",
                  "num_class, num_tree_per_iteration or max_feature_idx is missing or no integer");
  }
  if (last_feature < 0 || last_feature >= static_cast<std::int64_t>(kMaxFeatures))
    return broken("header", "max_feature_idx is out of range");
  if (classes < 1 || per_iteration < 1)
    return broken("header", "num_class or num_tree_per_iteration is out of range");
  if (classes != 1 || per_iteration != 1) {
    return invalid_argument(
        "LightGBM model: several classes are not supported; train a binary or a regression model");
  }
  const auto names = header.find("feature_names");
  if (!names) return broken("header", "feature_names are missing");
  std::string_view rest = *names;
  while (!rest.empty()) {
    const std::size_t end = rest.find(' ');
    model.features.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  if (model.features.size() != static_cast<std::size_t>(last_feature) + 1) {
    return broken("header", "feature_names and max_feature_idx disagree");
  }
  model.average_output = header.find("average_output").has_value();
  const std::string_view objective = header.find("objective").value_or("");
  model.objective = objective.substr(0, objective.find(' '));
  MARTLET_TRY_SET(model.link, link_of(objective));
  const auto sizes = header.find("tree_sizes");
  std::vector<std::uint64_t> tree_sizes;
  if (!sizes || !read_numbers(*sizes, tree_sizes))
    return broken("header", "tree_sizes are missing or no list of integers");
  tree_count = tree_sizes.size();
  if (tree_count > kMaxTrees) return broken("header", "there are too many trees");
  return {};
}

}  // namespace

Result<TextModel> parse_lightgbm_text(std::string_view text) {
  Lines lines(text);
  std::string_view line;
  if (!lines.next(line) || line != "tree")
    return broken("header", "it does not begin with \"tree\"");

  constexpr std::string_view kTree = "Tree=";
  constexpr std::string_view kEnd = "end of trees";
  TextModel model;
  std::size_t tree_count = 0;
  Section section;
  bool in_header = true;
  const auto finish_section = [&]() -> Result<void> {
    if (in_header) {
      in_header = false;
      return read_header(section, model, tree_count);
    }
    TreeReader reader(section, model.trees.size(), model.features.size());
    MARTLET_TRY_SET(TextTree tree, reader.read());
    model.trees.push_back(std::move(tree));
    return {};
  };
  bool ended = false;
  while (!ended && lines.next(line)) {
    if (line.empty()) continue;
    ended = line == kEnd;
    if (!ended && !line.starts_with(kTree)) {
      if (!section.add(line)) return broken(in_header ? "header" : "a tree", "a key stands twice");
      continue;
    }
    MARTLET_TRY(finish_section());
    section = Section();
    if (ended) break;
    std::uint64_t index = 0;
    if (!read_number(line.substr(kTree.size()), index) || index != model.trees.size() ||
        index >= tree_count) {
      return broken(fmt::format("tree {}", model.trees.size()),
                    "it is out of order or beyond tree_sizes");
    }
  }
  if (!ended) return broken("end", "\"end of trees\" is missing, so it was cut off");
  if (model.trees.size() != tree_count) {
    return broken("end", fmt::format("{} trees are there, but tree_sizes lists {}",
                                     model.trees.size(), tree_count));
  }
  return model;
}

}  // namespace martlet::models

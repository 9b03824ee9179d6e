#include "models/internal/row_forest.h"

#include <algorithm>
#include <tuple>

namespace martlet::models {
namespace {

constexpr std::uint32_t kPlanesPerWord = 4;
constexpr std::size_t kCodes = 256;

struct Entry {
  std::uint32_t column;
  std::uint32_t bound;  // as a rank: without the bias
  std::uint32_t word;
  std::uint32_t leaves;
  auto place() const { return std::tuple(column, bound, word); }
};

std::uint32_t words_of(const BitForest::Tree& tree) {
  return (tree.planes + kPlanesPerWord - 1) / kPlanesPerWord;
}

void take_tests(const BitForest& forest, const BitForest::Tree& tree, std::uint32_t first_word,
                std::vector<Entry>& entries) {
  for (std::uint32_t plane = 0; plane < tree.planes; ++plane) {
    const std::uint32_t end = forest.plane_begin[tree.first_plane + plane + 1];
    for (std::uint32_t i = forest.plane_begin[tree.first_plane + plane]; i < end; ++i) {
      const BitForest::Test& test = forest.tests[i];
      entries.push_back({test.column / static_cast<std::uint32_t>(kBlockRows),
                         (test.bound & 0xff) ^ kBias, first_word + plane / kPlanesPerWord,
                         (test.clears & 0xff) << (plane % kPlanesPerWord * kPlaneLeaves)});
    }
  }
}

// Lists of the chunk's columns from its entries.
void add_lists(std::vector<Entry>& entries, RowForest& lists) {
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.place() < b.place(); });
  for (std::size_t i = 0; i < entries.size();) {
    const std::uint32_t column = entries[i].column;
    const auto first = static_cast<std::uint32_t>(lists.clears.size());
    lists.columns.push_back({column, static_cast<std::uint32_t>(lists.upto.size()), first});
    std::size_t code = 0;
    for (; i < entries.size() && entries[i].column == column; ++i) {
      const Entry& entry = entries[i];
      // A node that clears several planes of a word does so at once.
      if (i > 0 && lists.clears.size() > first && entries[i - 1].place() == entry.place()) {
        lists.clears.back().leaves |= entry.leaves;
        continue;
      }
      for (; code <= entry.bound; ++code)
        lists.upto.push_back(static_cast<std::uint32_t>(lists.clears.size()) - first);
      lists.clears.push_back({entry.word, entry.leaves});
    }
    for (; code < kCodes; ++code)
      lists.upto.push_back(static_cast<std::uint32_t>(lists.clears.size()) - first);
  }
}

}  // namespace

RowForest make_row_forest(const BitForest& forest) {
  RowForest lists;
  const auto count = static_cast<std::uint32_t>(forest.trees.size());
  for (std::uint32_t tree = 0; tree < count;) {
    RowForest::Chunk chunk{.first_tree = tree,
                           .first_column = static_cast<std::uint32_t>(lists.columns.size())};
    std::vector<Entry> entries;
    for (; tree < count && chunk.words + RowForest::kMostTreeWords <= RowForest::kMostWords;
         ++tree) {
      std::uint32_t words = words_of(forest.trees[tree]);
      if (words > RowForest::kMostTreeWords) words = 0;
      if (words > 0) take_tests(forest, forest.trees[tree], chunk.words, entries);
      lists.any_walked = lists.any_walked || words == 0;
      lists.tree_words.push_back(static_cast<std::uint8_t>(words));
      chunk.words += words;
    }
    add_lists(entries, lists);
    chunk.last_tree = tree;
    chunk.last_column = static_cast<std::uint32_t>(lists.columns.size());
    lists.chunks.push_back(chunk);
  }
  return lists;
}

void clear_leaves(const BitForest& forest, const RowForest& lists, const RowForest::Chunk& chunk,
                  const double* row, std::uint32_t* words) {
  for (std::uint32_t c = chunk.first_column; c < chunk.last_column; ++c) {
    const RowForest::Column& column = lists.columns[c];
    const std::uint32_t code = code_value(forest, column.column, row);
    const RowForest::Clear* clear = lists.clears.data() + column.first_clear;
    const RowForest::Clear* const end = clear + lists.upto[column.first_upto + code];
    for (; clear != end; ++clear) words[clear->word] &= ~clear->leaves;
  }
}

}  // namespace martlet::models

#include "models/internal/row_forest.h"

#include <algorithm>
#include <array>
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

// The tests of the chunk's planes side by side. Planes lie as they lie in the words of the lists.
void add_lanes(const BitForest& forest, RowForest::Chunk& chunk, RowForest& lists) {
  constexpr std::uint8_t kNever = kRightmost;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> planes(
      std::size_t{chunk.words} * kPlanesPerWord, {0, 0});
  std::size_t word = 0;
  for (std::uint32_t t = chunk.first_tree; t < chunk.last_tree; ++t) {
    if (lists.tree_words[t] == 0) continue;
    const BitForest::Tree& tree = forest.trees[t];
    for (std::uint32_t plane = 0; plane < tree.planes; ++plane) {
      planes[word * kPlanesPerWord + plane] = {forest.plane_begin[tree.first_plane + plane],
                                               forest.plane_begin[tree.first_plane + plane + 1]};
    }
    word += lists.tree_words[t];
  }
  chunk.first_group = static_cast<std::uint32_t>(lists.group_begin.size() - 1);
  for (std::size_t begin = 0; begin < planes.size(); begin += RowForest::kLanes) {
    const std::size_t first = lists.slots.size();
    for (std::size_t lane = 0; lane < std::min(RowForest::kLanes, planes.size() - begin); ++lane) {
      const auto [from, to] = planes[begin + lane];
      while (lists.slots.size() < first + (to - from)) {
        RowForest::Slot& slot = lists.slots.emplace_back();
        std::fill_n(slot.bound, RowForest::kLanes, kNever);
      }
      for (std::uint32_t i = from; i < to; ++i) {
        RowForest::Slot& slot = lists.slots[first + (i - from)];
        slot.column[lane] = static_cast<std::uint8_t>(forest.tests[i].column / kBlockRows);
        slot.bound[lane] = static_cast<std::uint8_t>(forest.tests[i].bound);
        slot.clears[lane] = static_cast<std::uint8_t>(forest.tests[i].clears);
      }
    }
    lists.group_begin.push_back(static_cast<std::uint32_t>(lists.slots.size()));
  }
  chunk.last_group = static_cast<std::uint32_t>(lists.group_begin.size() - 1);
}

}  // namespace

bool runs_here(RowKernel kernel) {
#if defined(__x86_64__)
  return kernel == RowKernel::Lists ||
         (runs_here(TreeKernel::Avx512) && __builtin_cpu_supports("avx512vbmi") != 0);
#else
  return kernel == RowKernel::Lists;
#endif
}

RowForest make_row_forest(const BitForest& forest) {
  RowForest lists;
  lists.has_lanes = forest.columns() <= RowForest::kLanes;
  lists.group_begin.push_back(0);
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
    if (lists.has_lanes) add_lanes(forest, chunk, lists);
    lists.chunks.push_back(chunk);
  }
  return lists;
}

namespace {

void find_by_lists(const BitForest& forest, const RowForest& lists, const RowForest::Chunk& chunk,
                   const double* row, std::uint32_t* words) {
  std::fill_n(words, chunk.words, ~0u);
  for (std::uint32_t c = chunk.first_column; c < chunk.last_column; ++c) {
    const RowForest::Column& column = lists.columns[c];
    const std::uint32_t code = code_value(forest, column.column, row);
    const RowForest::Clear* clear = lists.clears.data() + column.first_clear;
    const RowForest::Clear* const end = clear + lists.upto[column.first_upto + code];
    for (; clear != end; ++clear) words[clear->word] &= ~clear->leaves;
  }
}

}  // namespace

void find_leaves(RowKernel kernel, const BitForest& forest, const RowForest& lists,
                 const RowForest::Chunk& chunk, const double* row, std::uint32_t* words) {
#if defined(__x86_64__)
  if (kernel == RowKernel::Lanes) {
    std::array<std::uint8_t, RowForest::kLanes> codes{};
    for (std::size_t column = 0; column < forest.columns(); ++column)
      codes[column] = static_cast<std::uint8_t>(code_value(forest, column, row) ^ kBias);
    avx512::find_leaves(lists, chunk, codes.data(), words);
    return;
  }
#else
  (void)kernel;
#endif
  find_by_lists(forest, lists, chunk, row, words);
}

}  // namespace martlet::models

// models/internal/row_forest.h: the tests of a BitForest in the order in which one single row
// passes them: column by column, the smallest bound first.
//
// Of each column those tests that send the row right are a beginning of its list, which the row's
// code gives. Each clears leaves of one tree; no comparison is left. Source: as bit_forest.h, where
// the lists are QuickScorer's own.
//
// Immutable, thread-safe; made from its BitForest, which must outlive it.
#pragma once
#include "models/internal/bit_forest.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace martlet::models {

// How one row is evaluated. Both give the same bits.
enum class RowKernel : std::uint8_t { Lists, Lanes };
bool runs_here(RowKernel kernel);

struct RowForest {
  // So that the bits of a chunk's trees fit on the stack.
  static constexpr std::size_t kMostWords = 2048;
  static constexpr std::uint32_t kMostTreeWords = 2;  // larger trees are walked

  struct Clear {
    std::uint32_t word;
    std::uint32_t leaves;
  };
  struct Column {
    std::uint32_t column = 0;      // of the BitForest
    std::uint32_t first_upto = 0;  // upto[first_upto + code]: where the tests that hold end
    std::uint32_t first_clear = 0;
  };
  // Some trees, one after the other, with lists of their own.
  struct Chunk {
    std::uint32_t first_tree = 0, last_tree = 0;
    std::uint32_t first_column = 0, last_column = 0;
    std::uint32_t words = 0;
    std::uint32_t first_group = 0, last_group = 0;
  };

  static constexpr std::size_t kLanes = 64;
  static constexpr std::size_t kGroupWords = kLanes / 4;
  // A test for each of 64 planes; one that no code passes where a plane has fewer tests.
  struct Slot {
    std::uint8_t column[kLanes];
    std::uint8_t bound[kLanes];
    std::uint8_t clears[kLanes];
  };

  std::vector<Chunk> chunks;
  std::vector<Column> columns;
  std::vector<std::uint32_t> upto;
  std::vector<Clear> clears;
  std::vector<std::uint8_t> tree_words;  // per tree; 0: walked
  bool any_walked = false;
  bool has_lanes = false;  // the columns fit
  std::vector<Slot> slots;
  std::vector<std::uint32_t> group_begin;  // slots of group g: [group_begin[g], group_begin[g + 1])
};

RowForest make_row_forest(const BitForest& forest);

// Sets in words[0, chunk.words) the bits of the leaves that `row` may reach; the first of each tree
// is its leaf. `words` has room for kMostWords. Lanes only where has_lanes is set.
void find_leaves(RowKernel kernel, const BitForest& forest, const RowForest& lists,
                 const RowForest::Chunk& chunk, const double* row, std::uint32_t* words);

namespace avx512 {
// codes: kLanes bytes, as BitForest's.
void find_leaves(const RowForest& lists, const RowForest::Chunk& chunk, const std::uint8_t* codes,
                 std::uint32_t* words);
}  // namespace avx512

}  // namespace martlet::models

// models/internal/bit_forest.h: an ensemble laid out so that many rows pass a tree at once.
//
// A row is coded first: one byte per column, where a column is a feature with up to 255 of the
// model's own thresholds (the byte is the rank of the value among them), or a set of categories (0:
// it holds the value; kRightmost: not). What is missing, and where that sends a row, is part of the
// code, so that every node of every tree becomes one comparison of bytes: "code > bound goes
// right".
//
// A tree then is a bit per leaf, from left to right, eight to a plane. Each node that sends a row
// right clears the leaves on its left; the leftmost one that is left over is the row's leaf.
// Nothing depends on earlier nodes, so that a register of rows takes a node in a few instructions.
// Source: Lucchese et al., "QuickScorer: a fast algorithm to rank documents with additive ensembles
// of regression trees", SIGIR 2015; the planes, the codes for missing values and the blocks are
// ours.
//
// Immutable, thread-safe. Which decision a node takes is LightGBM's, as in TreeEnsemble, which owns
// one of these beside its nodes, and walks the trees that have none of this form.
#pragma once
#include "models/internal/lightgbm_text.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace martlet::models {

// Which code evaluates the trees. All give the same bits. Walk is TreeEnsemble's own traversal.
enum class TreeKernel : std::uint8_t { Walk, Portable, Avx2, Avx512 };
bool runs_here(TreeKernel kernel);
// The fastest that runs here.
TreeKernel best_kernel();

// LightGBM's kZeroThreshold: smaller values are zero to it.
inline constexpr double kZeroThreshold = static_cast<double>(1e-35f);
// LightGBM flushes |x| <= kZeroThreshold to 0 before it compares. Moving the few thresholds within
// that range to its end gives the same decisions without touching x.
double outside_zero(double threshold);

// Rows are evaluated in blocks of kBlockRows, in groups of kGroupRows. Row r of a group is byte
// 8·(r mod 8) + r div 8 of its codes, which leaves eight neighbouring rows in the same byte of
// eight words: where their sums are eight doubles.
inline constexpr std::size_t kGroupRows = 64;
inline constexpr std::size_t kBlockRows = 128;
constexpr std::size_t place_of_row(std::size_t row) {
  return row / kGroupRows * kGroupRows + row % 8 * 8 + row % kGroupRows / 8;
}

// Codes are kept less 128, since most machines compare bytes as signed ones.
inline constexpr std::uint8_t kLeftmost = 0x80;   // 0: goes left everywhere
inline constexpr std::uint8_t kRightmost = 0x7f;  // 255: goes right everywhere
inline constexpr std::uint8_t kBias = 0x80;

inline constexpr std::size_t kPlaneLeaves = 8;

struct BitForest {
  // code > bound: the leaves of `clears` in the test's plane are not reached. Bytes repeated four
  // times, as a register is filled from them.
  struct Test {
    std::uint32_t column;
    std::uint32_t bound;
    std::uint32_t clears;
  };
  struct Tree {
    std::uint32_t first_plane = 0;
    std::uint32_t planes = 0;  // 0: not of this form, to be walked
    std::uint32_t first_leaf = 0;
  };
  // Thresholds are padded with infinity to 2^levels − 1, so that a search takes `levels` steps.
  struct NumberColumn {
    std::uint32_t feature = 0;
    Missing missing = Missing::None;
    bool default_left = false;
    std::uint32_t levels = 0;
    std::uint32_t first_threshold = 0;
    std::uint32_t first_pivot = 0;  // 16 of them: where the first four steps look
  };
  struct SetColumn {
    std::uint32_t feature = 0;
    std::uint32_t first_word = 0;
    std::uint32_t words = 0;
  };

  // Columns of one feature lie together; those of numbers first.
  std::vector<NumberColumn> numbers;
  std::vector<SetColumn> sets;
  std::vector<double> thresholds, pivots;
  std::vector<std::uint32_t> words;  // bits of the categories that go left
  std::vector<Test> tests;
  std::vector<std::uint32_t> plane_begin;  // tests of plane p: [plane_begin[p], plane_begin[p + 1])
  std::vector<double> leaves;              // 32 more than there are: kernels load them whole
  std::vector<Tree> trees;
  bool any_walked = false;

  std::size_t columns() const { return numbers.size() + sets.size(); }
};

// Memory and time are proportional to the model's: trees for which that would not hold (more than
// 256 leaves, or leaning to the left so far that nodes clear most planes) are left to be walked.
BitForest make_bit_forest(const TextModel& model);

// Codes `count` <= kBlockRows rows of `width` values each into columns() × kBlockRows bytes.
void code_rows(TreeKernel kernel, const BitForest& forest, const double* rows, std::size_t width,
               std::size_t count, std::uint8_t* codes);

// The code of one row in one column, as the rank that it is: 0 … 255.
std::uint32_t code_value(const BitForest& forest, std::size_t column, const double* row);

// Adds the leaf values of trees [first, last), none of them to be walked, in their order, to the
// sums of the first `count` rows; `sums` has room for kBlockRows. Not for Walk.
void add_trees(TreeKernel kernel, const BitForest& forest, const std::uint8_t* codes,
               std::size_t first, std::size_t last, std::size_t count, double* sums);

// The kernels behind these.
namespace portable {
void add_trees(const BitForest& forest, const std::uint8_t* codes, std::size_t first,
               std::size_t last, std::size_t count, double* sums);
}  // namespace portable
namespace avx2 {
void add_trees(const BitForest& forest, const std::uint8_t* codes, std::size_t first,
               std::size_t last, std::size_t count, double* sums);
}
namespace avx512 {
void add_trees(const BitForest& forest, const std::uint8_t* codes, std::size_t first,
               std::size_t last, std::size_t count, double* sums);
// As code_rows, for one column; `first` is the feature's value in the first row.
void code_numbers(const BitForest& forest, const BitForest::NumberColumn& column,
                  const double* first, std::size_t width, std::size_t count, std::uint8_t* codes);
}  // namespace avx512

}  // namespace martlet::models

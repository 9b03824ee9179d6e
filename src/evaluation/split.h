// evaluation/split.h: which rows train, which choose, which judge; and folds for cross-validation.
//
// Pure functions of their arguments and a seed; thread-safe.
#pragma once
#include "base/result.h"
#include "columns/batch.h"
#include "evaluation/config.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::evaluation {

enum class Part : std::uint8_t { Train, Validation, Test };
std::string_view name_of(Part part);  // "train", "validation", "test"

struct Split {
  std::vector<Part> parts;  // one a row
  // Row numbers, ascending.
  std::vector<std::uint32_t> rows_of(Part part) const;
  std::size_t count(Part part) const;
};

// What a split may look at beside its own column.
struct SplitColumns {
  std::string time;  // Time
  std::vector<std::string>
      key;  // Random, Stratified: makes the split independent of the rows' order
};

// Time: rows in the order of time are cut at the shares; rows of one time are never divided: a tie
// goes to the later part (or, if that would leave
//   the earlier one empty, to the earlier).
// Random: rows are ordered by a 64-bit hash of (seed, key) and cut at the shares, which are
// therefore exact to one row. With a key that is unique the split
//   doesn't depend on the rows' order; without a key the row's number takes its place, so the order
//   must be fixed (dataset versions are).
// Stratified: the same within each class of `target`, unknown targets being a class.
// Group: values in the order of their hash fill the parts until each has its share of the rows;
// missing is one value. Column: the words train, validation and test.
//
// target: one a row (Stratified; may be empty otherwise).
// Errors: NotFound (a column), InvalidArgument (missing or wrong values, a regression's target to
// stratify by, a part without rows).
Result<Split> make_split(const SplitConfig& config, SplitKind kind, const columns::Batch& rows,
                         const SplitColumns& names, std::span<const double> target);

struct Fold {
  std::vector<std::uint32_t> train;  // ascending row numbers
  std::vector<std::uint32_t> test;
};
// Time: the rows in the order of time in folds + 1 blocks of about one size; fold i trains on the
// blocks up to i and is tested on the next, so training never sees the future. The others: each row
// is tested once. Errors as make_split; InvalidArgument for fewer than 2 folds or too few rows.
Result<std::vector<Fold>> make_folds(int folds, SplitKind kind, const SplitConfig& config,
                                     const columns::Batch& rows, const SplitColumns& names,
                                     std::span<const double> target);

}  // namespace martlet::evaluation

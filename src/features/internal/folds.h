// Folds for out-of-fold encodings. Internal to features.
#pragma once
#include "columns/column.h"

#include <cstdint>
#include <span>
#include <vector>

namespace martlet::features {

inline constexpr int kFolds = 5;

// The fold (0 … kFolds-1) of each training row. With a time column: five stretches of time, equally
// many rows each (rows of one day are alike, so a random fold would let a row be encoded by its
// neighbours' answers); without: at random, by the seed.
std::vector<std::uint8_t> folds_by_time(const columns::Column& time);
std::vector<std::uint8_t> folds_by_seed(std::size_t rows, std::uint64_t seed);

}  // namespace martlet::features

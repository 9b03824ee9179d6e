// From rows of numbers to the bytes that a BitForest's tests compare.
#include "models/internal/bit_forest.h"

#include <array>
#include <cmath>

namespace martlet::models {
namespace {

constexpr std::int32_t kNoCategory = -1;

constexpr std::size_t kLanes = 8;  // searches at once, so that their latencies overlap

using Values = std::array<double, kBlockRows>;

// How many of the column's thresholds lie below each value.
void rank_eight(const BitForest& forest, const BitForest::NumberColumn& column,
                const double* values, std::array<std::size_t, kLanes>& at) {
  const double* const thresholds = forest.thresholds.data() + column.first_threshold;
  at.fill(0);
  for (std::size_t step = (std::size_t{1} << column.levels) >> 1; step > 0; step >>= 1) {
    for (std::size_t lane = 0; lane < kLanes; ++lane)
      at[lane] += thresholds[at[lane] + step - 1] < values[lane] ? step : 0;
  }
}

// LightGBM's Tree::NumericalDecision: does the value go the default way, wherever that leads?
bool goes_by_default(Missing missing, double value) {
  return missing == Missing::Nan ? std::isnan(value)
                                 : missing == Missing::Zero && !(std::fabs(value) > kZeroThreshold);
}

void code_numbers(const BitForest& forest, const BitForest::NumberColumn& column, Values& values,
                  std::size_t count, std::uint8_t* codes) {
  const std::uint8_t by_default = column.default_left ? kLeftmost : kRightmost;
  std::array<std::size_t, kLanes> at;
  for (std::size_t begin = 0; begin < count; begin += kLanes) {
    if (column.missing == Missing::None) {
      for (std::size_t r = begin; r < begin + kLanes; ++r)
        values[r] = std::isnan(values[r]) ? 0.0 : values[r];
    }
    rank_eight(forest, column, values.data() + begin, at);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      codes[place_of_row(begin + lane)] = goes_by_default(column.missing, values[begin + lane])
                                              ? by_default
                                              : static_cast<std::uint8_t>(at[lane] ^ kBias);
    }
  }
}

// Truncation towards zero; what no int can hold, and NaN, is no category.
std::int32_t category_of(double value) {
  return value > -1.0 && value < 2147483648.0 ? static_cast<std::int32_t>(value) : kNoCategory;
}

bool holds(const BitForest& forest, const BitForest::SetColumn& set, std::int32_t category) {
  const auto bit = static_cast<std::uint32_t>(category);
  return bit < set.words * 32 && ((forest.words[set.first_word + bit / 32] >> (bit % 32)) & 1) != 0;
}

void code_set(const BitForest& forest, const BitForest::SetColumn& set,
              const std::array<std::int32_t, kBlockRows>& categories, std::size_t count,
              std::uint8_t* codes) {
  for (std::size_t r = 0; r < count; ++r)
    codes[place_of_row(r)] = holds(forest, set, categories[r]) ? kLeftmost : kRightmost;
}

}  // namespace

void code_rows(TreeKernel kernel, const BitForest& forest, const double* rows, std::size_t width,
               std::size_t count, std::uint8_t* codes) {
  for (const BitForest::NumberColumn& column : forest.numbers) {
    const double* const first = rows + column.feature;
#if defined(__x86_64__)
    if (kernel == TreeKernel::Avx512) {
      avx512::code_numbers(forest, column, first, width, count, codes);
      codes += kBlockRows;
      continue;
    }
#else
    (void)kernel;
#endif
    Values values{};
    for (std::size_t r = 0; r < count; ++r) values[r] = first[r * width];
    code_numbers(forest, column, values, count, codes);
    codes += kBlockRows;
  }
  constexpr std::uint32_t kNothing = 0xffffffff;
  std::uint32_t at_hand = kNothing;
  std::array<std::int32_t, kBlockRows> categories{};
  for (const BitForest::SetColumn& column : forest.sets) {
    if (column.feature != at_hand) {
      for (std::size_t r = 0; r < count; ++r)
        categories[r] = category_of(rows[r * width + column.feature]);
    }
    at_hand = column.feature;
    code_set(forest, column, categories, count, codes);
    codes += kBlockRows;
  }
}

std::uint32_t code_value(const BitForest& forest, std::size_t column, const double* row) {
  constexpr std::uint32_t kRight = 255;
  if (column >= forest.numbers.size()) {
    const BitForest::SetColumn& set = forest.sets[column - forest.numbers.size()];
    return holds(forest, set, category_of(row[set.feature])) ? 0 : kRight;
  }
  const BitForest::NumberColumn& number = forest.numbers[column];
  double value = row[number.feature];
  if (goes_by_default(number.missing, value)) return number.default_left ? 0 : kRight;
  if (number.missing == Missing::None && std::isnan(value)) value = 0;
  const double* const thresholds = forest.thresholds.data() + number.first_threshold;
  std::size_t at = 0;
  for (std::size_t step = (std::size_t{1} << number.levels) >> 1; step > 0; step >>= 1)
    at += thresholds[at + step - 1] < value ? step : 0;
  return static_cast<std::uint32_t>(at);
}

}  // namespace martlet::models

// From rows of numbers to the bytes that a BitForest's tests compare.
#include "models/internal/bit_forest.h"

#if defined(__SSSE3__)
#include <tmmintrin.h>
#endif

#include <algorithm>
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

// The categories of a block of rows in one feature, and whether a set holds each.
class Categories {
 public:
  void take(const double* first, std::size_t width, std::size_t count) {
    for (std::size_t r = 0; r < count; ++r) categories_[r] = category_of(first[r * width]);
#if defined(__SSSE3__)
    for (std::size_t r = 0; r < count; ++r) take_bit(place_of_row(r), categories_[r]);
#endif
  }

  void code(const BitForest& forest, const BitForest::SetColumn& set, std::size_t count,
            std::uint8_t* codes) const {
#if defined(__SSSE3__)
    if (set.words <= kByteWords)
      return code_by_shuffle(forest.words.data() + set.first_word, set.words, codes);
#endif
    for (std::size_t r = 0; r < count; ++r)
      codes[place_of_row(r)] = holds(forest, set, categories_[r]) ? kLeftmost : kRightmost;
  }

 private:
#if defined(__SSSE3__)
  // A set of categories below 256 is 32 bytes: two tables of a shuffle, which gives 0 where the
  // index has its highest bit set.
  static constexpr std::uint32_t kByteWords = 8;
  static constexpr std::int32_t kByteCategories = 256;
  static constexpr std::uint8_t kNowhere = 0x80;

  void take_bit(std::size_t place, std::int32_t category) {
    const bool known = category >= 0 && category < kByteCategories;
    const auto byte = static_cast<std::uint8_t>(known ? category / 8 : 0);
    low_[place] = byte < 16 ? byte : kNowhere;
    high_[place] = byte < 16 ? kNowhere : static_cast<std::uint8_t>(byte - 16);
    bit_[place] = static_cast<std::uint8_t>(known ? 1u << (category % 8) : 0u);
  }

  static __m128i load(const std::uint8_t* from) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  }

  // All places of the block: those of absent rows are never looked at.
  void code_by_shuffle(const std::uint32_t* words, std::uint32_t count, std::uint8_t* codes) const {
    std::array<std::uint32_t, kByteWords> bits{};
    std::copy_n(words, count, bits.begin());
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(bits.data());
    const __m128i low = load(bytes), high = load(bytes + 16);
    const __m128i left = _mm_set1_epi8(static_cast<char>(kLeftmost));
    for (std::size_t at = 0; at < kBlockRows; at += sizeof(__m128i)) {
      const __m128i byte = _mm_or_si128(_mm_shuffle_epi8(low, load(&low_[at])),
                                        _mm_shuffle_epi8(high, load(&high_[at])));
      const __m128i held = _mm_and_si128(byte, load(&bit_[at]));
      const __m128i absent = _mm_cmpeq_epi8(held, _mm_setzero_si128());
      // kRightmost is kLeftmost with all bits turned over.
      _mm_storeu_si128(reinterpret_cast<__m128i*>(codes + at), _mm_xor_si128(left, absent));
    }
  }

  std::array<std::uint8_t, kBlockRows> low_{}, high_{}, bit_{};
#endif
  std::array<std::int32_t, kBlockRows> categories_{};
};

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
  Categories categories;
  for (const BitForest::SetColumn& set : forest.sets) {
    if (set.feature != at_hand) categories.take(rows + set.feature, width, count);
    at_hand = set.feature;
    categories.code(forest, set, count, codes);
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

#include "base/sort_numbers.h"

#include <algorithm>
#include <array>
#include <bit>

namespace martlet {
namespace {

constexpr std::size_t kSmall = 1024;  // where comparing is as fast
constexpr std::size_t kDigits = 8;
constexpr std::size_t kDigitBits = 8;
constexpr std::size_t kDigitValues = 1u << kDigitBits;
constexpr std::uint64_t kSign = 1ULL << 63;

// Keys of the same order as the numbers. Negative doubles have their order by magnitude reversed.
std::uint64_t key_of(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}
std::uint64_t key_of(std::int64_t value) { return static_cast<std::uint64_t>(value) ^ kSign; }
std::uint64_t key_of(std::uint64_t value) { return value; }

void take_key(std::uint64_t key, double& value) {
  value = std::bit_cast<double>((key & kSign) != 0 ? key ^ kSign : ~key);
}
void take_key(std::uint64_t key, std::int64_t& value) {
  value = static_cast<std::int64_t>(key ^ kSign);
}
void take_key(std::uint64_t key, std::uint64_t& value) { value = key; }

using Counts = std::array<std::array<std::size_t, kDigitValues>, kDigits>;

std::size_t digit_of(std::uint64_t key, std::size_t digit) {
  return (key >> (digit * kDigitBits)) & (kDigitValues - 1);
}

void count_digits(const std::vector<std::uint64_t>& keys, Counts& counts) {
  for (const std::uint64_t key : keys) {
    for (std::size_t digit = 0; digit < kDigits; ++digit) ++counts[digit][digit_of(key, digit)];
  }
}

void move_by_digit(const std::vector<std::uint64_t>& from, std::size_t digit,
                   const std::array<std::size_t, kDigitValues>& counts,
                   std::vector<std::uint64_t>& to) {
  std::array<std::size_t, kDigitValues> next;
  std::size_t begin = 0;
  for (std::size_t value = 0; value < kDigitValues; ++value) {
    next[value] = begin;
    begin += counts[value];
  }
  std::uint64_t* const out = to.data();
  for (const std::uint64_t key : from) out[next[digit_of(key, digit)]++] = key;
}

template <class Number>
void sort(std::vector<Number>& values) {
  if (values.size() < kSmall) {
    std::sort(values.begin(), values.end(),
              [](Number a, Number b) { return key_of(a) < key_of(b); });
    return;
  }
  std::vector<std::uint64_t> keys(values.size());
  std::transform(values.begin(), values.end(), keys.begin(),
                 [](Number value) { return key_of(value); });
  Counts counts{};
  count_digits(keys, counts);
  std::vector<std::uint64_t> other(keys.size());
  for (std::size_t digit = 0; digit < kDigits; ++digit) {
    if (counts[digit][digit_of(keys.front(), digit)] == keys.size()) continue;  // all share it
    move_by_digit(keys, digit, counts[digit], other);
    keys.swap(other);
  }
  for (std::size_t i = 0; i < keys.size(); ++i) take_key(keys[i], values[i]);
}

}  // namespace

void sort_numbers(std::vector<double>& values) { sort(values); }
void sort_numbers(std::vector<std::int64_t>& values) { sort(values); }
void sort_numbers(std::vector<std::uint64_t>& values) { sort(values); }

}  // namespace martlet

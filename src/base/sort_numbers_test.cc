#include "base/random.h"
#include "base/sort_numbers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace martlet {
namespace {

std::vector<double> hostile(Random& random, std::size_t count) {
  constexpr double kRare[] = {0.0,
                              -0.0,
                              std::numeric_limits<double>::infinity(),
                              -std::numeric_limits<double>::infinity(),
                              5e-324,
                              -5e-324,
                              std::numeric_limits<double>::max(),
                              std::numeric_limits<double>::lowest()};
  std::vector<double> values(count);
  for (double& value : values) {
    const std::uint64_t draw = random.below(20);
    value = draw < std::size(kRare) ? kRare[draw] : random.normal() * std::pow(10, draw);
  }
  return values;
}

TEST(SortNumbers, doubles_come_out_as_std_sort_orders_them_and_minus_zero_before_zero) {
  for (const std::size_t count : {0u, 1u, 2u, 1023u, 1024u, 5000u, 100'000u}) {
    SeededRandom random(count + 1);
    std::vector<double> values = hostile(random, count);
    std::vector<double> wanted = values;
    std::sort(wanted.begin(), wanted.end(), [](double a, double b) {
      return a < b || (a == b && std::signbit(a) && !std::signbit(b));
    });
    sort_numbers(values);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(std::bit_cast<std::uint64_t>(values[i]), std::bit_cast<std::uint64_t>(wanted[i]))
          << count << ", at " << i;
    }
  }
}

TEST(SortNumbers, integers_of_all_sizes_and_both_signs_are_ordered) {
  for (const std::size_t count : {10u, 3000u}) {
    SeededRandom random(3);
    std::vector<std::int64_t> values(count);
    for (auto& value : values) value = static_cast<std::int64_t>(random.next()) >> random.below(64);
    values[0] = std::numeric_limits<std::int64_t>::min();
    values[1] = std::numeric_limits<std::int64_t>::max();
    std::vector<std::int64_t> wanted = values;
    std::sort(wanted.begin(), wanted.end());
    sort_numbers(values);
    EXPECT_EQ(values, wanted);
  }
}

TEST(SortNumbers, numbers_that_are_all_alike_stay) {
  std::vector<std::uint64_t> values(4000, 77);
  sort_numbers(values);
  EXPECT_EQ(values, std::vector<std::uint64_t>(4000, 77));
}

}  // namespace
}  // namespace martlet

#include "features/internal/folds.h"

#include "base/random.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace martlet::features {
namespace {

std::vector<std::uint8_t> in_order(const std::vector<std::uint32_t>& order) {
  std::vector<std::uint8_t> folds(order.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    folds[order[i]] = static_cast<std::uint8_t>(i * kFolds / order.size());
  return folds;
}

std::vector<std::uint32_t> counting(std::size_t rows) {
  std::vector<std::uint32_t> order(rows);
  std::iota(order.begin(), order.end(), 0u);
  return order;
}

}  // namespace

std::vector<std::uint8_t> folds_by_time(const columns::Column& time) {
  auto order = counting(time.size());
  const auto values = time.int64s();
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    if (time.is_missing(a) != time.is_missing(b)) return time.is_missing(a);
    if (!time.is_missing(a) && values[a] != values[b]) return values[a] < values[b];
    return a < b;
  });
  return in_order(order);
}

std::vector<std::uint8_t> folds_by_seed(std::size_t rows, std::uint64_t seed) {
  auto order = counting(rows);
  SeededRandom random(seed);
  for (std::size_t i = rows; i > 1; --i)  // Fisher and Yates
    std::swap(order[i - 1], order[random.below(i)]);
  return in_order(order);
}

}  // namespace martlet::features

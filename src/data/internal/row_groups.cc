#include "data/internal/row_groups.h"

#include "base/result.h"

#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <string_view>

namespace martlet::data {

using columns::Column;
using columns::Type;

namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

// Source: the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

std::uint64_t hash_of(double value) {
  if (value == 0) return 0;  // both zeros
  if (std::isnan(value)) return 1;
  return std::bit_cast<std::uint64_t>(value);
}

std::uint64_t hash_at(const Column& column, std::size_t row) {
  switch (column.type()) {
    case Type::Bool: return column.bools()[row];
    case Type::Double: return hash_of(column.doubles()[row]);
    case Type::Text: return std::hash<std::string_view>{}(column.text(row));
    default: return static_cast<std::uint64_t>(column.int64s()[row]);
  }
}

bool same_at(const Column& column, std::size_t a, std::size_t b) {
  const bool missing = column.is_missing(a);
  if (missing != column.is_missing(b)) return false;
  if (missing) return true;
  switch (column.type()) {
    case Type::Bool: return column.bools()[a] == column.bools()[b];
    case Type::Double: {
      const double x = column.doubles()[a];
      const double y = column.doubles()[b];
      return x == y || (std::isnan(x) && std::isnan(y));
    }
    case Type::Text: return column.text(a) == column.text(b);
    default: return column.int64s()[a] == column.int64s()[b];
  }
}

// Open addressing over indices; grows at half full.
template <class Same>
class IndexTable {
 public:
  explicit IndexTable(Same same) : same_(std::move(same)) { slots_.assign(1024, {}); }

  // The index that equals `index` and came first; `index` itself when it is new.
  std::uint32_t find_or_add(std::uint64_t hash, std::uint32_t index) {
    if (used_ * 2 >= slots_.size()) grow();
    for (std::size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      Slot& slot = slots_[at];
      if (slot.index == kNone) {
        slot = {hash, index};
        ++used_;
        return index;
      }
      if (slot.hash == hash && same_(slot.index, index)) return slot.index;
    }
  }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t index = kNone;
  };
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.index == kNone) continue;
      std::size_t at = slot.hash & (slots_.size() - 1);
      while (slots_[at].index != kNone) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = slot;
    }
  }
  Same same_;
  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

}  // namespace

std::vector<std::uint32_t> first_equal_rows(std::span<const Column> columns, std::size_t rows) {
  MARTLET_CHECK(rows < kNone, "a table in memory has fewer than 2^32 rows");
  std::vector<std::uint64_t> hashes(rows, 0);
  for (const Column& column : columns) {  // column by column, which is how the values lie in memory
    for (std::size_t i = 0; i < rows; ++i) {
      const std::uint64_t value = column.is_missing(i) ? 0x5bd1e995 : hash_at(column, i);
      hashes[i] = mix(hashes[i] ^ value);
    }
  }
  const auto same = [&](std::uint32_t a, std::uint32_t b) {
    for (const Column& column : columns) {
      if (!same_at(column, a, b)) return false;
    }
    return true;
  };
  IndexTable table(same);
  std::vector<std::uint32_t> first(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    first[i] = table.find_or_add(hashes[i], static_cast<std::uint32_t>(i));
  }
  return first;
}

std::vector<ValueGroup> group_values(const Column& column) {
  MARTLET_CHECK(column.size() < kNone, "a table in memory has fewer than 2^32 rows");
  const auto same = [&](std::uint32_t a, std::uint32_t b) { return same_at(column, a, b); };
  IndexTable table(same);
  std::vector<ValueGroup> groups;
  std::vector<std::uint32_t> group_of(column.size(), 0);  // by the row that has a value first
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (column.is_missing(i)) continue;
    const auto row = static_cast<std::uint32_t>(i);
    const std::uint32_t first = table.find_or_add(mix(hash_at(column, i)), row);
    if (first == row) {
      group_of[i] = static_cast<std::uint32_t>(groups.size());
      groups.push_back({row, 0});
    }
    ++groups[group_of[first]].count;
  }
  return groups;
}

}  // namespace martlet::data

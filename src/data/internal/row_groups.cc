#include "data/internal/row_groups.h"

#include "base/result.h"
#include "base/sort_numbers.h"

#include <algorithm>
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

namespace {

// Column by column, which is how the values lie in memory.
std::vector<std::uint64_t> row_hashes(std::span<const Column> columns, std::size_t rows) {
  std::vector<std::uint64_t> hashes(rows, 0);
  for (const Column& column : columns) {
    const bool complete = column.missing_count() == 0;
    for (std::size_t i = 0; i < rows; ++i) {
      const bool missing = !complete && column.is_missing(i);
      hashes[i] = mix(hashes[i] ^ (missing ? 0x5bd1e995 : hash_at(column, i)));
    }
  }
  return hashes;
}

bool same_rows(std::span<const Column> columns, std::uint32_t a, std::uint32_t b) {
  return std::all_of(columns.begin(), columns.end(),
                     [&](const Column& column) { return same_at(column, a, b); });
}

// Hashes that occur more than once, ascending.
std::vector<std::uint64_t> repeated(std::vector<std::uint64_t> hashes) {
  sort_numbers(hashes);
  std::vector<std::uint64_t> found;
  for (std::size_t i = 1; i < hashes.size(); ++i) {
    if (hashes[i] == hashes[i - 1] && (found.empty() || found.back() != hashes[i]))
      found.push_back(hashes[i]);
  }
  return found;
}

}  // namespace

std::vector<std::uint32_t> first_equal_rows(std::span<const Column> columns, std::size_t rows) {
  MARTLET_CHECK(rows < kNone, "a table in memory has fewer than 2^32 rows");
  const std::vector<std::uint64_t> hashes = row_hashes(columns, rows);
  IndexTable table([&](std::uint32_t a, std::uint32_t b) { return same_rows(columns, a, b); });
  std::vector<std::uint32_t> first(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    first[i] = table.find_or_add(hashes[i], static_cast<std::uint32_t>(i));
  }
  return first;
}

std::int64_t count_repeated_rows(std::span<const Column> columns, std::size_t rows) {
  MARTLET_CHECK(rows < kNone, "a table in memory has fewer than 2^32 rows");
  const std::vector<std::uint64_t> hashes = row_hashes(columns, rows);
  // Only rows whose hash occurs again can have an equal; in most tables there are few or none, and
  // sorting hashes is quicker than a table of all rows.
  const std::vector<std::uint64_t> candidates = repeated(hashes);
  if (candidates.empty()) return 0;
  constexpr std::size_t kRowsPerCandidate = 64;  // fewer rows, and looking them up costs too much
  const bool few = candidates.size() < rows / kRowsPerCandidate;
  IndexTable table([&](std::uint32_t a, std::uint32_t b) { return same_rows(columns, a, b); });
  std::int64_t count = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    if (few && !std::binary_search(candidates.begin(), candidates.end(), hashes[i])) continue;
    const auto row = static_cast<std::uint32_t>(i);
    count += table.find_or_add(hashes[i], row) != row ? 1 : 0;
  }
  return count;
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

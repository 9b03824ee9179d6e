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
  // `slots` to begin with: a power of two.
  explicit IndexTable(Same same, std::size_t slots = 1024) : same_(std::move(same)) {
    slots_.assign(slots, {});
  }

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

namespace {

constexpr std::size_t kManyRows = 1u << 18;
constexpr std::size_t kSampledRows = 1u << 14;
constexpr std::size_t kPartRows = 1u << 13;  // of a part: so few that its table stays in the cache

std::uint64_t value_hash(const Column& column, std::size_t row) {
  return mix(hash_at(column, row));
}

// Whether most values occur once or twice, as far as the first rows tell.
bool mostly_distinct(const Column& column) {
  std::vector<std::uint64_t> hashes;
  for (std::size_t i = 0; i < std::min(column.size(), kSampledRows); ++i) {
    if (!column.is_missing(i)) hashes.push_back(value_hash(column, i));
  }
  sort_numbers(hashes);
  const auto end = std::unique(hashes.begin(), hashes.end());
  return static_cast<std::size_t>(end - hashes.begin()) * 2 > hashes.size();
}

struct HashedRow {
  std::uint64_t hash;
  std::uint32_t row;
};

// The rows with a value, by the highest bits of their hash, in their order within each part; and
// where the parts begin.
std::pair<std::vector<HashedRow>, std::vector<std::size_t>> parts_of(const Column& column) {
  const auto bits = static_cast<int>(std::bit_width(column.size() / kPartRows));
  const auto part_of = [&](std::uint64_t hash) {
    return static_cast<std::size_t>(hash >> (64 - bits));
  };
  std::vector<std::size_t> begin((std::size_t{1} << bits) + 1, 0);
  std::vector<HashedRow> rows;
  rows.reserve(column.size() - column.missing_count());
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (column.is_missing(i)) continue;
    rows.push_back({value_hash(column, i), static_cast<std::uint32_t>(i)});
    ++begin[part_of(rows.back().hash) + 1];
  }
  for (std::size_t part = 1; part < begin.size(); ++part) begin[part] += begin[part - 1];
  std::vector<std::size_t> next(begin.begin(), begin.end() - 1);
  std::vector<HashedRow> sorted(rows.size());
  for (const HashedRow& row : rows) sorted[next[part_of(row.hash)]++] = row;
  return {std::move(sorted), std::move(begin)};
}

// A table of millions of values misses the cache with every look-up; tables of parts of them don't.
std::vector<ValueGroup> group_in_parts(const Column& column) {
  const auto [rows, begin] = parts_of(column);
  const auto same = [&](std::uint32_t a, std::uint32_t b) {
    return same_at(column, rows[a].row, rows[b].row);
  };
  std::vector<std::uint64_t> packed;  // the first row above the count, so that it orders them
  std::vector<std::uint32_t> counts(rows.size(), 0);  // by the place that has a value first
  for (std::size_t part = 0; part + 1 < begin.size(); ++part) {
    IndexTable table(same, std::bit_ceil(2 * (begin[part + 1] - begin[part]) + 1));
    for (std::size_t i = begin[part]; i < begin[part + 1]; ++i)
      ++counts[table.find_or_add(rows[i].hash, static_cast<std::uint32_t>(i))];
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (counts[i] > 0) packed.push_back(std::uint64_t{rows[i].row} << 32 | counts[i]);
  }
  sort_numbers(packed);
  std::vector<ValueGroup> groups;
  groups.reserve(packed.size());
  for (const std::uint64_t group : packed)
    groups.push_back({static_cast<std::uint32_t>(group >> 32), static_cast<std::uint32_t>(group)});
  return groups;
}

}  // namespace

std::vector<ValueGroup> group_values(const Column& column) {
  MARTLET_CHECK(column.size() < kNone, "a table in memory has fewer than 2^32 rows");
  if (column.size() >= kManyRows && mostly_distinct(column)) return group_in_parts(column);
  const auto same = [&](std::uint32_t a, std::uint32_t b) { return same_at(column, a, b); };
  IndexTable table(same);
  std::vector<ValueGroup> groups;
  std::vector<std::uint32_t> group_of(column.size(), 0);  // by the row that has a value first
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (column.is_missing(i)) continue;
    const auto row = static_cast<std::uint32_t>(i);
    const std::uint32_t first = table.find_or_add(value_hash(column, i), row);
    if (first == row) {
      group_of[i] = static_cast<std::uint32_t>(groups.size());
      groups.push_back({row, 0});
    }
    ++groups[group_of[first]].count;
  }
  return groups;
}

}  // namespace martlet::data

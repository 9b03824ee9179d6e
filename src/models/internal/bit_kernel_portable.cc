// The kernel for machines without anything better: vectors of 16 bytes, which every compiler that
// we use maps to what there is.
#include "models/internal/bit_forest.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace martlet::models::portable {
namespace {

using Signed = std::int8_t __attribute__((vector_size(16)));
using Bytes = std::uint8_t __attribute__((vector_size(16)));

constexpr std::size_t kVectors = kGroupRows / sizeof(Bytes);

template <class Vector>
Vector load(const std::uint8_t* from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

Bytes all(std::uint8_t value) { return Bytes{} + value; }

// The number of the lowest bit, plus `base`; 255 where there is none.
Bytes lowest_bit(Bytes bits, std::uint8_t base) {
  const Bytes lowest = bits & (Bytes{} - bits);
  const Bytes one = Bytes((lowest & 0xaa) != 0) & 1;
  const Bytes two = Bytes((lowest & 0xcc) != 0) & 2;
  const Bytes four = Bytes((lowest & 0xf0) != 0) & 4;
  return ((one | two | four) + base) | Bytes(bits == 0);
}

Bytes smaller(Bytes a, Bytes b) {
  const Bytes first = Bytes(a < b);
  return (a & first) | (b & ~first);
}

// The leaf that each row of a group reaches, in the order of the codes.
void find_leaves(const BitForest& forest, const BitForest::Tree& tree, const std::uint8_t* codes,
                 std::uint8_t* leaves) {
  std::array<Bytes, kVectors> reached;
  reached.fill(all(0xff));
  for (std::uint32_t plane = 0; plane < tree.planes; ++plane) {
    std::array<Bytes, kVectors> bits;
    bits.fill(all(0xff));
    const std::uint32_t end = forest.plane_begin[tree.first_plane + plane + 1];
    for (std::uint32_t i = forest.plane_begin[tree.first_plane + plane]; i < end; ++i) {
      const BitForest::Test& test = forest.tests[i];
      const Signed bound = Signed(all(static_cast<std::uint8_t>(test.bound)));
      const Bytes clears = all(static_cast<std::uint8_t>(test.clears));
      for (std::size_t v = 0; v < kVectors; ++v) {
        const auto code = load<Signed>(codes + test.column + v * sizeof(Bytes));
        bits[v] &= ~(Bytes(code > bound) & clears);
      }
    }
    for (std::size_t v = 0; v < kVectors; ++v) {
      reached[v] =
          smaller(reached[v], lowest_bit(bits[v], static_cast<std::uint8_t>(plane * kPlaneLeaves)));
    }
  }
  std::memcpy(leaves, reached.data(), kGroupRows);
}

}  // namespace

void add_trees(const BitForest& forest, const std::uint8_t* codes, std::size_t first,
               std::size_t last, std::size_t count, double* sums) {
  std::array<std::uint8_t, kGroupRows> reached;
  for (std::size_t t = first; t < last; ++t) {
    const BitForest::Tree& tree = forest.trees[t];
    const double* const values = forest.leaves.data() + tree.first_leaf;
    for (std::size_t group = 0; group < count; group += kGroupRows) {
      find_leaves(forest, tree, codes + group, reached.data());
      for (std::size_t row = 0; row < kGroupRows; ++row)
        sums[group + row] += values[reached[place_of_row(row)]];
    }
  }
}

}  // namespace martlet::models::portable

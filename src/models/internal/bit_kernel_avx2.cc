// The kernel for AVX2: two registers of 32 rows. Compiled for it by attribute, called only where
// runs_here says so.
#if defined(__x86_64__)
#include "models/internal/bit_forest.h"

#include <immintrin.h>

#include <array>

#define MARTLET_AVX2 __attribute__((target("avx2")))

namespace martlet::models::avx2 {
namespace {

constexpr std::size_t kHalf = 32;

MARTLET_AVX2 inline __m256i load(const void* from) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}

// The number of the lowest bit, plus `base`; 255 where there is none. By nibbles.
MARTLET_AVX2 inline __m256i lowest_bit(__m256i bits, std::uint32_t base) {
  const __m256i low = _mm256_setr_epi8(-1, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0, -1, 0, 1, 0,
                                       2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0);
  const __m256i high = _mm256_setr_epi8(-1, 4, 5, 4, 6, 4, 5, 4, 7, 4, 5, 4, 6, 4, 5, 4, -1, 4, 5,
                                        4, 6, 4, 5, 4, 7, 4, 5, 4, 6, 4, 5, 4);
  const __m256i nibble = _mm256_set1_epi8(15);
  const __m256i first = _mm256_shuffle_epi8(low, _mm256_and_si256(bits, nibble));
  const __m256i second =
      _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(bits, 4), nibble));
  return _mm256_adds_epu8(_mm256_min_epu8(first, second),
                          _mm256_set1_epi8(static_cast<char>(base)));
}

MARTLET_AVX2 inline __m256i cleared(__m256i bits, const std::uint8_t* codes, __m256i bound,
                                    __m256i clears) {
  const __m256i right = _mm256_cmpgt_epi8(load(codes), bound);
  return _mm256_andnot_si256(_mm256_and_si256(right, clears), bits);
}

MARTLET_AVX2 void find_leaves(const BitForest& forest, const BitForest::Tree& tree,
                              const std::uint8_t* codes, std::uint8_t* leaves) {
  __m256i reached0 = _mm256_set1_epi8(-1), reached1 = reached0;
  for (std::uint32_t plane = 0; plane < tree.planes; ++plane) {
    __m256i bits0 = _mm256_set1_epi8(-1), bits1 = bits0;
    const BitForest::Test* test =
        forest.tests.data() + forest.plane_begin[tree.first_plane + plane];
    const BitForest::Test* const end =
        forest.tests.data() + forest.plane_begin[tree.first_plane + plane + 1];
    for (; test != end; ++test) {
      const __m256i bound = _mm256_set1_epi32(static_cast<int>(test->bound));
      const __m256i clears = _mm256_set1_epi32(static_cast<int>(test->clears));
      bits0 = cleared(bits0, codes + test->column, bound, clears);
      bits1 = cleared(bits1, codes + test->column + kHalf, bound, clears);
    }
    const std::uint32_t base = plane * kPlaneLeaves;
    reached0 = _mm256_min_epu8(reached0, lowest_bit(bits0, base));
    reached1 = _mm256_min_epu8(reached1, lowest_bit(bits1, base));
  }
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(leaves), reached0);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(leaves + kHalf), reached1);
}

}  // namespace

MARTLET_AVX2 void add_trees(const BitForest& forest, const std::uint8_t* codes, std::size_t first,
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

}  // namespace martlet::models::avx2
#endif

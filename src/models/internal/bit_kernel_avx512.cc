// The kernel for AVX-512 (F, BW, DQ, VL; every such CPU since 2017): 64 rows a register. Compiled
// for it by attribute, called only where runs_here says so.
#if defined(__x86_64__)
#include "models/internal/bit_forest.h"

#include <immintrin.h>

// GCC takes its own intrinsics' "undefined" operands for mistakes (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#define MARTLET_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))

namespace martlet::models::avx512 {
namespace {

constexpr std::uint32_t kInRegisters = 4;  // planes whose leaf values fit into four registers
constexpr std::uint32_t kPivotLevels = 4;

// The number of the lowest bit, plus `base`; 255 where there is none. By nibbles.
MARTLET_AVX512 inline __m512i lowest_bit(__m512i bits, std::uint32_t base) {
  const __m512i low =
      _mm512_broadcast_i32x4(_mm_setr_epi8(-1, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0));
  const __m512i high =
      _mm512_broadcast_i32x4(_mm_setr_epi8(-1, 4, 5, 4, 6, 4, 5, 4, 7, 4, 5, 4, 6, 4, 5, 4));
  const __m512i nibble = _mm512_set1_epi8(15);
  const __m512i first = _mm512_shuffle_epi8(low, _mm512_and_si512(bits, nibble));
  const __m512i second =
      _mm512_shuffle_epi8(high, _mm512_and_si512(_mm512_srli_epi16(bits, 4), nibble));
  return _mm512_adds_epu8(_mm512_min_epu8(first, second),
                          _mm512_set1_epi8(static_cast<char>(base)));
}

MARTLET_AVX512 inline __m512i cleared(__m512i bits, const std::uint8_t* codes, __m512i bound,
                                      __m512i clears) {
  constexpr int kKeepUnlessBoth = 0x70;  // bits & ~(right & clears)
  const __mmask64 right = _mm512_cmpgt_epi8_mask(_mm512_loadu_si512(codes), bound);
  return _mm512_ternarylogic_epi32(bits, _mm512_movm_epi8(right), clears, kKeepUnlessBoth);
}

struct Reached {
  __m512i group[2];
};

// The leaves that the rows of one or two groups reach.
template <int kGroups>
MARTLET_AVX512 inline Reached find_leaves(const BitForest& forest, const BitForest::Tree& tree,
                                          const std::uint8_t* codes) {
  const __m512i all = _mm512_set1_epi8(-1);
  Reached reached{{all, all}};
  for (std::uint32_t plane = 0; plane < tree.planes; ++plane) {
    __m512i bits0 = all, bits1 = all;
    const BitForest::Test* test =
        forest.tests.data() + forest.plane_begin[tree.first_plane + plane];
    const BitForest::Test* const end =
        forest.tests.data() + forest.plane_begin[tree.first_plane + plane + 1];
    for (; test != end; ++test) {
      const __m512i bound = _mm512_set1_epi32(static_cast<int>(test->bound));
      const __m512i clears = _mm512_set1_epi32(static_cast<int>(test->clears));
      bits0 = cleared(bits0, codes + test->column, bound, clears);
      if constexpr (kGroups == 2)
        bits1 = cleared(bits1, codes + test->column + kGroupRows, bound, clears);
    }
    const std::uint32_t base = plane * kPlaneLeaves;
    reached.group[0] = _mm512_min_epu8(reached.group[0], lowest_bit(bits0, base));
    if constexpr (kGroups == 2)
      reached.group[1] = _mm512_min_epu8(reached.group[1], lowest_bit(bits1, base));
  }
  return reached;
}

// Byte `i` of the words of `reached` are the leaves of rows 8i … 8i + 7.
MARTLET_AVX512 inline void add_few(const double* values, __m512i reached, double* sums) {
  const __m512d a = _mm512_loadu_pd(values), b = _mm512_loadu_pd(values + 8);
  const __m512d c = _mm512_loadu_pd(values + 16), d = _mm512_loadu_pd(values + 24);
  const __m512i upper_half = _mm512_set1_epi64(16);
  for (std::size_t i = 0; i < 8; ++i) {
    // A choice among 16 looks at the lowest four bits only.
    const __m512d low = _mm512_permutex2var_pd(a, reached, b);
    const __m512d high = _mm512_permutex2var_pd(c, reached, d);
    const __mmask8 upper = _mm512_test_epi64_mask(reached, upper_half);
    const __m512d chosen = _mm512_mask_blend_pd(upper, low, high);
    _mm512_storeu_pd(sums + 8 * i, _mm512_add_pd(_mm512_loadu_pd(sums + 8 * i), chosen));
    reached = _mm512_srli_epi64(reached, 8);
  }
}

MARTLET_AVX512 inline void add_many(const double* values, __m512i reached, double* sums) {
  const __m512i byte = _mm512_set1_epi64(255);
  for (std::size_t i = 0; i < 8; ++i) {
    const __m512d chosen = _mm512_mask_i64gather_pd(
        _mm512_setzero_pd(), 0xff, _mm512_and_si512(reached, byte), values, sizeof(double));
    _mm512_storeu_pd(sums + 8 * i, _mm512_add_pd(_mm512_loadu_pd(sums + 8 * i), chosen));
    reached = _mm512_srli_epi64(reached, 8);
  }
}

template <int kGroups>
MARTLET_AVX512 void add_groups(const BitForest& forest, const std::uint8_t* codes,
                               std::size_t first, std::size_t last, double* sums) {
  for (std::size_t t = first; t < last; ++t) {
    const BitForest::Tree& tree = forest.trees[t];
    const Reached reached = find_leaves<kGroups>(forest, tree, codes);
    const double* const values = forest.leaves.data() + tree.first_leaf;
    for (std::size_t group = 0; group < kGroups; ++group) {
      if (tree.planes <= kInRegisters) {
        add_few(values, reached.group[group], sums + group * kGroupRows);
      } else {
        add_many(values, reached.group[group], sums + group * kGroupRows);
      }
    }
  }
}

// Ranks of eight values: four steps among the pivots, in registers, the others among the
// thresholds.
MARTLET_AVX512 inline __m512i rank_eight(const double* thresholds, __m512d pivots0, __m512d pivots1,
                                         std::uint32_t levels, __m512d value) {
  const std::uint32_t searched = levels < kPivotLevels ? levels : kPivotLevels;
  __m512i at = _mm512_setzero_si512();
  for (long long step = (1LL << searched) >> 1; step > 0; step >>= 1) {
    const __m512i look = _mm512_add_epi64(at, _mm512_set1_epi64(step - 1));
    const __m512d threshold = _mm512_permutex2var_pd(pivots0, look, pivots1);
    const __mmask8 above = _mm512_cmp_pd_mask(threshold, value, _CMP_LT_OQ);
    at = _mm512_mask_add_epi64(at, above, at, _mm512_set1_epi64(step));
  }
  if (levels <= kPivotLevels) return at;
  at = _mm512_sllv_epi64(at, _mm512_set1_epi64(levels - kPivotLevels));
  for (long long step = (1LL << (levels - kPivotLevels)) >> 1; step > 0; step >>= 1) {
    const __m512i look = _mm512_add_epi64(at, _mm512_set1_epi64(step - 1));
    const __m512d threshold =
        _mm512_mask_i64gather_pd(_mm512_setzero_pd(), 0xff, look, thresholds, sizeof(double));
    const __mmask8 above = _mm512_cmp_pd_mask(threshold, value, _CMP_LT_OQ);
    at = _mm512_mask_add_epi64(at, above, at, _mm512_set1_epi64(step));
  }
  return at;
}

}  // namespace

MARTLET_AVX512 void add_trees(const BitForest& forest, const std::uint8_t* codes, std::size_t first,
                              std::size_t last, std::size_t count, double* sums) {
  static_assert(kBlockRows == 2 * kGroupRows);
  if (count > kGroupRows) {
    add_groups<2>(forest, codes, first, last, sums);
  } else {
    add_groups<1>(forest, codes, first, last, sums);
  }
}

MARTLET_AVX512 void code_numbers(const BitForest& forest, const BitForest::NumberColumn& column,
                                 const double* first, std::size_t width, std::size_t count,
                                 std::uint8_t* codes) {
  constexpr std::size_t kLanes = 8;
  constexpr long long kAll = 0xff;
  const double* const thresholds = forest.thresholds.data() + column.first_threshold;
  const double* const pivots = forest.pivots.data() + column.first_pivot;
  const __m512d pivots0 = _mm512_loadu_pd(pivots), pivots1 = _mm512_loadu_pd(pivots + kLanes);
  const __m512i by_default = _mm512_set1_epi64(column.default_left ? 0 : kAll);
  const __m512i places = _mm512_mullo_epi64(_mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7),
                                            _mm512_set1_epi64(static_cast<long long>(width)));
  const __m512d zero = _mm512_set1_pd(kZeroThreshold);
  for (std::size_t group = 0; group < count; group += kGroupRows) {
    __m512i packed = _mm512_set1_epi8(static_cast<char>(kBias));
    for (std::size_t i = 0; i < kLanes && group + kLanes * i < count; ++i) {
      const std::size_t begin = group + kLanes * i;
      const std::size_t here = count - begin;
      const auto present =
          static_cast<__mmask8>(here < kLanes ? (1u << here) - 1 : static_cast<unsigned>(kAll));
      const double* const from = first + begin * width;
      __m512d value =
          _mm512_mask_i64gather_pd(_mm512_setzero_pd(), present, places, from, sizeof(double));
      __mmask8 missing = _mm512_cmp_pd_mask(value, value, _CMP_UNORD_Q);
      if (column.missing == Missing::None) {
        value = _mm512_mask_mov_pd(value, missing, _mm512_setzero_pd());
        missing = 0;
      } else if (column.missing == Missing::Zero) {
        missing = _mm512_cmp_pd_mask(_mm512_abs_pd(value), zero, _CMP_NGT_UQ);
      }
      __m512i at = rank_eight(thresholds, pivots0, pivots1, column.levels, value);
      at = _mm512_mask_mov_epi64(at, missing, by_default);
      const __m512i shift = _mm512_set1_epi64(static_cast<long long>(8 * i));
      packed = _mm512_xor_si512(packed, _mm512_sllv_epi64(at, shift));
    }
    _mm512_storeu_si512(codes + group, packed);
  }
}

}  // namespace martlet::models::avx512
#endif

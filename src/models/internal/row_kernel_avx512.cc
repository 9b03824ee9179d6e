// One row by AVX-512 with VBMI: 64 planes a register. Compiled for it by attribute, called only
// where runs_here says so.
#if defined(__x86_64__)
#include "models/internal/row_forest.h"

#include <immintrin.h>

// GCC takes its own intrinsics' "undefined" operands for mistakes (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace martlet::models::avx512 {

__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi"))) void
find_leaves(const RowForest& lists, const RowForest::Chunk& chunk, const std::uint8_t* codes,
            std::uint32_t* words) {
  constexpr int kKeepUnlessBoth = 0x70;  // bits & ~(right & clears)
  const __m512i row = _mm512_loadu_si512(codes);
  for (std::uint32_t group = chunk.first_group; group < chunk.last_group; ++group) {
    __m512i bits = _mm512_set1_epi8(-1);
    const RowForest::Slot* slot = lists.slots.data() + lists.group_begin[group];
    const RowForest::Slot* const end = lists.slots.data() + lists.group_begin[group + 1];
    for (; slot != end; ++slot) {
      const __m512i code = _mm512_permutexvar_epi8(_mm512_loadu_si512(slot->column), row);
      const __mmask64 right = _mm512_cmpgt_epi8_mask(code, _mm512_loadu_si512(slot->bound));
      bits = _mm512_ternarylogic_epi32(bits, _mm512_movm_epi8(right),
                                       _mm512_loadu_si512(slot->clears), kKeepUnlessBoth);
    }
    _mm512_storeu_si512(words, bits);
    words += RowForest::kGroupWords;
  }
}

}  // namespace martlet::models::avx512
#endif

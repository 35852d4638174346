#include "worker/model/nn/bfloat16.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace zhiyin::worker::model::nn {

namespace {

#ifdef __x86_64__
/// ToBfloat16 for sixteen numbers at a time. Returns how many were rounded.
__attribute__((target("avx512f"))) size_t RoundBySixteen(const float* in, Bfloat16* out, size_t n) {
  // GCC 12 believes that intrinsics without a mask read what is not initialized.
  constexpr __mmask16 kAll = 0xffff;
  const __m512i half = _mm512_set1_epi32(0x7fff);
  const __m512i one = _mm512_set1_epi32(1);
  const __m512i quiet = _mm512_set1_epi32(0x400000);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m512 x = _mm512_loadu_ps(in + i);
    const __m512i bits = _mm512_castps_si512(x);
    const __m512i is_odd = _mm512_and_si512(_mm512_maskz_srli_epi32(kAll, bits, 16), one);
    const __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(bits, half), is_odd);
    const __mmask16 is_nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    const __m512i all = _mm512_mask_or_epi32(rounded, is_nan, bits, quiet);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),
                        _mm512_maskz_cvtepi32_epi16(kAll, _mm512_maskz_srli_epi32(kAll, all, 16)));
  }
  return i;
}
#endif

}  // namespace

void RoundTo(std::span<const float> from, std::span<Bfloat16> to) {
  const float* __restrict in = from.data();
  Bfloat16* __restrict out = to.data();
  const size_t n = from.size();
  size_t i = 0;
#ifdef __x86_64__
  static const bool has_avx512 = __builtin_cpu_supports("avx512f");
  if (has_avx512) i = RoundBySixteen(in, out, n);
#endif
  for (; i < n; ++i) out[i] = ToBfloat16(in[i]);
}

void RoundTo(std::span<const float> from, std::span<float> to) {
  const float* __restrict in = from.data();
  float* __restrict out = to.data();
  const size_t n = from.size();
  for (size_t i = 0; i < n; ++i) out[i] = FromBfloat16(ToBfloat16(in[i]));
}

}  // namespace zhiyin::worker::model::nn

#include "worker/model/nn/bfloat16.h"

namespace zhiyin::worker::model::nn {

void RoundTo(std::span<const float> from, std::span<Bfloat16> to) {
  const float* __restrict in = from.data();
  Bfloat16* __restrict out = to.data();
  const size_t n = from.size();
  for (size_t i = 0; i < n; ++i) out[i] = ToBfloat16(in[i]);
}

void RoundTo(std::span<const float> from, std::span<float> to) {
  const float* __restrict in = from.data();
  float* __restrict out = to.data();
  const size_t n = from.size();
  for (size_t i = 0; i < n; ++i) out[i] = FromBfloat16(ToBfloat16(in[i]));
}

}  // namespace zhiyin::worker::model::nn

#include "ps/server/step_sum.h"

namespace zhiyin::ps::server {

void RowSum::Add(std::span<std::byte* const> rows, const float* gradients, int dim) {
  const size_t d = static_cast<size_t>(dim);
  const auto key_of = [](const std::byte* row) { return reinterpret_cast<uintptr_t>(row); };
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i + UniqueKeys::kAhead < rows.size())
      positions_.Prefetch(key_of(rows[i + UniqueKeys::kAhead]));
    if (rows[i] == nullptr) continue;
    const float* gradient = gradients + i * d;
    const uint32_t at = positions_.Insert(key_of(rows[i]));
    if (at == rows_.size()) {
      rows_.push_back(rows[i]);
      sums_.insert(sums_.end(), gradient, gradient + d);
    } else {
      float* sum = sums_.data() + at * d;
      for (size_t k = 0; k < d; ++k) sum[k] += gradient[k];
    }
  }
}

}  // namespace zhiyin::ps::server

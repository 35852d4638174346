#include <algorithm>
#include <numeric>

#include "worker/model/metric/metric.h"

namespace zhiyin::worker::model::metric {

std::optional<double> Auc(std::span<const float> predictions, std::span<const float> labels) {
  std::vector<uint32_t> order(predictions.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return predictions[a] < predictions[b]; });

  // Twice the number of (positive, negative) pairs in the right order, ties counting half: an
  // integer, and therefore exact.
  unsigned __int128 twice_right = 0;
  uint64_t n_positive = 0;
  uint64_t n_negative = 0;
  for (size_t i = 0; i < order.size();) {
    uint64_t tied_positive = 0;
    uint64_t tied_negative = 0;
    const float prediction = predictions[order[i]];
    for (; i < order.size() && predictions[order[i]] == prediction; ++i) {
      ++(labels[order[i]] > 0.5f ? tied_positive : tied_negative);
    }
    twice_right += static_cast<unsigned __int128>(tied_positive) * (2 * n_negative + tied_negative);
    n_positive += tied_positive;
    n_negative += tied_negative;
  }
  if (n_positive == 0 || n_negative == 0) return std::nullopt;
  return static_cast<double>(twice_right) / 2 / static_cast<double>(n_positive) /
         static_cast<double>(n_negative);
}

}  // namespace zhiyin::worker::model::metric

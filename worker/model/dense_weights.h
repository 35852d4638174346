// The dense weights of the model, as rows of the dense table.
#pragma once

#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "common/large_pages.h"
#include "common/types.h"

namespace zhiyin::worker::model {

/// A flat vector of weights and one of gradients, padded to whole table rows of kDenseRowDim
/// floats. The gradient of the padding is always zero. Used by one thread.
class DenseWeights {
 public:
  explicit DenseWeights(int64_t n_weights)
      : n_weights_(static_cast<size_t>(n_weights)),
        keys_((n_weights_ + kDenseRowDim - 1) / kDenseRowDim) {
    std::iota(keys_.begin(), keys_.end(), Key{0});
    weights_.resize(keys_.size() * kDenseRowDim);
    gradients_.resize(keys_.size() * kDenseRowDim);
  }

  std::span<const Key> keys() const { return keys_; }
  std::span<float> weights() { return std::span(weights_).first(n_weights_); }
  std::span<float> gradients() { return std::span(gradients_).first(n_weights_); }
  /// Include the padding: [keys().size(), kDenseRowDim].
  std::span<float> weight_rows() { return weights_; }
  std::span<float> gradient_rows() { return gradients_; }

 private:
  size_t n_weights_;
  std::vector<Key> keys_;
  // Always aligned alike, as Model requires.
  LargeVector<float> weights_;
  LargeVector<float> gradients_;
};

}  // namespace zhiyin::worker::model

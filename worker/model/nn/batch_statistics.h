// Means and variances of columns over the rows of many slices, whoever saw them.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zhiyin::worker::model::nn {

/// What batch normalisation saw in training (Wu and Johnson, "Rethinking Batch in BatchNorm", 2021,
/// section 3: over many rows rather than a moving average). Sums are kept in fixed point, so that
/// they have the same bits in whatever order and at whatever number of workers they were added. One
/// thread.
class BatchStatistics {
 public:
  /// Of a model whose flat weights these are, wherever it is given a part of them.
  explicit BatchStatistics(std::span<const float> weights) : base_(weights.data()) {}

  /// The columns' mean and variance over n rows. `kept`: where among the weights those over all
  /// rows will be kept, all means and then all variances. A layer whose numbers are not finite is
  /// left out: its loss is about to end the job.
  void Add(std::span<const float> kept, int64_t n, std::span<const float> mean,
           std::span<const float> variance);
  void clear() { layers_.clear(); }

  std::string Serialize() const;
  /// Adds what another worker sent. Throws Error unless it can be sums of a model with n_weights
  /// weights.
  void Add(std::string_view bytes, int64_t n_weights);

  /// Sets the means and variances among the weights, of the layers that have sums.
  void Write(std::span<float> weights) const;

 private:
  struct Sum {
    __int128 x = 0;
    __int128 square = 0;
  };
  struct Layer {
    int64_t n = 0;          // rows
    std::vector<Sum> sums;  // [columns]
  };
  const float* base_;
  std::map<int64_t, Layer> layers_;  // by the place of their means among the weights
};

}  // namespace zhiyin::worker::model::nn

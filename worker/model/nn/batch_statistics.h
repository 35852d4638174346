// Means and variances of columns over the examples of many slices, from all workers.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zhiyin::worker::model::nn {

/// Sums of what batch normalisation saw in training (Wu and Johnson, "Rethinking Batch in
/// BatchNorm", 2021, section 3: over many examples rather than a moving average). Sums are in fixed
/// point, so that their bits depend neither on the order of additions nor on the number of workers.
/// Used by one thread.
class BatchStatistics {
 public:
  /// `weights` is the whole flat vector of the model; layers are told apart by their place in it.
  /// It outlives this object.
  explicit BatchStatistics(std::span<const float> weights) : base_(weights.data()) {}

  /// Whether the sums over n examples of a layer with this mean and variance [columns] are finite
  /// and below 2^87, which is as far as sums go here.
  static bool CanHold(int64_t n, std::span<const float> mean, std::span<const float> variance);

  /// Adds the mean and variance [columns] of a layer over n examples. `kept` is the part of the
  /// weights that Write sets for this layer: all means, then all variances. Throws Error where the
  /// sums of all additions are beyond 2^87, as of activations of 10^8 in 10^10 examples. REQUIRES:
  /// CanHold.
  void Add(std::span<const float> kept, int64_t n, std::span<const float> mean,
           std::span<const float> variance);
  /// Adds all that another object holds, which has the same weights.
  void Add(const BatchStatistics& other);
  void clear() { layers_.clear(); }

  std::string Serialize() const;
  /// Adds the serialized sums of another worker. Throws Error where they cannot belong to a model
  /// with n_weights weights, and as Add does.
  void Add(std::string_view bytes, int64_t n_weights);

  /// Sets the stored means and variances among the weights, for the layers that have sums.
  void Write(std::span<float> weights) const;

 private:
  struct Sum {
    __int128 x = 0;
    __int128 square = 0;
  };
  struct Layer {
    int64_t n = 0;          // examples
    std::vector<Sum> sums;  // [columns]
  };
  const float* base_;
  std::map<int64_t, Layer> layers_;  // by the offset of their means in the weights
};

}  // namespace zhiyin::worker::model::nn

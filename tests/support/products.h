// What a test's matrix products are computed with, and how to compare what comes of it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/matrix.h"
#include "worker/model/nn/product.h"
#include "worker/model/nn/rounding.h"

namespace zhiyin::testing {

/// The backends that this build has.
std::vector<worker::model::nn::Backend> BackendsOfThisBuild();
/// "eigen" or "onednn", as --products names them.
std::string BackendName(worker::model::nn::Backend backend);

/// While it exists, all threads multiply by the backend; afterwards by the one before. REQUIRES: no
/// other thread multiplies when it begins and when it ends.
class BackendInUse {
 public:
  explicit BackendInUse(worker::model::nn::Backend backend);
  ~BackendInUse();
  BackendInUse(const BackendInUse&) = delete;
  BackendInUse& operator=(const BackendInUse&) = delete;

 private:
  worker::model::nn::Backend before_;
};

/// While it exists, layers of the calling thread compute in bfloat16, with the weights as they are
/// when it begins.
class RoundedPass {
 public:
  explicit RoundedPass(std::span<const float> weights);

 private:
  worker::model::nn::Rounded rounded_;
  worker::model::nn::Bfloat16Pass pass_;
};

/// Sets weights that are 0, above all biases, to 1.5 or -1.5, and makes all others smaller, so that
/// hardly any unit of a hidden layer is near 0 for inputs of about 1. Otherwise a rounding moves
/// about one unit in a thousand over the kink of its ReLU, which changes its whole gradient.
void KeepFromKinks(std::span<float> weights);

/// |found - expected| / |expected|, with Euclidean norms; 0 where both are 0.
double RelativeError(std::span<const float> found, std::span<const float> expected);
double RelativeError(const Matrix& found, const Matrix& expected);

}  // namespace zhiyin::testing

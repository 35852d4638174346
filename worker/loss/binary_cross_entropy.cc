// -y log p - (1 - y) log(1 - p) with p = 1 / (1 + exp(-z)), as max(z, 0) - y z + log(1 + exp(-|z|)): finite
// for every z.
#include <algorithm>
#include <cmath>

#include "worker/loss/loss.h"

namespace zhiyin::worker {
namespace {

class BinaryCrossEntropy final : public Loss {
 public:
  double Value(float z, float y) const override {
    const double logit = z;
    return std::max(logit, 0.0) - static_cast<double>(y) * logit + std::log1p(std::exp(-std::abs(logit)));
  }
  float Derivative(float z, float y) const override { return Prediction(z) - y; }
  float Prediction(float z) const override {
    // exp of a negative number only: it may vanish, it never overflows.
    const float e = std::exp(-std::abs(z));
    return (z >= 0 ? 1.0f : e) / (1.0f + e);
  }
  bool Accepts(float label) const override { return label >= 0 && label <= 1; }
  bool IsBinary() const override { return true; }
};

}  // namespace

std::unique_ptr<Loss> MakeBinaryCrossEntropy() {
  return std::make_unique<BinaryCrossEntropy>();
}

}  // namespace zhiyin::worker

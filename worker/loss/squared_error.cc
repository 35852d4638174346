// (output - label)^2; its derivative is 2 (output - label).
#include <cmath>

#include "worker/loss/loss.h"

namespace zhiyin::worker {
namespace {

class SquaredErrorLoss final : public Loss {
 public:
  double Value(float output, float label) const override {
    const double error = static_cast<double>(output) - static_cast<double>(label);
    return error * error;
  }
  float Derivative(float output, float label) const override { return 2 * (output - label); }
  float Prediction(float output) const override { return output; }
  bool Accepts(float label) const override { return std::isfinite(label); }
  bool IsBinary() const override { return false; }
};

}  // namespace

std::unique_ptr<Loss> MakeSquaredError() {
  return std::make_unique<SquaredErrorLoss>();
}

}  // namespace zhiyin::worker

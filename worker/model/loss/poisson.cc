// Negative log-likelihood of a Poisson distribution of rate exp(z), without the term that depends
// on the label alone: exp(z) - y z; its derivative is exp(z) - y. Above kSteepest exp goes on as
// its tangent, so that all stays finite.
#include <algorithm>

#include "worker/model/loss/losses.h"
#include "worker/model/loss/pointwise.h"

namespace zhiyin::worker::model::loss {
namespace {

constexpr double kSteepest = 50;

struct PoissonLoss {
  static constexpr PredictionKind kKind = PredictionKind::kNumber;
  static constexpr const char* kDomain = "a finite number of 0 or more";
  static double Value(double z, double y) {
    return Rate(z) * (1 + std::max(z - kSteepest, 0.0)) - y * z;
  }
  static double Derivative(double z, double y) { return Rate(z) - y; }
  static float Prediction(float z) { return static_cast<float>(Rate(z)); }
  static bool Accepts(float label) { return label >= 0 && std::isfinite(label); }

 private:
  static double Rate(double z) { return std::exp(std::min(z, kSteepest)); }
};

}  // namespace

const LossKind kPoisson = {
    .name = "poisson",
    .make = []() -> std::unique_ptr<Loss> {
      return std::make_unique<PointwiseLoss<PoissonLoss>>();
    },
    .link = "Exp",
};

}  // namespace zhiyin::worker::model::loss

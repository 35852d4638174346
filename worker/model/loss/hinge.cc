// max(0, 1 - s z) with s = 2 y - 1 (Cortes and Vapnik, Machine Learning 20, 1995); its derivative
// is -s where s z < 1, else 0.
#include <algorithm>

#include "worker/model/loss/losses.h"
#include "worker/model/loss/pointwise.h"

namespace zhiyin::worker::model::loss {
namespace {

struct HingeLoss {
  static constexpr PredictionKind kKind = PredictionKind::kScore;
  static constexpr const char* kDomain = "0 or 1";
  // In this order, std::max passes on a z that is not a number.
  static double Value(double z, double y) { return std::max(1 - Sign(y) * z, 0.0); }
  static double Derivative(double z, double y) { return Sign(y) * z < 1 ? -Sign(y) : 0; }
  static float Prediction(float z) { return z; }
  static bool Accepts(double label) { return label == 0 || label == 1; }

 private:
  static double Sign(double y) { return 2 * y - 1; }
};

}  // namespace

const LossKind kHinge = {
    .name = "hinge",
    .make = []() -> std::unique_ptr<Loss> { return std::make_unique<PointwiseLoss<HingeLoss>>(); },
};

}  // namespace zhiyin::worker::model::loss

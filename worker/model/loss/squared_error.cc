// (output - label)^2; its derivative is 2 (output - label).
#include "worker/model/loss/losses.h"
#include "worker/model/loss/pointwise.h"

namespace zhiyin::worker::model::loss {
namespace {

struct SquaredError {
  static constexpr PredictionKind kKind = PredictionKind::kNumber;
  static constexpr const char* kDomain = "a finite number";
  static double Value(double output, double label) { return (output - label) * (output - label); }
  static double Derivative(double output, double label) { return 2 * (output - label); }
  static float Prediction(float output) { return output; }
  static bool Accepts(double label) { return std::isfinite(label); }
};

}  // namespace

const LossKind kSquaredError = {
    .name = "squared_error",
    .make = []() -> std::unique_ptr<Loss> {
      return std::make_unique<PointwiseLoss<SquaredError>>();
    },
    .first_output = [](double mean_label) { return mean_label; },
    .likelihood_factor = 0.5,
};

}  // namespace zhiyin::worker::model::loss

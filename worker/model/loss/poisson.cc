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
  static bool Accepts(double label) { return label >= 0 && std::isfinite(label); }

 private:
  static double Rate(double z) { return std::exp(std::min(z, kSteepest)); }
};

}  // namespace

const LossKind kPoisson = {
    .name = "poisson",
    .make = []() -> std::unique_ptr<Loss> {
      return std::make_unique<PointwiseLoss<PoissonLoss>>();
    },
    .link =
        [](nn::Graph* graph, const nn::Graph::Value& outputs) {
          const nn::Graph::Value steepest = graph->Scalar(static_cast<float>(kSteepest));
          return graph->Op("Exp", {graph->Op("Min", {outputs, steepest})});
        },
    .first_output = [](double mean_label) { return std::log(std::max(mean_label, 1e-6)); },
    // The mean of the posterior of a rate is (sum + 1/2) / n.
    .prior = {.weight = 0, .label = 0.5},
};

}  // namespace zhiyin::worker::model::loss

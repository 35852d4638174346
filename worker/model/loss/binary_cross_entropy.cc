// -y log p - (1 - y) log(1 - p) with p = 1 / (1 + exp(-z)), as max(z, 0) - y z + log(1 +
// exp(-|z|)): finite for every z. Its derivative is p - y.
#include <algorithm>

#include "worker/model/loss/losses.h"
#include "worker/model/loss/pointwise.h"
#include "worker/model/nn/logit_of_product.h"

namespace zhiyin::worker::model::loss {
namespace {

/// exp of a negative number only: it may vanish, it never overflows.
template <typename Number>
Number Sigmoid(Number z) {
  const Number e = std::exp(-std::abs(z));
  return (z >= 0 ? Number{1} : e) / (Number{1} + e);
}

struct BinaryCrossEntropy {
  static constexpr PredictionKind kKind = PredictionKind::kProbability;
  static constexpr const char* kDomain = "a number from 0 to 1";
  static double Value(double z, double y) {
    return std::max(z, 0.0) - y * z + std::log1p(std::exp(-std::abs(z)));
  }
  static double Derivative(double z, double y) { return Sigmoid(z) - y; }
  static float Prediction(float z) { return Sigmoid(z); }
  static bool Accepts(double label) { return label >= 0 && label <= 1; }
};

}  // namespace

const LossKind kBinaryCrossEntropy = {
    .name = "binary_cross_entropy",
    .make = []() -> std::unique_ptr<Loss> {
      return std::make_unique<PointwiseLoss<BinaryCrossEntropy>>();
    },
    .link = [](nn::Graph* graph,
               const nn::Graph::Value& logits) { return graph->Op("Sigmoid", {logits}); },
    .first_output = nn::LogitOfShare,
    // Half an example of each class (Krichevsky and Trofimov, 1981).
    .prior = {.weight = 1, .label = 0.5},
};

}  // namespace zhiyin::worker::model::loss

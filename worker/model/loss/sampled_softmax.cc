// Softmax over the candidates at hand instead of over all (Jean et al., ACL 2015, eq. 8): for a
// positive row of output z and negative rows of outputs z_k
//   -log(exp(z) / (exp(z) + sum_k exp(z_k))),   d / d z_k = exp(z_k) / (exp(z) + sum_j exp(z_j))
#include <algorithm>
#include <cmath>

#include "worker/model/loss/losses.h"
#include "worker/model/loss/ranking.h"

namespace zhiyin::worker::model::loss {
namespace {

class SampledSoftmax final : public RankingLoss {
  double Compare(double z, std::span<const double> negatives,
                 std::span<double> dnegatives) override {
    // The largest exponent is 0: nothing overflows.
    const double largest = std::max(z, *std::max_element(negatives.begin(), negatives.end()));
    double sum = std::exp(z - largest);
    for (size_t k = 0; k < negatives.size(); ++k)
      sum += dnegatives[k] = std::exp(negatives[k] - largest);
    for (double& d : dnegatives) d /= sum;
    return std::log(sum) + largest - z;
  }
};

}  // namespace

const LossKind kSampledSoftmax = {
    .name = "sampled_softmax",
    .make = []() -> std::unique_ptr<Loss> { return std::make_unique<SampledSoftmax>(); },
    .group = [](const Task& task) { return &task.sampled_softmax().group(); },
};

}  // namespace zhiyin::worker::model::loss

// Softmax over the candidates at hand instead of over all (Jean et al., ACL 2015, eq. 8): for a
// positive example of output z and negative ones of outputs z_k that count n_k times
//   -log(exp(z) / S),   S = exp(z) + sum_k n_k exp(z_k),   d / d z_k = n_k exp(z_k) / S
// A negative drawn with probability q_k has n_k = 1 / q_k, which makes S - exp(z) an unbiased
// estimate of the sum over all negatives (Bengio and Senecal, AISTATS 2003; Jean et al., section
// 3).
#include <algorithm>
#include <cmath>

#include "worker/model/loss/losses.h"
#include "worker/model/loss/ranking.h"

namespace zhiyin::worker::model::loss {
namespace {

class SampledSoftmax final : public RankingLoss {
  double Compare(double z, std::span<const double> negatives, std::span<const double> counts,
                 std::span<double> dnegatives) override {
    // The largest exponent is 0: nothing overflows.
    const double largest = std::max(z, *std::max_element(negatives.begin(), negatives.end()));
    double sum = std::exp(z - largest);
    for (size_t k = 0; k < negatives.size(); ++k)
      sum += dnegatives[k] = counts[k] * std::exp(negatives[k] - largest);
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

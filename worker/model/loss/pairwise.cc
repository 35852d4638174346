// Bayesian personalised ranking (Rendle, Freudenthaler, Gantner and Schmidt-Thieme, UAI 2009,
// section 4.1): for a positive row of output z and negative rows of outputs z_k
//   (1 / K) sum_k log(1 + exp(-(z - z_k))),   d / d z_k = (1 / K) / (1 + exp(z - z_k))
#include <algorithm>
#include <cmath>

#include "worker/model/loss/losses.h"
#include "worker/model/loss/ranking.h"

namespace zhiyin::worker::model::loss {
namespace {

class Pairwise final : public RankingLoss {
  double Compare(double z, std::span<const double> negatives,
                 std::span<double> dnegatives) override {
    const double share = 1.0 / static_cast<double>(negatives.size());
    double loss = 0;
    for (size_t k = 0; k < negatives.size(); ++k) {
      const double margin = z - negatives[k];
      const double e = std::exp(-std::abs(margin));
      loss += share * (std::max(-margin, 0.0) + std::log1p(e));
      dnegatives[k] = share * (margin >= 0 ? e : 1.0) / (1.0 + e);
    }
    return loss;
  }
};

}  // namespace

const LossKind kPairwise = {
    .name = "pairwise",
    .make = []() -> std::unique_ptr<Loss> { return std::make_unique<Pairwise>(); },
    .group = [](const Task& task) { return &task.pairwise().group(); },
};

}  // namespace zhiyin::worker::model::loss

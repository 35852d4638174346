// Bayesian personalised ranking (Rendle, Freudenthaler, Gantner and Schmidt-Thieme, UAI 2009,
// section 4.1): for a positive example of output z and negative ones of outputs z_k that count n_k
// times, N = sum_k n_k together,
//   sum_k (n_k / N) log(1 + exp(-(z - z_k))),   d / d z_k = (n_k / N) / (1 + exp(z - z_k))
#include <algorithm>
#include <cmath>
#include <numeric>

#include "worker/model/loss/losses.h"
#include "worker/model/loss/ranking.h"

namespace zhiyin::worker::model::loss {
namespace {

class Pairwise final : public RankingLoss {
  double Compare(double z, std::span<const double> negatives, std::span<const double> counts,
                 std::span<double> dnegatives) override {
    const double n = std::accumulate(counts.begin(), counts.end(), 0.0);
    double loss = 0;
    for (size_t k = 0; k < negatives.size(); ++k) {
      const double share = counts[k] / n;
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

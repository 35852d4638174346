#include "worker/model/metric/list_metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "common/random.h"

namespace zhiyin::worker::model::metric {
namespace {

constexpr size_t kBootstraps = 1000;

double Mean(const std::vector<double>& values) {
  return values.empty() ? 0
                        : std::accumulate(values.begin(), values.end(), 0.0) /
                              static_cast<double>(values.size());
}

MeanWithInterval WithInterval(const std::vector<double>& values) {
  if (values.empty()) return {};
  std::vector<double> means(kBootstraps);
  Random random(values.size());
  for (double& mean : means) {
    double sum = 0;
    for (size_t i = 0; i < values.size(); ++i) sum += values[random.Below(values.size())];
    mean = sum / static_cast<double>(values.size());
  }
  std::sort(means.begin(), means.end());
  return {Mean(values), means[kBootstraps * 25 / 1000], means[kBootstraps * 975 / 1000 - 1]};
}

}  // namespace

ListTally::ListTally(int k, std::vector<int64_t> counts, int64_t n_candidates)
    : k_(k), counts_(std::move(counts)), n_candidates_(n_candidates), recommended_(counts_.size()) {
  for (const int64_t n : counts_) n_events_ += static_cast<double>(n);
}

void ListTally::Add(std::span<const int> list, std::span<const int> relevant) {
  if (relevant.empty()) return;
  list = list.first(std::min(list.size(), static_cast<size_t>(k_)));
  const auto gain = [](size_t rank) { return 1 / std::log2(1.0 + static_cast<double>(rank)); };
  double dcg = 0;
  double first = 0;
  double n_found = 0;
  for (size_t r = 0; r < list.size(); ++r) {
    const size_t item = static_cast<size_t>(list[r]);
    recommended_[item] = true;
    novelty_sum_ -=
        std::log2(std::max(static_cast<double>(counts_[item]), 0.5) / std::max(n_events_, 1.0));
    ++n_places_;
    if (std::find(relevant.begin(), relevant.end(), list[r]) == relevant.end()) continue;
    dcg += gain(r + 1);
    if (n_found == 0) first = 1 / static_cast<double>(r + 1);
    ++n_found;
  }
  double best = 0;
  for (size_t r = 0; r < std::min(relevant.size(), static_cast<size_t>(k_)); ++r)
    best += gain(r + 1);
  recalls_.push_back(n_found / static_cast<double>(relevant.size()));
  ndcgs_.push_back(dcg / best);
  hits_.push_back(n_found > 0 ? 1 : 0);
  reciprocal_ranks_.push_back(first);
}

ListMetrics ListTally::Compute() const {
  ListMetrics metrics;
  metrics.n_users = static_cast<int64_t>(recalls_.size());
  metrics.recall = WithInterval(recalls_);
  metrics.ndcg = WithInterval(ndcgs_);
  metrics.hit_rate = WithInterval(hits_);
  metrics.mrr = WithInterval(reciprocal_ranks_);
  if (n_candidates_ > 0) {
    metrics.coverage =
        static_cast<double>(std::count(recommended_.begin(), recommended_.end(), true)) /
        static_cast<double>(n_candidates_);
  }
  if (n_places_ > 0) metrics.novelty = novelty_sum_ / static_cast<double>(n_places_);
  return metrics;
}

}  // namespace zhiyin::worker::model::metric

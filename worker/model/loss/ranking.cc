#include "worker/model/loss/ranking.h"

#include <algorithm>
#include <cmath>

namespace zhiyin::worker::model::loss {

void RankingLoss::Compute(const LossRows& rows, std::span<double> values,
                          std::span<float> derivatives) {
  std::fill(values.begin(), values.end(), 0.0);
  derivatives_.assign(rows.outputs.size(), 0.0);
  order_.clear();
  for (size_t i = 0; i < rows.labels.size(); ++i) {
    if (!std::isnan(rows.labels[i])) order_.push_back(i);
  }
  const auto group_of = [&](size_t i) { return rows.groups.empty() ? Key{0} : rows.groups[i]; };
  std::stable_sort(order_.begin(), order_.end(),
                   [&](size_t a, size_t b) { return group_of(a) < group_of(b); });
  for (size_t begin = 0, end = 0; begin < order_.size(); begin = end) {
    while (end < order_.size() && group_of(order_[end]) == group_of(order_[begin])) ++end;
    ComputeGroup(rows, std::span(order_).subspan(begin, end - begin), values);
  }
  std::copy(derivatives_.begin(), derivatives_.end(), derivatives.begin());
}

void RankingLoss::ComputeGroup(const LossRows& rows, std::span<const size_t> group,
                               std::span<double> values) {
  const auto weight_of = [&](size_t i) { return rows.weights.empty() ? 1.0 : rows.weights[i]; };
  negatives_.clear();
  z_.clear();
  counts_.clear();
  for (const size_t i : group) {
    if (rows.labels[i] == 1 || weight_of(i) == 0) continue;
    negatives_.push_back(i);
    z_.push_back(rows.outputs[i]);
    counts_.push_back(weight_of(i));
  }
  if (negatives_.empty()) return;
  dz_.resize(z_.size());
  for (const size_t i : group) {
    if (rows.labels[i] != 1) continue;
    const double weight = weight_of(i);
    values[i] = weight * Compare(rows.outputs[i], z_, counts_, dz_);
    for (size_t k = 0; k < negatives_.size(); ++k) {
      derivatives_[negatives_[k]] += weight * dz_[k];
      derivatives_[i] -= weight * dz_[k];
    }
  }
}

}  // namespace zhiyin::worker::model::loss

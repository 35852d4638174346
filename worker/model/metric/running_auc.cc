#include <algorithm>

#include "worker/model/metric/metric.h"

namespace zhiyin::worker::model::metric {

RunningAuc::RunningAuc() : counts_(2 * kNumBins) {}

void RunningAuc::Add(float prediction, float label) {
  const int bin = std::clamp(static_cast<int>(prediction * kNumBins), 0, kNumBins - 1);
  ++counts_[static_cast<size_t>(label > 0.5f ? kNumBins + bin : bin)];
}

void RunningAuc::Merge(const RunningAuc& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

std::optional<double> RunningAuc::Value() const {
  double right = 0;
  double n_positive = 0;
  double n_negative = 0;
  for (size_t bin = 0; bin < kNumBins; ++bin) {
    const double negative = static_cast<double>(counts_[bin]);
    const double positive = static_cast<double>(counts_[kNumBins + bin]);
    right += positive * (n_negative + negative / 2);
    n_positive += positive;
    n_negative += negative;
  }
  if (n_positive == 0 || n_negative == 0) return std::nullopt;
  return right / n_positive / n_negative;
}

}  // namespace zhiyin::worker::model::metric

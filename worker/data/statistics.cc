#include "worker/data/statistics.h"

#include <algorithm>
#include <cmath>

namespace zhiyin::worker::data {

void Moments::Add(double x) {
  ++n;
  const double delta = x - mean;
  mean += delta / static_cast<double>(n);
  m2 += delta * (x - mean);
}

void Moments::Merge(const Moments& other) {
  if (other.n == 0) return;
  const double total = static_cast<double>(n + other.n);
  const double delta = other.mean - mean;
  mean += delta * static_cast<double>(other.n) / total;
  m2 += other.m2 + delta * delta * static_cast<double>(n) * static_cast<double>(other.n) / total;
  n += other.n;
}

double Moments::Stddev() const {
  return n == 0 ? 0 : std::sqrt(m2 / static_cast<double>(n));
}

void LabelRange::Add(double label) {
  least = std::min(least, label);
  most = std::max(most, label);
}

void LabelRange::Merge(const LabelRange& other) {
  least = std::min(least, other.least);
  most = std::max(most, other.most);
}

void Normalizer::Apply(std::span<double> numerics) const {
  const size_t n_numerics = mean.size();
  for (size_t at = 0; at < numerics.size(); at += n_numerics) {
    for (size_t j = 0; j < n_numerics; ++j) {
      double& x = numerics[at + j];
      x = std::isnan(x) ? 0 : (x - mean[j]) * scale[j];
    }
  }
}

}  // namespace zhiyin::worker::data

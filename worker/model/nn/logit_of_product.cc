#include "worker/model/nn/logit_of_product.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace zhiyin::worker::model::nn {
namespace {

/// Above this a, exp(-a) is smaller than the rounding error of 1, so that 1 - sigmoid(a) = exp(-a).
constexpr double kFar = 37;

double Softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

}  // namespace

double LogitOfShare(double p) {
  constexpr double kLeast = 1e-6;
  p = std::clamp(p, kLeast, 1 - kLeast);
  return std::log(p / (1 - p));
}

double LogitOfProduct(std::span<const double> a, std::span<double> da) {
  const double least = *std::min_element(a.begin(), a.end());
  if (least > kFar) {
    // 1 - p = sum_j exp(-a_j) may be too small for a double, so it is computed relative to its
    // largest term.
    double sum = 0;
    for (size_t j = 0; j < a.size(); ++j) sum += da[j] = std::exp(least - a[j]);
    for (double& d : da) d /= sum;
    return least - std::log(sum);
  }
  double log_p = 0;
  for (const double logit : a) log_p -= Softplus(-logit);
  // 1 - p, by whichever of two formulas does not cancel.
  const double log_rest =
      log_p > -std::numbers::ln2 ? std::log(-std::expm1(log_p)) : std::log1p(-std::exp(log_p));
  for (size_t j = 0; j < a.size(); ++j) da[j] = std::exp(-Softplus(a[j]) - log_rest);
  return log_p - log_rest;
}

}  // namespace zhiyin::worker::model::nn

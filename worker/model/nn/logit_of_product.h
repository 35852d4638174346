// The logit of a product of probabilities.
#pragma once

#include <span>

namespace zhiyin::worker::model::nn {

/// Returns z = logit(p) for p = prod_j sigmoid(a_j). REQUIRES: a is not empty, and finite. Computed
/// from logarithms, so that it stays accurate where p is close to 0 or 1:
///
///   log p = -sum_j softplus(-a_j);  z = log p - log(1 - p)
///   da_j = dz / da_j = (1 - sigmoid(a_j)) / (1 - p)       da [a.size()]
double LogitOfProduct(std::span<const double> a, std::span<double> da);

}  // namespace zhiyin::worker::model::nn

// Logits of probabilities and of their products.
#pragma once

#include <span>

namespace zhiyin::worker::model::nn {

/// Returns log(p / (1 - p)), for a p outside of [1e-6, 1 - 1e-6] that of the nearest number in it:
/// a share of examples, which may be 0, as the start of something that learns.
double LogitOfShare(double p);

/// Returns z = logit(p) for p = prod_j sigmoid(a_j). REQUIRES: a is not empty, and finite. Computed
/// from logarithms, so that it stays accurate where p is close to 0 or 1:
///
///   log p = -sum_j softplus(-a_j);  z = log p - log(1 - p)
///   da_j = dz / da_j = (1 - sigmoid(a_j)) / (1 - p)       da [a.size()]
double LogitOfProduct(std::span<const double> a, std::span<double> da);

}  // namespace zhiyin::worker::model::nn

// The product of probabilities, as a logit.
#pragma once

#include <span>

namespace zhiyin::worker::model::nn {

/// z = logit(p), p = prod_j sigmoid(a_j), for finite a, at least one. From logarithms, so that no p
/// is too close to 0 or 1:
///   log p = -sum_j softplus(-a_j);  z = log p - log(1 - p)
///   dz / da_j = (1 - sigmoid(a_j)) / (1 - p), put into da [as many as a]
double LogitOfProduct(std::span<const double> a, std::span<double> da);

}  // namespace zhiyin::worker::model::nn

// Softmax over the columns of each row.
#pragma once

#include "worker/nn/dense_layer.h"

namespace zhiyin::worker {

/// p[i, :] = exp(z[i, :]) / sum, in place of z.
void Softmax(MutableBlock z);
/// dz[i, k] = p[i, k] * (dp[i, k] - sum_j p[i, j] dp[i, j]), in place of dp.
void SoftmaxBackward(const ConstBlock& p, MutableBlock dp);

}  // namespace zhiyin::worker

// Softmax over the columns of each row, or over each of the pieces of a column.
#pragma once

#include <cstdint>
#include <span>

#include "worker/model/nn/dense_layer.h"

namespace zhiyin::worker::model::nn {

/// p[i, :] = exp(z[i, :]) / sum, in place of z.
void Softmax(MutableBlock z);
/// dz[i, k] = p[i, k] * (dp[i, k] - sum_j p[i, j] dp[i, j]), in place of dp.
void SoftmaxBackward(const ConstBlock& p, MutableBlock dp);

/// The same over z[begin[i]], ..., z[begin[i + 1] - 1] for each i. What a mask would leave out is
/// not there; a piece may be empty.
void SegmentSoftmax(std::span<const int32_t> begin, std::span<float> z);
void SegmentSoftmaxBackward(std::span<const int32_t> begin, std::span<const float> p,
                            std::span<float> dp);

}  // namespace zhiyin::worker::model::nn

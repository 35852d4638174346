// Softmax over the columns of each row, or over segments of a vector.
#pragma once

#include <cstdint>
#include <span>

#include "worker/model/nn/dense_layer.h"

namespace zhiyin::worker::model::nn {

/// Replaces z [n, dim] by p: p[i, :] = exp(z[i, :]) / sum_k exp(z[i, k]).
void Softmax(MutableBlock z);
/// Replaces dp [n, dim] by dz: dz[i, k] = p[i, k] * (dp[i, k] - sum_j p[i, j] dp[i, j]).
void SoftmaxBackward(const ConstBlock& p, MutableBlock dp);

/// Replaces each segment z[begin[i]], ..., z[begin[i + 1] - 1], i in [0, n), by its softmax, so
/// that sequences of different lengths need no mask. begin [n + 1] is ascending; a segment may be
/// empty.
void SegmentSoftmax(std::span<const int32_t> begin, std::span<float> z);
/// Replaces dp by dz, segment by segment, as SoftmaxBackward does for rows. `p` is the output of
/// SegmentSoftmax.
void SegmentSoftmaxBackward(std::span<const int32_t> begin, std::span<const float> p,
                            std::span<float> dp);

}  // namespace zhiyin::worker::model::nn

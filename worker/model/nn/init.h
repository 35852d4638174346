// Initial values of weights.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>

#include "common/random.h"

namespace zhiyin::worker::model::nn {

/// Sets n weights from `begin` on to values uniform in +-range. `random` is advanced.
inline void InitUniform(double range, int64_t begin, int64_t n, Random* random,
                        std::span<float> weights) {
  for (float& w : weights.subspan(static_cast<size_t>(begin), static_cast<size_t>(n)))
    w = static_cast<float>(range * (2 * random->Uniform() - 1));
}

/// Sets n weights from `begin` on to `value`.
inline void InitConstant(float value, int64_t begin, int64_t n, std::span<float> weights) {
  for (float& w : weights.subspan(static_cast<size_t>(begin), static_cast<size_t>(n))) w = value;
}

/// The range of uniform initial weights of Glorot and Bengio, AISTATS 2010, eq. 16.
inline double GlorotRange(int in, int out) {
  return std::sqrt(6.0 / (in + out));
}

}  // namespace zhiyin::worker::model::nn
